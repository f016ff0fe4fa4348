/* The conformance tests of datasets. */
#include "conform/tests.h"

const struct scion_conform_test scion_conform_dataset[] = {
        { NULL, NULL },
};
