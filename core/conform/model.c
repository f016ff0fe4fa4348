/* The conformance tests of models. */
#include "conform/tests.h"

const struct scion_conform_test scion_conform_model[] = {
        { NULL, NULL },
};
