/* Runs experiments with the command, keeps their files, and compares models bit by bit. */
#ifndef SCION_TESTS_SUPPORT_RUNS_H
#define SCION_TESTS_SUPPORT_RUNS_H

#include "support/command.h"
#include "support/results.h"

#include "run/run.h"
#include "state/safetensors.h"

/* Runs an experiment with one run. Moves its model to KEEP.safetensors, its metrics to KEEP.csv, and the
 * suite's results to KEEP-results.csv. */
static inline void run_and_keep(const char *file, const char *options, const char *keep)
{
        char command[512];

        run_scion_expecting(0, "run %s --quiet --out %s %s", file, keep, options);
        assert_in_range(
                snprintf(command, sizeof command,
                         "mv %s/*/*/model.safetensors %s.safetensors && mv %s/*/*/metrics.csv %s.csv && "
                         "mv %s/*/results.csv %s-results.csv",
                         keep, keep, keep, keep, keep, keep),
                1, sizeof command - 1);
        assert_int_equal(system(command), 0);
        remove_tree(keep);
}

static inline void read_model(const char *path, struct scion_safetensors *file)
{
        if (!scion_safetensors_read(path, file))
                fail_msg("%s", scion_error());
}

/* Returns the tensor of that name, or NULL. */
static inline const struct scion_safetensor *find_tensor(const struct scion_safetensors *file,
                                                         const char *name)
{
        for (size_t i = 0; i < file->count; i++)
                if (strcmp(file->tensor[i].name, name) == 0)
                        return &file->tensor[i];
        return NULL;
}

/* Returns the tensor of that name; fails the test if there is none. */
static inline const struct scion_safetensor *tensor_of(const struct scion_safetensors *file, const char *name)
{
        const struct scion_safetensor *tensor = find_tensor(file, name);

        if (!tensor)
                fail_msg("no tensor %s", name);
        return tensor;
}

static inline size_t size_of(const struct scion_safetensor *tensor)
{
        return (size_t)scion_shape_size(&tensor->shape);
}

/* Returns whether two models have bitwise equal tensors of that name. Fails the test unless both have one,
 * of the same shape. */
static inline bool same_tensor(const struct scion_safetensors *a, const struct scion_safetensors *b,
                               const char *name)
{
        const struct scion_safetensor *x = tensor_of(a, name), *y = tensor_of(b, name);

        if (!scion_shape_equal(&x->shape, &y->shape))
                fail_msg("%s has other shapes in the two models", name);
        return memcmp(x->values, y->values, size_of(x) * sizeof *x->values) == 0;
}

/* Fails the test unless the command rejects the experiment before training, with a message that contains
 * both texts. */
static inline void refuse_run(const char *yaml, const char *text, const char *more)
{
        struct scion_config *config = scion_config_parse(yaml, "bad.yaml");

        if (!config)
                fail_msg("%s", scion_error());
        assert_null(scion_run_prepare(config));
        assert_error_has(text, more, NULL);
        scion_config_destroy(config);
}

#endif
