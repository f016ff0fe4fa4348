/* A shared object without a descriptor; the library beside it has one. */
#include <scion/api.h>

SCION_API int scion_borrower = 1;
