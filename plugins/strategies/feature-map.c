/* Feature transfer: the source's frozen features, mapped linearly into a feature space of the target. */
#include <scion/scion.h>

struct feature_map {
        int64_t features;
};

static const struct scion_param params[] = {
        SCION_INT(struct feature_map, features, 0,
                  "dimension of the target's feature space; 0: that of the source", .min = 0, .max = 1 << 20),
        SCION_PARAMS_END,
};

/* Creates the module that replaces the head: a linear map, initially the identity where widths allow it, and a new
 * head. */
static struct scion_module *head_create(int64_t width, int64_t features, int64_t outputs)
{
        struct scion_module *map = scion_nn_linear(width, features, true), *net = scion_nn_sequential();

        scion_nn_init(map, "weight", (struct scion_init){ .kind = SCION_INIT_IDENTITY });
        scion_nn_init(map, "bias", (struct scion_init){ .kind = SCION_INIT_ZEROS });
        scion_nn_append(net, "map", map);
        return scion_nn_append(net, "head", scion_nn_linear(features, outputs, true));
}

static bool setup(void *self, struct scion_transfer *transfer)
{
        const struct feature_map *feature_map = self;

        if (!scion_target_like_source(transfer, 1))
                return false;
        struct scion_model *target = scion_target(transfer);
        const char *head = scion_model_head(target);
        struct scion_shape width = scion_model_feature_shape(target, NULL);
        char text[64];

        if (scion_model_copy(target, scion_source(transfer), false) < 0 || !scion_model_freeze(target, "*"))
                return false;
        if (width.ndim != 1)
                return scion_fail("takes a vector of features, but the input of the head '%s' is %s", head,
                                  scion_shape_text(&width, text, sizeof text));
        return scion_model_graft(target, head, SCION_INSTEAD, NULL,
                                 head_create(width.dim[0],
                                             feature_map->features > 0 ? feature_map->features : width.dim[0],
                                             scion_model_outputs(target)));
}

SCION_PLUGIN_STRATEGY("feature-map",
                      .summary = "train a linear map of the source's frozen features, and a new head",
                      .reference = "Pan, Yang. TKDE 22(10), 2010 (transfer of feature representations)",
                      .params = params, .size = sizeof(struct feature_map), .needs = SCION_NEEDS_SOURCE,
                      .setup = setup);
