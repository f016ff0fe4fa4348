/*
 * Modules: what a model plugin builds a model from, named as torchvision names things.
 *
 * Constructors return NULL, with a message, when an argument makes no sense; scion_nn_append() given NULL
 * makes its parent unusable and keeps the message. So a model is written down without a check, and the engine
 * checks the root. A parent owns its children; the model owns the root.
 */
#ifndef SCION_NN_H
#define SCION_NN_H

#include <scion/tensor.h>

SCION_BEGIN

struct scion_module;

/* How a parameter's first values are drawn. fan_in is the number of inputs that one output sees. */
enum scion_init_kind {
        SCION_INIT_ZEROS,
        SCION_INIT_ONES,
        SCION_INIT_FAN_IN_UNIFORM, /* U(-b, b), b = gain sqrt(3 / fan_in); a gain of sqrt(1/3), the default,
                                      is PyTorch's for linear and convolution layers: b = 1 / sqrt(fan_in) */
        SCION_INIT_KAIMING_NORMAL, /* N(0, gain^2 / fan_in); the default gain is sqrt(2), for ReLU.
                                      He et al. ICCV 2015, arXiv:1502.01852 */
        SCION_INIT_XAVIER_UNIFORM, /* U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)); the default gain is 1.
                                      Glorot, Bengio. AISTATS 2010 */
        SCION_INIT_NORMAL,         /* N(0, gain^2); the default gain is 0.01 */
        SCION_INIT_IDENTITY,       /* of weights [out, in], and of convolutions' [out, in, kh, kw] with odd
                                      sides: gain, by default 1, at [i, i], of a kernel in its centre; 0
                                      elsewhere, also when there are more outputs than inputs or fewer. Such a
                                      layer without bias, in one group, with a stride of 1 and padded by half
                                      its kernel gives its input back */
};

struct scion_init {
        enum scion_init_kind kind;
        float gain;     /* 0: the kind's default */
        int64_t fan_in; /* 0: from the shape: the product of all axes but the first; a vector's is its length
                         */
};

/* --- The modules there are
 * ----------------------------------------------------------------------------------- */

/* Children in order, each fed with the one before. Without children, x as it is: with parameters of its own,
 * a place to hold them. */
SCION_API struct scion_module *scion_nn_sequential(void);

/* Adds a child; the parent owns it from now on, also when this fails. Names have no dots and are unique among
 * siblings and the parent's parameters. Returns `parent`, or NULL. */
SCION_API struct scion_module *scion_nn_append(struct scion_module *parent, const char *name,
                                               struct scion_module *child);

/* weight [out, in], bias [out]; both drawn from U(-1/sqrt(in), 1/sqrt(in)). */
SCION_API struct scion_module *scion_nn_linear(int64_t in, int64_t out, bool bias);

/* weight [out, in/groups, kh, kw], bias [out]; drawn as the linear layer's. The kernel is window->kernel. */
SCION_API struct scion_module *scion_nn_conv2d(int64_t in, int64_t out, const struct scion_window *window,
                                               bool bias);

/* Of [N, C, H, W]; the kernel is window->kernel, and the stride the kernel's size unless it is said. */
SCION_API struct scion_module *scion_nn_max_pool2d(const struct scion_window *window);
SCION_API struct scion_module *scion_nn_avg_pool2d(const struct scion_window *window);
/* To any size; see scion_adaptive_avg_pool2d(). */
SCION_API struct scion_module *scion_nn_adaptive_avg_pool2d(int64_t height, int64_t width);
SCION_API struct scion_module *scion_nn_relu(void);
SCION_API struct scion_module *scion_nn_tanh(void);
SCION_API struct scion_module *scion_nn_sigmoid(void);
/* 0 <= p < 1 */
SCION_API struct scion_module *scion_nn_dropout(float p);
/* Everything but the batch axis into one. */
SCION_API struct scion_module *scion_nn_flatten(void);

/*
 * Batch normalisation of [N, C] or [N, C, L] (1d), or of images (2d): see scion_batch_norm(). Parameters weight
 * [C], ones, and bias [C], zeros; buffers running_mean and running_var. PyTorch's momentum is 0.1, its eps 1e-5.
 * With both parameters frozen it normalises by the running statistics, and leaves them as they are.
 */
SCION_API struct scion_module *scion_nn_batch_norm1d(int64_t channels, float momentum, float eps);
SCION_API struct scion_module *scion_nn_batch_norm2d(int64_t channels, float momentum, float eps);

/* The eps of one of these two; 0 of any other module. */
SCION_API float scion_nn_batch_norm_eps(const struct scion_module *module);

/*
 * Other first values, and no weight decay, for the module's own parameter of that name ("weight"), until the
 * model is built. Both return the module, so that a layer can be made and changed in one expression; a module
 * without such a parameter becomes unusable.
 */
SCION_API struct scion_module *scion_nn_init(struct scion_module *module, const char *name,
                                             struct scion_init init);
SCION_API struct scion_module *scion_nn_no_decay(struct scion_module *module, const char *name);

/* --- Modules of one's own
 * ---------------------------------------------------------------------------------------- */

struct scion_module_impl {
        const char *kind; /* "linear"; shown in listings */
        /*
         * The module's output for the input x, by operations. Called by the engine with a tape current.
         * `self` is the state that scion_nn_module() made; parameters come from scion_nn_tensor().
         */
        struct scion_tensor *(*forward)(void *self, struct scion_module *module, struct scion_tensor *x);
        /* Frees what `self` points to, not `self`. May be NULL. */
        void (*finish)(void *self);
};

/* A module with `bytes` of zeroed state. `impl` must outlive it. */
SCION_API struct scion_module *scion_nn_module(const struct scion_module_impl *impl, size_t bytes);

/* The state; NULL for NULL. */
SCION_API void *scion_nn_self(struct scion_module *module);

/* Declares a parameter of the module: "weight". Its values are drawn once the whole model is built. Returns
 * its slot among the module's own parameters, from 0, or -1. */
SCION_API int scion_nn_parameter(struct scion_module *module, const char *name, struct scion_shape shape,
                                 struct scion_init init);

/*
 * Declares a buffer: values that go with the model, saved, loaded and copied as parameters are, but are not
 * trained: a running mean. Slots are counted together with the parameters'.
 */
SCION_API int scion_nn_buffer(struct scion_module *module, const char *name, struct scion_shape shape,
                              struct scion_init init);

/* In forward: gives the buffer in that slot the values of x, of its shape. */
SCION_API bool scion_nn_set_buffer(struct scion_module *module, int slot, struct scion_tensor *x);

/* In forward: is the module being trained? Not in evaluation, nor when it has parameters and all are frozen:
 * it must then leave its buffers alone. Children have their own answer. */
SCION_API bool scion_nn_training(const struct scion_module *module);

/* In forward: the parameter or buffer in that slot, as a tensor to calculate with; what stands in for it in
 * this step, if something does. */
SCION_API struct scion_tensor *scion_nn_tensor(struct scion_module *module, int slot);

/* Runs a module, a child for instance, with what was grafted onto it (scion_model_graft()). */
SCION_API struct scion_tensor *scion_nn_forward(struct scion_module *module, struct scion_tensor *x);

SCION_END

#endif
