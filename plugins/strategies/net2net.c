/*
 * Net2Net: a target that is wider or deeper than the source, or both, starts as the function that the source is.
 *
 * Unit j of a layer of m units, where the source has n, copies the source's unit g(j), g(j) = j for j < n and drawn
 * beyond; what reads a unit that has copies reads a share of it from each. g depends on n and m alone, so that all
 * that is added up, or read from one place, is copied alike. A layer that the source does not have is the
 * identity; a residual block that it does not have adds nothing to its input.
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
                "how uneven the shares are that are read from copies, so that they learn to differ; 0: the "
                "paper's, all equal",
                .max = 1, .below_max = true),
        SCION_FLOAT(
                struct net2net, noise, 0,
                "deviation of the paper's noise on what copies read, as a multiple of the weights'; above 0 "
                "the target does not start as quite the same function",
                .min = 0),
        SCION_PARAMS_END,
};

/* A linear layer, a convolution, or a normalisation. */
struct layer {
        struct scion_module *module;
        struct scion_parameter *weight;
        struct scion_shape shape, makes; /* of the weight; of what comes out */
        bool head, norm;
        struct layer *from; /* the target's: its counterpart in the source; NULL: it is new */
        bool taken;         /* the source's: it has one */
};

struct growth {
        const struct net2net *net;
        uint64_t seed;
        struct layer *to, *from;
        int layers, sources;
        int visits;
};

/* --- Which layer becomes which -------------------------------------------------------------------------- */

static int list_layers(struct scion_model *model, struct layer *layer)
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

/* Of one kind, and what they make differs in its channels or units alone. */
static bool alike(const struct layer *a, const struct layer *b)
{
        return strcmp(scion_module_kind(a->module), scion_module_kind(b->module)) == 0 &&
               a->head == b->head && a->makes.ndim == b->makes.ndim && a->makes.ndim > 0 &&
               memcmp(a->makes.dim + 1, b->makes.dim + 1,
                      (size_t)(a->makes.ndim - 1) * sizeof a->makes.dim[0]) == 0;
}

static bool is_square(const struct layer *layer)
{
        return layer->shape.ndim > 1 && layer->shape.dim[0] == layer->shape.dim[1];
}

/*
 * Layers that are alike are taken in their order. When the target has more of them, the last ones are new; or, of
 * as many outputs as inputs, those in whose place the source has one of other numbers. A normalisation is new
 * when the layer before it is.
 */
