/*
 * Net2Net: a target that is wider or deeper than the source, or both, starts as the same function as the source.
 *
 * Wider: in a layer with m units, where the source has n, unit j is a copy of the source's unit g(j), with g(j) = j
 * for j < n and random for the others. The weights of a unit's copies in the next layer are shares that add up to the
 * source's weight. g depends on n and m only, so that outputs that are added or concatenated are copied in the same
 * way. Deeper: a layer that the source does not have starts as the identity, and a residual block that it does not
 * have adds 0 to its input.
 */
#include <math.h>
#include <scion/scion.h>
#include <stdlib.h>
#include <string.h>

struct net2net {
        float spread, noise;
};

static const struct scion_param params[] = {
        SCION_FLOAT(
                struct net2net, spread, 0.5,
                "unevenness of the shares of a unit's copies, so that they learn different things; 0: equal "
                "shares, as in the paper",
                .max = 1, .below_max = true),
        SCION_FLOAT(
                struct net2net, noise, 0,
                "standard deviation of noise on the weights of copies, relative to the weights, as in the "
                "paper; above 0, the target only approximates the source's function",
                .min = 0),
        SCION_PARAMS_END,
};

/* A linear layer, a convolution, or a normalisation. */
struct layer {
        struct scion_module *module;
        struct scion_parameter *weight;
        struct scion_shape shape, makes; /* of the weight; of the output for one example */
        bool head, norm;
        struct layer *from; /* in the target: the counterpart in the source; NULL: the layer is new */
        bool taken;         /* in the source: it has a counterpart */
};

struct growth {
        const struct net2net *net;
        uint64_t seed;
        struct layer *to, *from;
        int layers, sources;
        int visits;
};

/* --- Pairs of layers ------------------------------------------------------------------------------------ */

static int layers_list(struct scion_model *model, struct layer *layer)
{
        int count = 0;

        for (int i = 0; i < scion_model_module_count(model); i++) {
                struct scion_module *module = scion_model_module_at(model, i);
                struct scion_parameter *weight = scion_module_parameter(module, "weight");

                if (weight)
                        layer[count++] = (struct layer){
                                .module = module,
                                .weight = weight,
                                .shape = scion_parameter_shape(weight),
                                .makes = scion_model_feature_shape(model, scion_module_path(module)),
                                .head = scion_model_in_head(model, weight),
                                .norm = scion_nn_batch_norm_eps(module) > 0,
                        };
        }
        return count;
}

/* Returns whether two layers are of the same kind, and their outputs differ in the number of channels or units
 * only. */
static bool layers_alike(const struct layer *a, const struct layer *b)
{
        return strcmp(scion_module_kind(a->module), scion_module_kind(b->module)) == 0 &&
               a->head == b->head && a->makes.ndim == b->makes.ndim && a->makes.ndim > 0 &&
               memcmp(a->makes.dim + 1, b->makes.dim + 1,
                      (size_t)(a->makes.ndim - 1) * sizeof a->makes.dim[0]) == 0;
}

static bool layer_is_square(const struct layer *layer)
{
        return layer->shape.ndim > 1 && layer->shape.dim[0] == layer->shape.dim[1];
}

/*
 * Pairs the layers of the target with those of the source, in their order among layers that are alike. If the target
 * has more of these, the surplus layers are new: preferably square ones where the next layer of the source is not
 * square, else the last ones. A normalisation is new if the layer before it is new.
 */
static bool layers_pair(struct growth *growth)
{
        for (int j = 0; j < growth->layers; j++) {
                struct layer *to = &growth->to[j], *next = NULL;
                bool first = true;
                int more = 0;

                for (int i = j; i < growth->layers; i++)
                        more += layers_alike(&growth->to[i], to);
                for (int i = growth->sources - 1; i >= 0; i--) {
                        struct layer *from = &growth->from[i];

                        if (!layers_alike(from, to))
                                continue;
                        first = first && !from->taken;
                        more -= !from->taken;
                        next = from->taken ? next : from;
                }
                bool new = to->norm ? j > 0 && !to[-1].from
                                    : !first &&next &&layer_is_square(to) && !layer_is_square(next);

                if (next && !(new &&more > 0)) {
                        to->from = next;
                        next->taken = true;
                }
        }
        for (int i = 0; i < growth->sources; i++)
                if (!growth->from[i].taken)
                        return scion_fail("the target has no layer that could become the source's '%s'",
                                          scion_module_path(growth->from[i].module));
        return true;
}

/* --- Wider ---------------------------------------------------------------------------------------------- */

