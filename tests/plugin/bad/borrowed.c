/* A shared object without a descriptor, linked with a library that has one. */
#include <scion/api.h>

SCION_API int scion_borrower = 1;
