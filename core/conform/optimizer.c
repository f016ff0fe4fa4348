/* The conformance tests of optimizers. */
#include "conform/tests.h"

const struct scion_conform_test scion_conform_optimizer[] = {
        { NULL, NULL },
};