static struct scion_tensor *tensor_draw(struct scion_random *random, float (*number)(struct scion_random *),
                                        int64_t rows, int64_t columns)
{
        float *value = malloc((size_t)(rows * columns) * sizeof *value);

        for (int64_t i = 0; value && i < rows * columns; i++)
                value[i] = number(random);
        struct scion_tensor *x =
                value ? scion_from(SCION_SHAPE(rows, columns), value)
                      : scion_fail_null("out of memory: %lld weights", (long long)(rows * columns));

        free(value);
        return x;
}

/* Returns the matrix [m, n] with 1 at [j, g(j)] and 0 elsewhere. */
static struct scion_tensor *copies_matrix(const struct growth *growth, int64_t n, int64_t m)
{
        struct scion_random random =
                scion_random(growth->seed, SCION_RANDOM_STRATEGY, (uint64_t)n << 32 | (uint64_t)m);
        int32_t *g = malloc((size_t)m * sizeof *g);

        for (int64_t j = 0; g && j < m; j++)
                g[j] = (int32_t)(j < n ? j : (int64_t)scion_random_below(&random, (uint64_t)n));
        struct scion_tensor *labels = g ? scion_from_i32(SCION_SHAPE(m), g)
                                        : scion_fail_null("out of memory: %lld units", (long long)m);

        free(g);
        return scion_one_hot(labels, n);
}

static bool parameter_write(struct scion_parameter *parameter, struct scion_tensor *x)
{
        const float *values = scion_data(x);

        return values && scion_parameter_write(parameter, values);
}

/* Widens a bias, or a vector of a normalisation: x'[j] = x[g(j)]. */
static bool layer_widen_vector(const struct growth *growth, const struct layer *to, const char *name)
{
        struct scion_parameter *old = scion_module_parameter(to->from->module, name),
                               *new = scion_module_parameter(to->module, name);
        int64_t n = to->from->shape.dim[0], m = to->shape.dim[0];

        if (!new)
                return true;
        if (!old)
                return parameter_write(new, scion_zeros(SCION_SHAPE(m)));
        return parameter_write(new,
                               scion_matmul(copies_matrix(growth, n, m),
                                            scion_reshape(scion_parameter_tensor(old), SCION_SHAPE(n, 1)),
                                            false, false));
}

static bool layer_check_widths(const struct layer *to)
{
        const struct scion_shape *old = &to->from->shape, *new = &to->shape;
        bool good = old->ndim == new->ndim;
        char is[96], was[96];

        for (int i = 0; good && i < old->ndim; i++)
                good = i < 2 ? new->dim[i] >= old->dim[i] : new->dim[i] == old->dim[i];
        return good ||
               scion_fail(
                       "layers cannot become narrower, and kernels cannot change: '%s' is %s in the source, "
                       "'%s' is %s in the target",
                       scion_module_path(to->from->module), scion_shape_text(old, was, sizeof was),
                       scion_module_path(to->module), scion_shape_text(new, is, sizeof is));
}

/*
 * Widens a weight: W'[o, i] = s[o, i] W[g(o), g(i)], where the shares s[o, i] of all copies of one input are positive
 * and add up to 1. `before` is the layer that computes the inputs. A linear layer after flattened maps has several
 * inputs for each map.
 */
static bool layer_widen_weight(const struct growth *growth, const struct layer *to,
                               const struct layer *before)
{
        struct scion_random random = scion_random(scion_seed(growth->seed, scion_module_path(to->module)),
                                                  SCION_RANDOM_STRATEGY, 0);
        const struct scion_shape *old = &to->from->shape, *new = &to->shape;
        int64_t n = old->dim[1], m = new->dim[1], out = new->dim[0],
                maps = before ? before->from->shape.dim[0] : 1, more = before ? before->shape.dim[0] : 1;

        if (old->ndim == 2 && n % maps == 0 && n / maps * more == m) {
                n = maps;
                m = more;
        }
        int64_t each = scion_shape_size(new) / (out * m);
        struct scion_tensor *w =
                scion_reshape(scion_parameter_tensor(to->from->weight), SCION_SHAPE(old->dim[0], -1));
        struct scion_tensor *g = copies_matrix(growth, n, m);

        w = scion_reshape(scion_matmul(copies_matrix(growth, old->dim[0], out), w, false, false),
                          SCION_SHAPE(out, n, each));
        w = scion_matmul(g, w, false, false); /* [out, m, each] */
        struct scion_tensor *share = tensor_draw(&random, scion_random_uniform, out, m);

        share = scion_shift(scion_scale(share, 2 * growth->net->spread), 1 - growth->net->spread);
        share = scion_div(share, scion_matmul(scion_matmul(share, g, false, false), g, false, true));
        return parameter_write(to->weight, scion_mul(w, scion_reshape(share, SCION_SHAPE(out, m, 1))));
}

