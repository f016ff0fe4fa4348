/* Kernels of the processor's back end, which are oneDNN primitives or loops of Scion, and the table that caches them. */
#ifndef SCION_BACKEND_CPU_KERNEL_H
#define SCION_BACKEND_CPU_KERNEL_H

#include <oneapi/dnnl/dnnl.h>

#include "backend/cpu/cpu.h"

/* --- oneDNN --------------------------------------------------------------------------------------------- */

/* Returns whether the status is a success; if not, the message is "OPERATION: oneDNN: REASON". */
bool scion_dnnl_check(const char *operation, dnnl_status_t status);

/* Returns the engine of the processor; NULL with a message. */
dnnl_engine_t scion_dnnl_engine(void);

/* Returns the attributes that every primitive has; NULL with a message. They say that a primitive's working memory is
 * given to it and not allocated by the library. */
const_dnnl_primitive_attr_t scion_dnnl_attributes(void);

/* --- Layouts -------------------------------------------------------------------------------------------- */

/* Equal descriptors have one layout, which is kept until the process ends. The type is part of the descriptor, so a
 * layout of float32 and one of bfloat16 always differ. */
struct scion_layout {
        const struct scion_layout *next;
        dnnl_memory_desc_t md;
        size_t length; /* in memory, in elements of the descriptor's type */
};

/* Finds the layout and the type (float32 or bfloat16) of a descriptor; the layout is NULL for a row-major one. False,
 * with a message, when memory is out. */
bool scion_layout_intern(const dnnl_memory_desc_t *md, enum scion_dtype *dtype,
                         const struct scion_layout **layout);

/* Fills in a row-major descriptor. False with a message. */
bool scion_layout_row_major(int ndim, const int64_t *dim, dnnl_data_type_t type, dnnl_memory_desc_t *md);

/* Fills in a descriptor whose layout a primitive chooses. False with a message. */
bool scion_layout_any(int ndim, const int64_t *dim, dnnl_data_type_t type, dnnl_memory_desc_t *md);

/* oneDNN's name of a type: float32 or bfloat16. */
dnnl_data_type_t scion_layout_type(enum scion_dtype dtype);

/* --- Settings ------------------------------------------------------------------------------------------- */

/* The settings of scion_cpu_configure(). */
int scion_kernels_threads(void);
bool scion_kernels_bf16(void);
bool scion_kernels_winograd(void);

/* --- The table of kernels ------------------------------------------------------------------------------- */

enum scion_kernel_kind {
        SCION_KERNEL_REORDER = 1,
        SCION_KERNEL_MATMUL,
        SCION_KERNEL_CONV,
        SCION_KERNEL_POOL,
        SCION_KERNEL_BATCH_NORM,
};

/* A key holds everything that making the kernel depends on. */
#define SCION_KEY_WORDS 40

struct scion_key {
        int count;
        int64_t word[SCION_KEY_WORDS];
};

/* Begins a key with the kind and the number of threads. */
void scion_key_begin(struct scion_key *key, enum scion_kernel_kind kind);
void scion_key_add(struct scion_key *key, int64_t word);
void scion_key_add_shape(struct scion_key *key, const struct scion_shape *shape);

/* A kernel that is a loop over float32 memory, not a oneDNN primitive. Threads divide its units among themselves, and
 * each thread has its own working memory. */
struct scion_loop {
        void (*run)(const struct scion_loop *loop, void *const data[SCION_OPERANDS], void *scratch,
                    int64_t from, int64_t to);
        int64_t units;
        struct scion_geometry geometry;
        bool bias;
        enum scion_pooling pooling;
        size_t scratch; /* bytes of one thread, a multiple of 64 */
        const struct scion_layout *layout[SCION_OPERANDS];
        size_t workspace; /* bytes */
};

struct scion_kernel {
        struct scion_kernel *next;
        uint64_t hash;
        struct scion_key key;
        const char *operation;  /* for messages */
        struct scion_loop loop; /* run is NULL when the kernel is a primitive */
        dnnl_primitive_desc_t pd;
        dnnl_primitive_t primitive;
        size_t scratch;    /* bytes */
        double operations; /* of one run, a multiplication and an addition counting as two; 0: not counted */
        dnnl_memory_t scratch_memory;
        const struct scion_layout *layout[SCION_OPERANDS];
        enum scion_dtype dtype[SCION_OPERANDS];
        size_t bytes[SCION_OPERANDS];
        dnnl_memory_t memory[SCION_OPERANDS]; /* NULL for operands that the kernel does not have */
        int arguments;
        dnnl_exec_arg_t argument[SCION_OPERANDS + 1];
};

/* Prepares the calling thread for a kernel of that key: its stream, and the key's number of threads. False with a
 * message. */
bool scion_kernels_ready(const struct scion_key *key);

/* Returns the calling thread's kernel of that key; NULL, with no message, when it has not been made yet. */
struct scion_kernel *scion_kernel_find(const struct scion_key *key);

/* Makes a kernel from a primitive descriptor and keeps it in the table. Takes ownership of pd, also on failure.
 * `operation` is a literal. NULL with a message. */
struct scion_kernel *scion_kernel_make(const struct scion_key *key, const char *operation,
                                       dnnl_primitive_desc_t pd);

/* Makes a kernel from a loop, which is copied. */
struct scion_kernel *scion_kernel_make_loop(const struct scion_key *key, const char *operation,
                                            const struct scion_loop *loop);

/* Makes a kernel from an operation's descriptor. `attributes` NULL stands for scion_dnnl_attributes(). `forward` is the
 * kernel whose gradient this one computes, or NULL. */
struct scion_kernel *scion_kernel_describe(const struct scion_key *key, const char *operation,
                                           const_dnnl_op_desc_t descriptor,
                                           const_dnnl_primitive_attr_t attributes,
                                           const struct scion_kernel *forward);

#endif
