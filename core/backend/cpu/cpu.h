/* The processor's back end. Its functions are those of the table in scion/backend.h, where they are described. */
#ifndef SCION_BACKEND_CPU_CPU_H
#define SCION_BACKEND_CPU_CPU_H

#include <scion/backend.h>
#include <scion/error.h>

extern const struct scion_backend_plugin scion_cpu_backend __attribute__((visibility("hidden")));

/* Returns the address of the array's first element. */
static inline void *scion_cpu_data(const struct scion_array *x)
{
        return (char *)x->storage->memory + x->offset;
}

/* Returns the address of the array's first element; NULL for NULL. */
static inline void *scion_cpu_data_or_null(const struct scion_array *x)
{
        return x ? scion_cpu_data(x) : NULL;
}

/* Returns working memory of the calling thread, 64-byte aligned, whose contents are undefined. It is valid until the next
 * call on the thread, which returns the same memory, enlarged if necessary. NULL, with a message, when memory is out. */
void *scion_cpu_scratch(size_t bytes);

/* --- The functions of the table ------------------------------------------------------------------------- */

bool scion_cpu_allocate(void *self, struct scion_storage *storage);
void scion_cpu_release(void *self, struct scion_storage *storage);
void *scion_cpu_map(void *self, struct scion_storage *storage);
bool scion_cpu_upload(void *self, struct scion_storage *storage, size_t offset, const void *data,
                      size_t bytes);
bool scion_cpu_download(void *self, struct scion_storage *storage, size_t offset, void *data, size_t bytes);
bool scion_cpu_fill(void *self, struct scion_array *y, double value);
bool scion_cpu_reorder(void *self, const struct scion_array *x, struct scion_array *y);
bool scion_cpu_move(void *self, const struct scion_shape *shape, const struct scion_strided *from,
                    const struct scion_strided *to, bool add);
bool scion_cpu_gather(void *self, const struct scion_array *rows, const struct scion_array *index,
                      const struct scion_array *scale, const struct scion_array *offset,
                      struct scion_array *y);
bool scion_cpu_unary(void *self, enum scion_unary op, float p, const struct scion_array *x,
                     struct scion_array *y);
bool scion_cpu_unary_gradient(void *self, enum scion_unary op, float p, const struct scion_array *g,
                              const struct scion_array *kept, struct scion_array *dx);
bool scion_cpu_binary(void *self, enum scion_binary op, const struct scion_array *a,
                      const struct scion_array *b, struct scion_array *y);
bool scion_cpu_draw(void *self, const struct scion_random *stream, uint64_t limit, struct scion_array *kept);
bool scion_cpu_select(void *self, const struct scion_array *x, const struct scion_array *kept, float factor,
                      struct scion_array *y);
bool scion_cpu_mask(void *self, const struct scion_array *mask, struct scion_array *x);
bool scion_cpu_sum(void *self, const struct scion_array *x, double factor, struct scion_array *y);
bool scion_cpu_stretch(void *self, const struct scion_array *x, float factor, struct scion_array *y);
bool scion_cpu_max(void *self, const struct scion_array *x, struct scion_array *y);
bool scion_cpu_max_gradient(void *self, const struct scion_array *x, const struct scion_array *y,
                            const struct scion_array *g, struct scion_array *dx);
bool scion_cpu_softmax(void *self, bool logarithm, int axis, const struct scion_array *x,
                       struct scion_array *y);
bool scion_cpu_softmax_gradient(void *self, bool logarithm, int axis, const struct scion_array *g,
                                const struct scion_array *y, struct scion_array *dx);
bool scion_cpu_multiply(void *self, const char *operation, const struct scion_product *product,
                        const struct scion_array *a, const struct scion_array *b,
                        const struct scion_array *bias, struct scion_array *c);
bool scion_cpu_factor_layout(void *self, const struct scion_shape *shape, enum scion_dtype *dtype,
                             const struct scion_layout **layout);
bool scion_cpu_column_sums(void *self, const struct scion_array *x, struct scion_array *y);
struct scion_kernel *scion_cpu_conv2d(void *self, enum scion_pass pass, const struct scion_geometry *geometry,
                                      bool bias);
struct scion_kernel *scion_cpu_pool2d(void *self, enum scion_pass pass, enum scion_pooling pooling,
                                      const struct scion_geometry *geometry,
                                      const struct scion_layout *layout);
struct scion_kernel *scion_cpu_batch_norm(void *self, enum scion_pass pass, const struct scion_shape *x,
                                          const struct scion_layout *layout, bool own, float eps);
const struct scion_layout *scion_cpu_batch_norm_layout(void *self, const struct scion_layout *layout);
const struct scion_layout *scion_cpu_kernel_layout(const struct scion_kernel *kernel,
                                                   enum scion_operand operand, enum scion_dtype *dtype);
size_t scion_cpu_kernel_bytes(const struct scion_kernel *kernel, enum scion_operand operand);
bool scion_cpu_kernel_run(void *self, struct scion_kernel *kernel,
                          const struct scion_array *const operand[SCION_OPERANDS]);
bool scion_cpu_average(void *self, const struct scion_array *batch, double factor, double momentum,
                       struct scion_array *running);
bool scion_cpu_adaptive_average(void *self, const struct scion_array *x, struct scion_array *y);
bool scion_cpu_adaptive_average_gradient(void *self, const struct scion_array *g, struct scion_array *dx);
bool scion_cpu_distance(void *self, bool root, const struct scion_array *a, const struct scion_array *b,
                        struct scion_array *y);
bool scion_cpu_distance_gradient(void *self, bool root, const struct scion_array *a,
                                 const struct scion_array *b, const struct scion_array *y,
                                 const struct scion_array *g, struct scion_array *da, struct scion_array *db);
bool scion_cpu_one_hot(void *self, const struct scion_array *labels, struct scion_array *y);
bool scion_cpu_pick(void *self, const struct scion_array *x, const struct scion_array *labels,
                    struct scion_array *y);
bool scion_cpu_pick_gradient(void *self, const struct scion_array *g, const struct scion_array *labels,
                             struct scion_array *dx);
bool scion_cpu_kl_divergence(void *self, const struct scion_array *student, const struct scion_array *teacher,
                             double temperature, struct scion_array *value, struct scion_array *d_student,
                             struct scion_array *d_teacher);
bool scion_cpu_mmd(void *self, const struct scion_mmd_pairs pairs[3], const struct scion_mmd *kernel,
                   struct scion_array *value);
bool scion_cpu_correct(void *self, const struct scion_array *outputs, const struct scion_array *labels,
                       struct scion_array *count);
bool scion_cpu_errors(void *self, const struct scion_array *outputs, const struct scion_array *targets,
                      struct scion_storage *sums);
bool scion_cpu_update(void *self, const struct scion_optimizer_plugin *optimizer, void *optimizer_self,
                      struct scion_span *spans, struct scion_span_arrays *arrays, int count, bool *supported);
bool scion_cpu_configure(void *self, const struct scion_device_settings *settings);
bool scion_cpu_has_bf16(void *self);
struct scion_device_usage scion_cpu_usage(void *self);
void scion_cpu_describe(void *self, char *text, size_t bytes);
size_t scion_cpu_layout_length(const struct scion_layout *layout, const struct scion_shape *shape);
const char *scion_cpu_layout_text(const struct scion_layout *layout, char *text, size_t bytes);

#endif
