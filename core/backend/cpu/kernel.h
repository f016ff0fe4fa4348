/* Inside the backend: oneDNN's objects, and the table of kernels. */
#ifndef SCION_BACKEND_CPU_KERNEL_H
#define SCION_BACKEND_CPU_KERNEL_H

#include <oneapi/dnnl/dnnl.h>

#include "backend/backend.h"

/* --- oneDNN --------------------------------------------------------------------------------------------- */

/* False, with "OPERATION: oneDNN: its reason", unless the status is a success. */
bool scion_dnnl_check(const char *operation, dnnl_status_t status);

/* The processor; NULL with a message. */
dnnl_engine_t scion_dnnl_engine(void);

/* Attributes that every primitive has; NULL with a message. Working memory is ours, not the library's. */
const_dnnl_primitive_attr_t scion_dnnl_attributes(void);

/* --- Layouts -------------------------------------------------------------------------------------------- */

/* Two equal descriptors have one layout, which lives until the process ends. */
struct scion_layout {
        const struct scion_layout *next;
        dnnl_memory_desc_t md;
        size_t length; /* of its memory, in floats */
};

/* The layout that a descriptor says; NULL when it is that of row-major floats. False when memory is out. */
bool scion_layout_intern(const dnnl_memory_desc_t *md, const struct scion_layout **layout);

/* A row-major descriptor of floats. */
bool scion_layout_row_major(int ndim, const int64_t *dim, dnnl_memory_desc_t *md);

/* A descriptor whose layout a primitive chooses. */
bool scion_layout_any(int ndim, const int64_t *dim, dnnl_data_type_t type, dnnl_memory_desc_t *md);

/* --- The table of kernels ------------------------------------------------------------------------------- */

enum scion_kernel_kind {
        SCION_KERNEL_REORDER = 1,
        SCION_KERNEL_MATMUL,
        SCION_KERNEL_CONV,
        SCION_KERNEL_POOL,
        SCION_KERNEL_BATCH_NORM,
};

/* What tells kernels apart: everything that their making depends on. */
#define SCION_KEY_WORDS 40

struct scion_key {
        int count;
        int64_t word[SCION_KEY_WORDS];
};

/* The number of threads is part of every key. */
void scion_key_begin(struct scion_key *key, enum scion_kernel_kind kind);
void scion_key_add(struct scion_key *key, int64_t word);
void scion_key_add_shape(struct scion_key *key, const struct scion_shape *shape);

/* How many threads they use. */
int scion_kernels_threads(void);

/* A kernel of our own: a loop over memory. Threads share its units among them, and have working memory each. */
struct scion_loop {
        void (*run)(const struct scion_loop *loop, void *const data[SCION_OPERANDS], void *scratch,
                    int64_t from, int64_t to);
        int64_t units;
        struct scion_geometry geometry;
        bool bias;
        enum scion_pooling pooling;
        size_t scratch; /* bytes, a multiple of 64; of one thread */
        const struct scion_layout *layout[SCION_OPERANDS];
        size_t workspace; /* bytes */
};

struct scion_kernel {
        struct scion_kernel *next;
        uint64_t hash;
        struct scion_key key;
        const char *operation;  /* for messages */
        struct scion_loop loop; /* without run(): a primitive it is */
        dnnl_primitive_desc_t pd;
        dnnl_primitive_t primitive;
        size_t scratch;    /* bytes */
        double operations; /* in a run: a multiplication and an addition are two; 0: not counted */
        dnnl_memory_t scratch_memory;
        const struct scion_layout *layout[SCION_OPERANDS];
        size_t bytes[SCION_OPERANDS];
        dnnl_memory_t memory[SCION_OPERANDS]; /* of those that the kernel has */
        int arguments;
        dnnl_exec_arg_t argument[SCION_OPERANDS + 1];
};

/* The calling thread is set up: its stream, and the key's number of threads. False with a message. */
bool scion_kernels_ready(const struct scion_key *key);

/* The calling thread's kernel of that key; NULL, with no message, when it is not made yet. */
struct scion_kernel *scion_kernel_find(const struct scion_key *key);

/* Makes it, and keeps it, from a primitive descriptor, which it takes over also when it fails. `operation` is
 * a literal. */
struct scion_kernel *scion_kernel_make(const struct scion_key *key, const char *operation,
                                       dnnl_primitive_desc_t pd);

/* The same of a loop, which is copied. */
struct scion_kernel *scion_kernel_make_loop(const struct scion_key *key, const char *operation,
                                            const struct scion_loop *loop);

/* Makes one from an operation's descriptor. `attributes` may be NULL: the usual ones. `forward` is the kernel
 * whose gradient this one computes, or NULL. */
struct scion_kernel *scion_kernel_describe(const struct scion_key *key, const char *operation,
                                           const_dnnl_op_desc_t descriptor,
                                           const_dnnl_primitive_attr_t attributes,
                                           const struct scion_kernel *forward);

#endif
