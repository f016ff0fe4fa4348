/*
 * The target's parameters are a learned linear map of the source's, and are then fine-tuned: W_t = L W_s R^T, with a
 * factor L for the axis of outputs and R for the axis of inputs. Both start as identities and are trained in a stage
 * of their own.
 */
#include <scion/scion.h>
#include <stdio.h>
#include <string.h>

struct map {
        struct scion_parameter *from, *to;
        struct scion_tensor *left, *right; /* [out_t, out_s], [in_t, in_s]; `right` is NULL for vectors */
};

struct linear_map {
        int64_t map_epochs;
        int head;
        struct map *map;
        size_t count;
};

enum { NEW, KEEP };

static const char *const heads[] = { "new", "keep", NULL };

static const struct scion_param params[] = {
        SCION_INT(struct linear_map, map_epochs, 5, "epochs in which the map is trained, before fine-tuning",
                  .min = 0),
        SCION_CHOICE(struct linear_map, head, heads, NEW,
                     "the last layer: new, or mapped too (same classes)"),
        SCION_PARAMS_END,
};

/* Checks that the shapes differ in the numbers of outputs and inputs only. */
static bool shapes_check(const char *name, struct scion_shape from, struct scion_shape to)
{
        bool fits = from.ndim == to.ndim && from.ndim > 0;
        char source[96], target[96];

        for (int i = 2; fits && i < from.ndim; i++)
                fits = from.dim[i] == to.dim[i];
        return fits ||
               scion_fail("%s: %s in the source and %s in the target differ in more than outputs and inputs",
                          name, scion_shape_text(&from, source, sizeof source),
                          scion_shape_text(&to, target, sizeof target));
}

static bool map_add(struct linear_map *linear, struct scion_transfer *transfer, struct scion_parameter *from,
                    struct scion_parameter *to)
{
        const struct scion_init identity = { .kind = SCION_INIT_IDENTITY };
        struct scion_shape is = scion_parameter_shape(from), wanted = scion_parameter_shape(to);
        struct map *map = &linear->map[linear->count];
        char name[32];

        if (!from || !shapes_check(scion_parameter_name(to), is, wanted))
                return false;
        struct scion_module *factors = scion_nn_sequential(); /* only holds the two parameters */

        scion_nn_parameter(factors, "left", SCION_SHAPE(wanted.dim[0], is.dim[0]), identity);
        if (is.ndim > 1)
                scion_nn_parameter(factors, "right", SCION_SHAPE(wanted.dim[1], is.dim[1]), identity);
        snprintf(name, sizeof name, "map%zu", ++linear->count);
        struct scion_model *own = scion_own_model(transfer, name, factors);

        *map = (struct map){ from, to, scion_parameter_tensor(scion_model_parameter(own, 0)),
                             scion_parameter_tensor(scion_model_parameter(own, 1)) };
        return own != NULL;
}

/* Returns the source's parameter of the same name. Fails if it belongs to the head of only one of the two models. */
static struct scion_parameter *parameter_counterpart(struct scion_model *source, struct scion_model *target,
                                                     const struct scion_parameter *to)
{
        struct scion_parameter *from = scion_model_find(source, scion_parameter_name(to));

        if (from && scion_model_in_head(source, from) != scion_model_in_head(target, to))
                return scion_fail_null("%s belongs to the head of only one of the two models",
                                       scion_parameter_name(to));
        return from;
}

/* Copies the source's running statistics where the number of channels is the same. */
static bool buffers_copy(struct scion_model *target, struct scion_model *source)
{
        bool good = true;

        for (int i = 0; good && i < scion_model_buffer_count(target); i++) {
                struct scion_parameter *to = scion_model_buffer(target, i);
                struct scion_shape shape = scion_parameter_shape(to);

                for (int k = 0; good && k < scion_model_buffer_count(source); k++) {
                        struct scion_parameter *from = scion_model_buffer(source, k);
                        struct scion_shape is = scion_parameter_shape(from);

                        if (strcmp(scion_parameter_name(from), scion_parameter_name(to)) == 0 &&
                            scion_shape_equal(&is, &shape))
                                good = scion_parameter_write(to, scion_data(scion_parameter_tensor(from)));
                }
        }
        return good;
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct linear_map *linear = self;
        struct scion_model *target = scion_target(transfer), *source = scion_source(transfer);
        int count = scion_model_parameter_count(target);

        linear->map = scion_transfer_alloc(transfer, (size_t)count, sizeof *linear->map);
        if (!linear->map)
                return false;
        for (int i = 0; i < count; i++) {
                struct scion_parameter *to = scion_model_parameter(target, i);

                if ((linear->head == KEEP || !scion_model_in_head(target, to)) &&
                    !map_add(linear, transfer, parameter_counterpart(source, target, to), to))
                        return false;
        }
        return buffers_copy(target, source) && scion_add_stage(transfer, "map", linear->map_epochs) >= 0;
}

/* Freezes the mapped parameters until the main stage. */
static bool begin_stage(void *self, struct scion_transfer *transfer, int stage)
{
        const struct linear_map *linear = self;

        (void)transfer;
        for (size_t i = 0; i < linear->count; i++)
                scion_parameter_freeze(linear->map[i].to, stage == 0);
        return true;
}

/* Returns L W R^T for matrices, the same at each position of a kernel for convolutions, and L w for vectors. */
static struct scion_tensor *map_apply(const struct map *map)
{
        struct scion_tensor *w = scion_parameter_tensor(map->from);
        struct scion_shape shape = scion_parameter_shape(map->to);

        if (!map->right)
                return scion_reshape(
                        scion_matmul(map->left, scion_reshape(w, SCION_SHAPE(-1, 1)), false, false), shape);
        int64_t out = scion_dim(w, 0), in = scion_dim(w, 1);
        struct scion_tensor *x = scion_reshape(w, SCION_SHAPE(out, in, -1)); /* [out_s, in_s, positions] */

        x = scion_permute(x, (int[]){ 2, 0, 1 });
        x = scion_matmul(scion_matmul(map->left, x, false, false), map->right, false, true);
        return scion_reshape(scion_permute(x, (int[]){ 1, 2, 0 }), shape);
}

static bool parameters_make(void *self, struct scion_transfer *transfer)
{
        const struct linear_map *linear = self;

        for (size_t i = 0; i < linear->count && scion_stage(transfer) == 0; i++)
                if (!scion_parameter_make(linear->map[i].to, map_apply(&linear->map[i])))
                        return false;
        return true;
}

SCION_PLUGIN_STRATEGY(
        "linear-map",
        .summary = "the target's parameters as a learned linear map of the source's, then fine-tuned",
        .reference = "Wang et al. ICLR 2023. arXiv:2303.00980 (a learned factored map from one model's "
                     "weights to another's)",
        .params = params, .size = sizeof(struct linear_map), .needs = SCION_NEEDS_SOURCE, .setup = setup,
        .begin_stage = begin_stage, .make = parameters_make);
