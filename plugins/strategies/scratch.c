/* Training from scratch: the baseline that knows nothing. */
#include <scion/scion.h>

/* The engine has drawn the target's values and trains them by the task's loss: there is nothing to carry
 * over. */
SCION_PLUGIN_STRATEGY("scratch", .summary = "train the target from fresh values; the source is not used");