/* Adds noise to W'[o] for each output o that is a copy. */
static bool layer_add_noise(const struct growth *growth, const struct layer *to)
{
        struct scion_random random = scion_random(scion_seed(growth->seed, scion_module_path(to->module)),
                                                  SCION_RANDOM_STRATEGY, 1);
        int64_t n = to->from->shape.dim[0], m = to->shape.dim[0], each = scion_shape_size(&to->shape) / m;

        if (n == m)
                return true;
        struct scion_tensor *w = scion_reshape(scion_parameter_tensor(to->weight), SCION_SHAPE(m, each));
        struct scion_tensor *size = scion_sqrt(scion_mean(scion_mul(w, w), SCION_ALL_AXES, false));
        struct scion_tensor *noise = scion_mul(tensor_draw(&random, scion_random_normal, m - n, each),
                                               scion_scale(size, growth->net->noise));

        return parameter_write(
                to->weight,
                scion_add(w,
                          scion_concat((struct scion_tensor *[]){ scion_zeros(SCION_SHAPE(n, each)), noise },
                                       2, 0)));
}

/* --- Deeper --------------------------------------------------------------------------------------------- */

/* Returns the residual block that contains the module, or NULL. */
static struct scion_module *module_block(struct scion_module *module)
{
        while (module && strcmp(scion_module_kind(module), "residual_block") != 0)
                module = scion_module_parent(module);
        return module;
}

/* Returns whether the layer is the last normalisation of its block. */
static bool layer_ends_block(const struct growth *growth, const struct layer *to)
{
        for (const struct layer *next = to + 1; next < growth->to + growth->layers; next++)
                if (next->norm && module_block(next->module) == module_block(to->module))
                        return false;
        return to->norm;
}

static bool layer_clear(const struct layer *to, const char *name)
{
        struct scion_parameter *parameter = scion_module_parameter(to->module, name);

        return !parameter || parameter_write(parameter, scion_zeros(scion_parameter_shape(parameter)));
}

/* Makes a new layer the identity. A normalisation is the identity already, except for eps. In a new residual block,
 * sets the last normalisation to 0; its other layers keep their initial values. */
static bool layer_deepen(const struct growth *growth, const struct layer *to)
{
        int64_t units = to->shape.dim[0], each = scion_shape_size(&to->shape) / units / units;
        char text[96];

        if (module_block(to->module))
                return !layer_ends_block(growth, to) ||
                       (layer_clear(to, "weight") && layer_clear(to, "bias"));
        if (to->norm)
                return true;
        if (!layer_is_square(to))
                return scion_fail("'%s', which the source does not have, cannot be the identity, because its "
                                  "weight is %s",
                                  scion_module_path(to->module),
                                  scion_shape_text(&to->shape, text, sizeof text));
        struct scion_tensor *centre =
                scion_one_hot(scion_from_i32(SCION_SHAPE(1), &(int32_t){ (int32_t)(each / 2) }), each);
        struct scion_tensor *diagonal =
                scion_reshape(copies_matrix(growth, units, units), SCION_SHAPE(units * units, 1));

        return parameter_write(to->weight, scion_matmul(diagonal, centre, false, false)) &&
               layer_clear(to, "bias");
}

/* Makes a new normalisation the identity for the target's data: its statistics are those of its input x, its weight is
 * the standard deviation, its bias the mean. Averages over the batches so far; this is number `visits`. */
static bool norm_measure(const struct growth *growth, const struct layer *to, struct scion_tensor *x)
{
        struct scion_parameter *mean = scion_module_parameter(to->module, "running_mean"),
                               *variance = scion_module_parameter(to->module, "running_var");
        unsigned axes = SCION_AXIS(0); /* all axes but the channels */
        float eps = scion_nn_batch_norm_eps(to->module), part = 1 / (float)growth->visits;

        for (int axis = 2; axis < scion_shape(x).ndim; axis++)
                axes |= SCION_AXIS(axis);
        struct scion_tensor *centre = scion_mean(x, axes, true), *away = scion_sub(x, centre);
        struct scion_tensor *known = scion_parameter_tensor(mean);

        known = scion_add(known,
                          scion_scale(scion_sub(scion_reshape(centre, scion_shape(known)), known), part));
        if (!parameter_write(mean, known) ||
            !parameter_write(scion_module_parameter(to->module, "bias"), known))
                return false;
        struct scion_tensor *square = scion_mean(scion_mul(away, away), axes, false);

        known = scion_parameter_tensor(variance);
        known = scion_add(known, scion_scale(scion_sub(square, known), part));
        return parameter_write(variance, known) &&
               parameter_write(to->weight, scion_sqrt(scion_shift(known, eps)));
}

