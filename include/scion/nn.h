/*
 * Modules: the layers of a model. Parameters have the names that PyTorch and torchvision use.
 *
 * Constructors return NULL, with a message, for invalid arguments. scion_nn_append() of a NULL child marks the parent
 * as unusable and keeps the message. So a model plugin needs no checks: the engine checks the root. A parent owns its
 * children; the model owns the root.
 */
#ifndef SCION_NN_H
#define SCION_NN_H

#include <scion/tensor.h>

SCION_BEGIN

struct scion_module;

/* How the initial values of a parameter are drawn. fan_in is the number of inputs of one output. */
enum scion_init_kind {
        SCION_INIT_ZEROS,
        SCION_INIT_ONES,
        SCION_INIT_FAN_IN_UNIFORM, /* U(-b, b), b = gain sqrt(3 / fan_in). The default gain, sqrt(1/3), gives
                                      PyTorch's b = 1 / sqrt(fan_in) for linear and convolution layers */
        SCION_INIT_KAIMING_NORMAL, /* N(0, gain^2 / fan_in); the default gain is sqrt(2), for ReLU.
                                      He et al. ICCV 2015, arXiv:1502.01852 */
        SCION_INIT_XAVIER_UNIFORM, /* U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)); the default gain is 1.
                                      Glorot, Bengio. AISTATS 2010 */
        SCION_INIT_NORMAL,         /* N(0, gain^2); the default gain is 0.01 */
        SCION_INIT_IDENTITY,       /* for weights [out, in], and [out, in, kh, kw] with odd kh and kw: gain
                                      (default 1) at [i, i], in the centre of a kernel, and 0 elsewhere; in
                                      and out may differ. A convolution without bias, with one group, a stride
                                      of 1 and a padding of half its kernel then returns its input */
};

struct scion_init {
        enum scion_init_kind kind;
        float gain;     /* 0: the kind's default */
        int64_t fan_in; /* 0: from the shape: the product of all axes but the first; the length of a vector */
};

/* --- Layers --------------------------------------------------------------------------------------------- */

/* Runs its children in order, each on the output of the one before. Without children it returns its input; with
 * parameters of its own it then serves to hold these. */
SCION_API struct scion_module *scion_nn_sequential(void);

/* Adds a child. The parent takes ownership of it, also on failure. The name must have no dot and differ from the
 * names of the parent's other children and its parameters. Returns `parent`, or NULL on failure. */
SCION_API struct scion_module *scion_nn_append(struct scion_module *parent, const char *name,
                                               struct scion_module *child);

/* A linear layer, with parameters weight [out, in] and bias [out], drawn from U(-1/sqrt(in), 1/sqrt(in)). */
SCION_API struct scion_module *scion_nn_linear(int64_t in, int64_t out, bool bias);

/* A convolution with the kernel window->kernel, with parameters weight [out, in/groups, kh, kw] and bias [out], drawn
 * from U(-1/sqrt(f), 1/sqrt(f)), f = in/groups kh kw. */
SCION_API struct scion_module *scion_nn_conv2d(int64_t in, int64_t out, const struct scion_window *window,
                                               bool bias);

/* Pooling of [N, C, H, W] with the kernel window->kernel. A stride of 0 stands for the kernel's size. */
SCION_API struct scion_module *scion_nn_max_pool2d(const struct scion_window *window);
SCION_API struct scion_module *scion_nn_avg_pool2d(const struct scion_window *window);
/* See scion_adaptive_avg_pool2d(). */
SCION_API struct scion_module *scion_nn_adaptive_avg_pool2d(int64_t height, int64_t width);
SCION_API struct scion_module *scion_nn_relu(void);
SCION_API struct scion_module *scion_nn_tanh(void);
SCION_API struct scion_module *scion_nn_sigmoid(void);
/* See scion_dropout(); 0 <= p < 1. */
SCION_API struct scion_module *scion_nn_dropout(float p);
/* Joins all axes but the batch axis into one. */
SCION_API struct scion_module *scion_nn_flatten(void);

