/* Training from scratch: the baseline without transfer. */
#include <scion/scion.h>

/* No callbacks: the engine draws the target's initial values and trains it by the task's loss. */
SCION_PLUGIN_STRATEGY("scratch", .summary = "train the target from fresh values; the source is not used");