static bool pair(struct growth *growth)
{
        for (int j = 0; j < growth->layers; j++) {
                struct layer *to = &growth->to[j], *next = NULL;
                bool first = true;
                int more = 0;

                for (int i = j; i < growth->layers; i++)
                        more += alike(&growth->to[i], to);
                for (int i = growth->sources - 1; i >= 0; i--) {
                        struct layer *from = &growth->from[i];

                        if (!alike(from, to))
                                continue;
                        first = first && !from->taken;
                        more -= !from->taken;
                        next = from->taken ? next : from;
                }
                bool new =
                        to->norm ? j > 0 && !to[-1].from : !first &&next &&is_square(to) && !is_square(next);

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

static struct scion_tensor *draw(struct scion_random *random, float (*number)(struct scion_random *),
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

/* [m, n]: 1 at [j, g(j)], 0 elsewhere. */
static struct scion_tensor *copies(const struct growth *growth, int64_t n, int64_t m)
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

static bool put(struct scion_parameter *parameter, struct scion_tensor *x)
{
        const float *values = scion_data(x);

        return values && scion_parameter_write(parameter, values);
}

/* Biases and all of a normalisation: x'[j] = x[g(j)]. */
static bool widen_vector(const struct growth *growth, const struct layer *to, const char *name)
{
        struct scion_parameter *old = scion_module_parameter(to->from->module, name),
                               *new = scion_module_parameter(to->module, name);
        int64_t n = to->from->shape.dim[0], m = to->shape.dim[0];

        if (!new)
                return true;
        if (!old)
                return put(new, scion_zeros(SCION_SHAPE(m)));
        return put(new,
                   scion_matmul(copies(growth, n, m),
                                scion_reshape(scion_parameter_tensor(old), SCION_SHAPE(n, 1)), false, false));
}

static bool check_widths(const struct layer *to)
{
        const struct scion_shape *old = &to->from->shape, *new = &to->shape;
        bool good = old->ndim == new->ndim;
        char is[96], was[96];

        for (int i = 0; good && i < old->ndim; i++)
                good = i < 2 ? new->dim[i] >= old->dim[i] : new->dim[i] == old->dim[i];
        return good ||
               scion_fail("widths cannot shrink, nor kernels change: '%s' is %s in the source, '%s' %s in "
                          "the target",
                          scion_module_path(to->from->module), scion_shape_text(old, was, sizeof was),
                          scion_module_path(to->module), scion_shape_text(new, is, sizeof is));
}

/*
 * W'[o, i] = s[o, i] W[g(o), g(i)], where the shares s[o, i] of all copies of one input are positive and add up to
 * 1. `before` is the layer that made the inputs: of a linear layer on flattened maps, one map is many inputs.
 */
static bool widen_weight(const struct growth *growth, const struct layer *to, const struct layer *before)
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
        struct scion_tensor *g = copies(growth, n, m);

        w = scion_reshape(scion_matmul(copies(growth, old->dim[0], out), w, false, false),
                          SCION_SHAPE(out, n, each));
        w = scion_matmul(g, w, false, false); /* [out, m, each] */
        struct scion_tensor *share = draw(&random, scion_random_uniform, out, m);

        share = scion_shift(scion_scale(share, 2 * growth->net->spread), 1 - growth->net->spread);
        share = scion_div(share, scion_matmul(scion_matmul(share, g, false, false), g, false, true));
        return put(to->weight, scion_mul(w, scion_reshape(share, SCION_SHAPE(out, m, 1))));
}

/* W'[o] += noise, for each o that is a copy. */
static bool add_noise(const struct growth *growth, const struct layer *to)
{
        struct scion_random random = scion_random(scion_seed(growth->seed, scion_module_path(to->module)),
                                                  SCION_RANDOM_STRATEGY, 1);
        int64_t n = to->from->shape.dim[0], m = to->shape.dim[0], each = scion_shape_size(&to->shape) / m;

        if (n == m)
                return true;
        struct scion_tensor *w = scion_reshape(scion_parameter_tensor(to->weight), SCION_SHAPE(m, each));
        struct scion_tensor *size = scion_sqrt(scion_mean(scion_mul(w, w), SCION_ALL_AXES, false));
        struct scion_tensor *noise = scion_mul(draw(&random, scion_random_normal, m - n, each),
                                               scion_scale(size, growth->net->noise));

        return put(to->weight,
                   scion_add(w, scion_concat(
                                        (struct scion_tensor *[]){ scion_zeros(SCION_SHAPE(n, each)), noise },
                                        2, 0)));
}

/* --- Deeper --------------------------------------------------------------------------------------------- */

/* The residual block around the module; NULL: none. */
static struct scion_module *block_of(struct scion_module *module)
{
        while (module && strcmp(scion_module_kind(module), "residual_block") != 0)
                module = scion_module_parent(module);
        return module;
}

/* Is it the last normalisation of its block? */
static bool ends_block(const struct growth *growth, const struct layer *to)
{
        for (const struct layer *next = to + 1; next < growth->to + growth->layers; next++)
                if (next->norm && block_of(next->module) == block_of(to->module))
                        return false;
        return to->norm;
}

static bool clear(const struct layer *to, const char *name)
{
        struct scion_parameter *parameter = scion_module_parameter(to->module, name);

        return !parameter || put(parameter, scion_zeros(scion_parameter_shape(parameter)));
}

/* As the identity; normalisations begin as such, but for eps. The other layers of a new block stay as drawn. */
static bool deepen(const struct growth *growth, const struct layer *to)
{
        int64_t units = to->shape.dim[0], each = scion_shape_size(&to->shape) / units / units;
        char text[96];

        if (block_of(to->module))
                return !ends_block(growth, to) || (clear(to, "weight") && clear(to, "bias"));
        if (to->norm)
                return true;
        if (!is_square(to))
                return scion_fail(
                        "'%s', which the source does not have, cannot be the identity: its weight is %s",
                        scion_module_path(to->module), scion_shape_text(&to->shape, text, sizeof text));
        struct scion_tensor *centre =
                scion_one_hot(scion_from_i32(SCION_SHAPE(1), &(int32_t){ (int32_t)(each / 2) }), each);
        struct scion_tensor *diagonal =
                scion_reshape(copies(growth, units, units), SCION_SHAPE(units * units, 1));

        return put(to->weight, scion_matmul(diagonal, centre, false, false)) && clear(to, "bias");
}

/* A new normalisation undoes what it does in training: its statistics are those of what it is given, its weight
 * is their deviation, its bias their mean. Of the batches until now the mean, this being the `visits`th. */
static bool measure(const struct growth *growth, const struct layer *to, struct scion_tensor *x)
{
        struct scion_parameter *mean = scion_module_parameter(to->module, "running_mean"),
                               *variance = scion_module_parameter(to->module, "running_var");
        unsigned axes = SCION_AXIS(0); /* all but the channels */
        float eps = scion_nn_batch_norm_eps(to->module), part = 1 / (float)growth->visits;

        for (int axis = 2; axis < scion_shape(x).ndim; axis++)
                axes |= SCION_AXIS(axis);
        struct scion_tensor *centre = scion_mean(x, axes, true), *away = scion_sub(x, centre);
        struct scion_tensor *known = scion_parameter_tensor(mean);

        known = scion_add(known,
                          scion_scale(scion_sub(scion_reshape(centre, scion_shape(known)), known), part));
        if (!put(mean, known) || !put(scion_module_parameter(to->module, "bias"), known))
                return false;
        struct scion_tensor *square = scion_mean(scion_mul(away, away), axes, false);

        known = scion_parameter_tensor(variance);
        known = scion_add(known, scion_scale(scion_sub(square, known), part));
        return put(variance, known) && put(to->weight, scion_sqrt(scion_shift(known, eps)));
}

static bool measure_batch(void *context, struct scion_transfer *transfer, const struct scion_batch *batch)
{
        struct growth *growth = context;

        growth->visits++;
        for (int j = 0; j < growth->layers; j++) {
                const struct layer *to = &growth->to[j];

                if (to->norm && !to->from && !block_of(to->module) &&
                    !measure(growth, to,
                             scion_target_features(transfer, batch, scion_module_path(to->module))))
                        return false;
        }
        return true;
}

/* --- All of it ------------------------------------------------------------------------------------------ */

static bool grow(const struct growth *growth)
{
        static const char *const vectors[] = { "bias", "running_mean", "running_var" };
        const struct layer *before = NULL;

        for (int j = 0; j < growth->layers; j++) {
                const struct layer *to = &growth->to[j];
                bool good = to->from ? check_widths(to) : deepen(growth, to);

                if (good && to->from)
                        good = to->norm ? widen_vector(growth, to, "weight")
                                        : widen_weight(growth, to, before);
                for (int i = 0; good && to->from && i < 3; i++)
                        good = widen_vector(growth, to, vectors[i]);
                if (!good)
                        return false;
                if (to->from && !to->norm)
                        before = to;
        }
        return true;
}

/* On the first thousand examples or so. */
static bool verify_batch(void *context, struct scion_transfer *transfer, const struct scion_batch *batch)
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
                        "source's "
                        "network made wider, or deeper by layers that can be the identity (after ReLU, not "
                        "after other activations; of a stride of 1 and padded by half a kernel of odd size)",
                        (double)off));
}

