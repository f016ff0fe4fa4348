/* Replaces the data of a run by random data. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/bench.h"
#include "tensor/tensor.h"

#define MOST_BYTES ((int64_t)64 << 20) /* of the examples of a split: more than caches hold */
#define MOST_BATCHES 64

/* The shape of the data. */
struct likeness {
        struct scion_shape shape;
        int64_t classes, targets; /* classes is 0 when the targets are values */
};

/* Parses a number of at least 1 that a character of `ends` or the end of the text follows. Advances `at` to it. */
static bool number_parse(const char **at, const char *ends, int64_t *number)
{
        char *end;
        long long value = strtoll(*at, &end, 10);

        if (end == *at || value < 1 || value > INT32_MAX || !strchr(ends, *end))
                return false;
        *number = value;
        *at = end;
        return true;
}

/* Parses a shape and a number of classes: "3x32x32:10". */
static bool likeness_parse(const char *text, struct likeness *like)
{
        const char *at = text;
        bool good = true;

        *like = (struct likeness){ 0 };
        do
                good = like->shape.ndim < SCION_MAX_DIMS - 1 &&
                       number_parse(&at, "x:", &like->shape.dim[like->shape.ndim++]);
        while (good && *at++ == 'x');
        return (good && number_parse(&at, "", &like->classes) && scion_check_shape(&like->shape)) ||
               scion_fail("'%s' is no shape of data; 3x32x32:10 stands for images of 3 channels and 32 by 32 "
                          "pixels, of 10 classes",
                          text);
}

static bool likeness_open(const struct scion_config *map, struct likeness *like)
{
        struct scion_data *data = scion_data_open(map, 1);

        if (!data)
                return scion_fail("%s; with the shape of the data they are not needed: --random=3x32x32:10",
                                  scion_error());
        like->shape = scion_data_shape(data);
        like->classes = scion_data_classes(data);
        like->targets = like->classes > 0 ? 0 : scion_data_outputs(data);
        scion_data_close(data);
        return true;
}

/* Returns a number of examples that exceeds the caches, in whole batches. */
static int64_t likeness_examples(const struct likeness *like, int64_t batch)
{
        int64_t batches = MOST_BYTES / (int64_t)sizeof(float) / scion_shape_size(&like->shape) / batch;

        return batch * (batches < 2 ? 2 : batches > MOST_BATCHES ? MOST_BATCHES : batches);
}

static char *map_write(const struct scion_config *map, const struct likeness *like, int64_t batch)
{
        const struct scion_config *unlabelled = scion_config_get(map, "unlabelled");
        const struct scion_config *classes = scion_config_get(map, "classes");
        int64_t count = like->classes, examples = likeness_examples(like, batch);
        struct scion_text text = { 0 };

        if (count > 0 && classes && classes->kind == SCION_CONFIG_LIST && classes->count > 0)
                count = (int64_t)classes->count;
        scion_text_add(&text, "{ use: random, shape: [");
        for (int i = 0; i < like->shape.ndim; i++)
                scion_text_add(&text, "%s%lld", i ? ", " : "", (long long)like->shape.dim[i]);
        scion_text_add(&text, "], num_classes: %lld, train_size: %lld, test_size: %lld", (long long)count,
                       (long long)examples, (long long)SCION_EVALUATION_BATCH * 2);
        if (like->targets > 0)
                scion_text_add(&text, ", targets: %lld", (long long)like->targets);
        if (unlabelled && unlabelled->text)
                scion_text_add(&text, ", unlabelled: %s", unlabelled->text);
        scion_text_add(&text, " }");
        if (!text.failed)
                return text.text;
        free(text.text);
        return scion_fail_null("out of memory");
}

static int64_t stage_batch_size(const struct scion_config *stage)
{
        const struct scion_config *size = scion_config_get(scion_config_get(stage, "train"), "batch_size");
        long long number = size && size->text ? strtoll(size->text, NULL, 10) : 0;

        return number < 1 || number > INT32_MAX
                       ? 64
                       : number; /* the run's preparation reports what is wrong with it */
}

static bool side_randomize(struct scion_config *config, const char *side, const char *shape)
{
        const struct scion_config *stage = scion_config_get(config, side);
        const struct scion_config *map = scion_config_get(stage, "dataset");
        struct scion_config *random = NULL;
        struct likeness like;
        char path[32], *text = NULL;

        if (!map)
                return true;
        bool good = (shape ? likeness_parse(shape, &like) : likeness_open(map, &like)) &&
                    (text = map_write(map, &like, stage_batch_size(stage))) &&
                    (random = scion_config_parse(text, "random data"));

        snprintf(path, sizeof path, "%s.dataset", side);
        good = good && scion_config_set(config, path, random);
        scion_config_destroy(random);
        free(text);
        return good;
}

bool scion_bench_randomize(struct scion_config *config, const char *shape)
{
        return side_randomize(config, "source", shape) && side_randomize(config, "target", shape);
}
