/* Layers of the two models that a strategy compares, as the file's patterns name them. */
#include <scion/error.h>
#include <string.h>

#include "nn/model.h"
#include "transfer/transfer.h"

/* The modules that match, pattern by pattern. How many; -1, with a message. */
static int select_layers(struct scion_model *model, const struct scion_strings *patterns, const char **path)
{
        int count = 0;

        for (size_t i = 0; i < patterns->count; i++) {
                const struct scion_strings pattern = { 1, patterns->value + i };
                struct scion_strings found;

                if (!scion_model_select(model, &pattern, &found))
                        return -1;
                if (found.count > (size_t)(SCION_MAX_LAYERS - count)) {
                        scion_fail("more than %d layers", SCION_MAX_LAYERS);
                        return -1;
                }
                for (size_t k = 0; k < found.count; k++)
                        path[count++] = found.value[k];
        }
        if (patterns->count == 0)
                path[count++] = NULL;
        return count;
}

bool scion_layers_pair(struct scion_transfer *transfer, const struct scion_strings *target,
                       const struct scion_strings *source, struct scion_layers *layers)
{
        int of_source;

        *layers = (struct scion_layers){ 0 };
        layers->count = select_layers(transfer->target, target, layers->target);
        if (layers->count < 0)
                return scion_fail_prefix("the target");
        of_source = select_layers(transfer->source, source->count ? source : target, layers->source);
        if (of_source < 0)
                return scion_fail_prefix("the source");
        return of_source == layers->count ||
               scion_fail("the target's layers are %d and the source's %d: each goes with one of the other's",
                          layers->count, of_source);
}

struct scion_shape scion_layers_target_shape(struct scion_transfer *transfer,
                                             const struct scion_layers *layers, int index)
{
        return scion_model_feature_shape(transfer->target, layers->target[index]);
}

struct scion_shape scion_layers_source_shape(struct scion_transfer *transfer,
                                             const struct scion_layers *layers, int index)
{
        return scion_model_feature_shape(transfer->source, layers->source[index]);
}

/* "'layer1' makes 16x28x28" */
static const char *tell(char *text, size_t bytes, struct scion_model *model, const char *path)
{
        struct scion_shape shape = scion_model_feature_shape(model, path);
        char of_layer[96];

        snprintf(text, bytes, "'%s' %s %s", path ? path : scion_model_head(model), path ? "makes" : "takes",
                 scion_shape_text(&shape, of_layer, sizeof of_layer));
        return text;
}

bool scion_layers_fail(struct scion_transfer *transfer, const struct scion_layers *layers, int index,
                       const char *why)
{
        char of_target[512], of_source[512];

        return scion_fail("the target's %s, the source's %s: %s",
                          tell(of_target, sizeof of_target, transfer->target, layers->target[index]),
                          tell(of_source, sizeof of_source, transfer->source, layers->source[index]), why);
}