static bool carry_over(struct growth *growth, struct scion_transfer *transfer)
{
        bool good = pair(growth) && grow(growth) && scion_visit(transfer, measure_batch, growth);

        growth->visits = 0;
        good = good && scion_visit(transfer, verify_batch, growth);
        for (int j = 0; good && growth->net->noise > 0 && j < growth->layers; j++)
                good = !growth->to[j].from || growth->to[j].norm || add_noise(growth, &growth->to[j]);
        return good;
}

static bool check_inputs(struct scion_model *target, struct scion_model *source)
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

        if (!check_inputs(target, source))
                return false;
        growth.to = calloc((size_t)scion_model_module_count(target), sizeof *growth.to);
        growth.from = calloc((size_t)scion_model_module_count(source), sizeof *growth.from);
        bool good = growth.to && growth.from ? true : scion_fail("out of memory");

        scion_no_grad_begin();
        if (good) {
                growth.layers = list_layers(target, growth.to);
                growth.sources = list_layers(source, growth.from);
                good = carry_over(&growth, transfer);
        }
        scion_no_grad_end();
        free(growth.to);
        free(growth.from);
        return good;
}

SCION_PLUGIN_STRATEGY("net2net", .summary = "a wider or deeper target that starts as the source's function",
                      .reference = "Chen, Goodfellow, Shlens. ICLR 2016. arXiv:1511.05641", .params = params,
                      .size = sizeof(struct net2net), .needs = SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES,
                      .setup = setup);