/*
 * Batch normalisation of [N, C] or [N, C, L] (1d), or of [N, C, H, W] (2d); see scion_batch_norm(). Has the
 * parameters weight [C], initially 1, and bias [C], initially 0, and the buffers running_mean and running_var.
 * PyTorch's defaults are a momentum of 0.1 and an eps of 1e-5. If both parameters are frozen, it normalises by the
 * running statistics and does not update them.
 */
SCION_API struct scion_module *scion_nn_batch_norm1d(int64_t channels, float momentum, float eps);
SCION_API struct scion_module *scion_nn_batch_norm2d(int64_t channels, float momentum, float eps);

/* Returns the eps of such a module; 0 for any other module. */
SCION_API float scion_nn_batch_norm_eps(const struct scion_module *module);

/*
 * Set the initial values of the module's own parameter `name` ("weight"), and exclude it from weight decay. Call them
 * before the model is built. Both return `module`. A module that has no such parameter becomes unusable.
 */
SCION_API struct scion_module *scion_nn_init(struct scion_module *module, const char *name,
                                             struct scion_init init);
SCION_API struct scion_module *scion_nn_no_decay(struct scion_module *module, const char *name);

/* --- Custom modules ------------------------------------------------------------------------------------- */

struct scion_module_impl {
        const char *kind; /* as "linear"; shown in listings and messages */
        /*
         * Returns the module's output for the input x, computed by operations on the current tape. `self` is the
         * state that scion_nn_module() allocated; scion_nn_tensor() returns the parameters. NULL, with a message, on
         * failure.
         */
        struct scion_tensor *(*forward)(void *self, struct scion_module *module, struct scion_tensor *x);
        /* Frees what `self` points to, not `self`. May be NULL. */
        void (*finish)(void *self);
};

/* Creates a module with `bytes` bytes of state, all zero. `impl` must outlive it. */
SCION_API struct scion_module *scion_nn_module(const struct scion_module_impl *impl, size_t bytes);

/* Returns the module's state; NULL for NULL. */
SCION_API void *scion_nn_self(struct scion_module *module);

/* Declares a parameter of the module, as "weight". Its values are drawn when the model is built. Returns its slot,
 * from 0, for scion_nn_tensor(); -1, with a message, on failure. */
SCION_API int scion_nn_parameter(struct scion_module *module, const char *name, struct scion_shape shape,
                                 struct scion_init init);

/*
 * Declares a buffer: values such as a running mean, which are saved, loaded and copied like parameters, but not
 * trained. Buffers and parameters share the numbering of slots. Returns its slot, or -1.
 */
SCION_API int scion_nn_buffer(struct scion_module *module, const char *name, struct scion_shape shape,
                              struct scion_init init);

/* In forward(): copies the values of x, a float32 tensor of the buffer's shape, into the buffer. Returns false with a
 * message. */
SCION_API bool scion_nn_set_buffer(struct scion_module *module, int slot, struct scion_tensor *x);

/* In forward(): returns whether the module is being trained: the tape is in training, and the module has no
 * parameters or one that is not frozen. If not, the module must not change its buffers. Children are not
 * considered. */
SCION_API bool scion_nn_training(const struct scion_module *module);

/* In forward(): returns the parameter or buffer in that slot as a tensor for operations, or its substitute in this
 * step (scion_parameter_make()). NULL, with a message, for a slot that does not exist. */
SCION_API struct scion_tensor *scion_nn_tensor(struct scion_module *module, int slot);

/* Runs a module, usually a child, together with its grafts (scion_model_graft()). Returns its output; NULL on
 * failure. */
SCION_API struct scion_tensor *scion_nn_forward(struct scion_module *module, struct scion_tensor *x);

SCION_END

#endif
