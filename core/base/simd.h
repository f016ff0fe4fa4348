/* Loops that the compiler vectorises: the same for the engine as for plugins. */
#ifndef SCION_BASE_SIMD_H
#define SCION_BASE_SIMD_H

#include <scion/simd.h>

#endif