static bool norms_measure_batch(void *context, struct scion_transfer *transfer,
                                const struct scion_batch *batch)
{
        struct growth *growth = context;

        growth->visits++;
        for (int j = 0; j < growth->layers; j++) {
                const struct layer *to = &growth->to[j];

                if (to->norm && !to->from && !module_block(to->module) &&
                    !norm_measure(growth, to,
                                  scion_target_features(transfer, batch, scion_module_path(to->module))))
                        return false;
        }
        return true;
}

/* --- Together ------------------------------------------------------------------------------------------- */

static bool layers_grow(const struct growth *growth)
{
        static const char *const vectors[] = { "bias", "running_mean", "running_var" };
        const struct layer *before = NULL;

        for (int j = 0; j < growth->layers; j++) {
                const struct layer *to = &growth->to[j];
                bool good = to->from ? layer_check_widths(to) : layer_deepen(growth, to);

                if (good && to->from)
                        good = to->norm ? layer_widen_vector(growth, to, "weight")
                                        : layer_widen_weight(growth, to, before);
                for (int i = 0; good && to->from && i < 3; i++)
                        good = layer_widen_vector(growth, to, vectors[i]);
                if (!good)
                        return false;
                if (to->from && !to->norm)
                        before = to;
        }
        return true;
}

/* Compares the outputs of target and source, on the first four batches. */
static bool outputs_verify_batch(void *context, struct scion_transfer *transfer,
                                 const struct scion_batch *batch)
{
        struct growth *growth = context;

        if (growth->visits++ >= 4)
                return true;
        struct scion_tensor *is = scion_target_logits(transfer, batch),
                            *was = scion_source_logits(transfer, batch);
        float size = scion_item(scion_max(scion_abs(was), SCION_ALL_AXES, false)),
              off = scion_item(scion_max(scion_abs(scion_sub(is, was)), SCION_ALL_AXES, false));

        return is && was &&
               (off <= 1e-4f * fmaxf(1, size) ||
                scion_fail(
                        "the target's outputs would differ from the source's by up to %g: it is not the "
                        "source's network made wider, or deeper by layers that can be the identity (after "
                        "ReLU, "
                        "not after other activations; with a stride of 1 and padded by half a kernel of odd "
                        "size)",
                        (double)off));
}

static bool growth_carry_over(struct growth *growth, struct scion_transfer *transfer)
{
        bool good = layers_pair(growth) && layers_grow(growth) &&
                    scion_visit(transfer, norms_measure_batch, growth);

        growth->visits = 0;
        good = good && scion_visit(transfer, outputs_verify_batch, growth);
        for (int j = 0; good && growth->net->noise > 0 && j < growth->layers; j++)
                good = !growth->to[j].from || growth->to[j].norm || layer_add_noise(growth, &growth->to[j]);
        return good;
}

static bool inputs_check(struct scion_model *target, struct scion_model *source)
{
        struct scion_shape new = scion_model_input_shape(target), old = scion_model_input_shape(source);
        char is[96], was[96];

        return scion_shape_equal(&new, &old) ||
               scion_fail("the source's inputs are %s, the target's %s",
                          scion_shape_text(&old, was, sizeof was), scion_shape_text(&new, is, sizeof is));
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        struct scion_model *target = scion_target(transfer), *source = scion_source(transfer);
        struct growth growth = { .net = self, .seed = scion_transfer_seed(transfer) };

        if (!inputs_check(target, source))
                return false;
        growth.to = calloc((size_t)scion_model_module_count(target), sizeof *growth.to);
        growth.from = calloc((size_t)scion_model_module_count(source), sizeof *growth.from);
        bool good = growth.to && growth.from ? true : scion_fail("out of memory");

        scion_no_grad_begin();
        if (good) {
                growth.layers = layers_list(target, growth.to);
                growth.sources = layers_list(source, growth.from);
                good = growth_carry_over(&growth, transfer);
        }
        scion_no_grad_end();
        free(growth.to);
        free(growth.from);
        return good;
}

SCION_PLUGIN_STRATEGY("net2net",
                      .summary = "a wider or deeper target that starts as the same function as the source",
                      .reference = "Chen, Goodfellow, Shlens. ICLR 2016. arXiv:1511.05641", .params = params,
                      .size = sizeof(struct net2net), .needs = SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES,
                      .setup = setup);
