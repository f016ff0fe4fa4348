/* The conformance tests of losses. */
#include "conform/tests.h"

const struct scion_conform_test scion_conform_loss[] = {
        { NULL, NULL },
};
