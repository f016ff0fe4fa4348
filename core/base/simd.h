/* Loops that the compiler vectorises, once for each instruction set; the loader picks the machine's. */
#ifndef SCION_BASE_SIMD_H
#define SCION_BASE_SIMD_H

/* Before a function that holds such a loop. Sanitizers' run-time is not ready when the loader would pick. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(SCION_NO_CLONES)
#define SCION_CLONES __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define SCION_CLONES
#endif

#endif
