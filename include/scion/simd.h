/* Compiles functions once for each instruction set; the dynamic loader chooses the best one that the processor has. */
#ifndef SCION_SIMD_H
#define SCION_SIMD_H

#include <scion/api.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SCION_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SCION_SANITIZED 1
#endif
#endif

/* An attribute for functions with loops that the compiler vectorises. Empty under sanitizers, whose run-time is not
 * initialised when the loader chooses. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(SCION_SANITIZED) && !defined(SCION_NO_CLONES)
#define SCION_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define SCION_CLONES
#endif

#endif
