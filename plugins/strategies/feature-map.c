/* Feature transfer: the source's features, frozen, mapped linearly into the target's feature space. */
#include <scion/scion.h>

struct feature_map {
        int64_t features;
};

static const struct scion_param params[] = {
        SCION_INT(struct feature_map, features, 0,
                  "axes of the target's feature space; 0: as many as the source's has", .min = 0,
                  .max = 1 << 20),
        SCION_PARAMS_END,
};

/* In the head's place: features -> map -> head. The map begins as the identity, as far as widths allow. */
static struct scion_module *mapped(int64_t width, int64_t features, int64_t outputs)
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
                return scion_fail("takes a vector of features; the head '%s' is given %s", head,
                                  scion_shape_text(&width, text, sizeof text));
        return scion_model_graft(target, head, SCION_INSTEAD, NULL,
                                 mapped(width.dim[0],
                                        feature_map->features > 0 ? feature_map->features : width.dim[0],
                                        scion_model_outputs(target)));
}

SCION_PLUGIN_STRATEGY("feature-map",
                      .summary = "the source's frozen features, a learned linear map, and a new head on it",
                      .reference = "Pan, Yang. TKDE 22(10), 2010 (transfer of feature representations)",
                      .params = params, .size = sizeof(struct feature_map), .needs = SCION_NEEDS_SOURCE,
                      .setup = setup);
