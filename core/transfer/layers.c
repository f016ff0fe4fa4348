/* Pairs of layers of source and target that a strategy compares, selected by patterns in the file. */
#include <scion/error.h>
#include <string.h>

#include "nn/model.h"
#include "transfer/transfer.h"

/* Writes the paths of the modules that match, pattern by pattern; a single NULL without patterns. Returns their number;
 * -1, with a message. */
static int model_select_layers(struct scion_model *model, const struct scion_strings *patterns,
                               const char **path)
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
        int source_count;

        *layers = (struct scion_layers){ 0 };
        layers->count = model_select_layers(transfer->target, target, layers->target);
        if (layers->count < 0)
                return scion_fail_prefix("the target");
        source_count = model_select_layers(transfer->source, source->count ? source : target, layers->source);
        if (source_count < 0)
                return scion_fail_prefix("the source");
        return source_count == layers->count ||
               scion_fail("the target's layers are %d and the source's %d: each goes with one of the other's",
                          layers->count, source_count);
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

/* Writes "'layer1' makes 16x28x28"; for the path NULL what the head takes. Returns `text`. */
static const char *layer_describe(char *text, size_t bytes, struct scion_model *model, const char *path)
{
        struct scion_shape shape = scion_model_feature_shape(model, path);
        char shape_text[96];

        snprintf(text, bytes, "'%s' %s %s", path ? path : scion_model_head(model), path ? "makes" : "takes",
                 scion_shape_text(&shape, shape_text, sizeof shape_text));
        return text;
}

bool scion_layers_fail(struct scion_transfer *transfer, const struct scion_layers *layers, int index,
                       const char *why)
{
        char target_text[512], source_text[512];

        return scion_fail(
                "the target's %s, the source's %s: %s",
                layer_describe(target_text, sizeof target_text, transfer->target, layers->target[index]),
                layer_describe(source_text, sizeof source_text, transfer->source, layers->source[index]),
                why);
}
