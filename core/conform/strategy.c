/* The conformance tests of strategies. */
#include "conform/tests.h"

const struct scion_conform_test scion_conform_strategy[] = {
        { NULL, NULL },
};
