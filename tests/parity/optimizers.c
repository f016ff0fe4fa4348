/* Compares the optimizer plugins, those of docs/examples included, with PyTorch: ten steps with given gradients. */
#include "parity/vectors.h"
#include "plugin/plugin.h"

#define SPANS 3
#define ROOM 64 /* floats that a span has, padding included */

/* One span's arrays. */
struct arrays {
        float value[ROOM], gradient[ROOM], state[SCION_MAX_STATES][ROOM];
};

static int64_t span_integer(const json_t *test_case, int span, const char *key)
{
        return vectors_integer(json_array_get(vectors_member(test_case, "spans"), (size_t)span), key);
}

/* Fills in the spans that take part in this step, with its gradients. Returns their number. */
static int spans_fill(const json_t *test_case, int step, struct arrays *arrays, struct scion_span *spans)
{
        const json_t *all = vectors_member(test_case, "spans");
        uint64_t seed = (uint64_t)vectors_integer(test_case, "seed");
        double bound = vectors_number(test_case, "gradient");
        double schedule =
                json_number_value(json_array_get(vectors_member(test_case, "lr_scale"), (size_t)step - 1));
        int used = 0;

        for (int i = 0; i < SPANS; i++) {
                const json_t *span = json_array_get(all, (size_t)i);
                int64_t first = vectors_integer(span, "from"), count = vectors_integer(span, "count");

                if (step < first)
                        continue;
                vectors_fill(seed, (uint64_t)(10 * step + i), -bound, bound, arrays[i].gradient,
                             (size_t)count);
                spans[used++] = (struct scion_span){
                        .name = "span",
                        .count = count + vectors_integer(span, "padding"),
                        .value = arrays[i].value,
                        .gradient = arrays[i].gradient,
                        .state = { arrays[i].state[0], arrays[i].state[1], arrays[i].state[2],
                                   arrays[i].state[3] },
                        .step = step - first + 1,
                        .lr_scale = (float)(schedule * vectors_number(span, "scale")),
                        .decay = vectors_flag(span, "decay"),
                };
        }
        return used;
}

/* Checks that the values after a step are PyTorch's, and that the padding is still zero. */
static void span_check(const json_t *test_case, int step, const struct arrays *arrays)
{
        const json_t *wanted = json_array_get(vectors_member(test_case, "values"), (size_t)step - 1);

        for (int i = 0; i < SPANS; i++) {
                size_t count = (size_t)span_integer(test_case, i, "count");
                char what[48];

                snprintf(what, sizeof what, "span %d after step %d", i, step);
                vectors_compare(what, arrays[i].value, count, json_array_get(wanted, (size_t)i),
                                vectors_tolerance(test_case));
                for (size_t k = count; k < ROOM; k++)
                        if (arrays[i].value[k] != 0)
                                fail_msg("%s: padding became %g", what, (double)arrays[i].value[k]);
        }
}

static void optimizer_agrees(void **state)
{
        const json_t *test_case = *state;
        uint64_t seed = (uint64_t)vectors_integer(test_case, "seed");
        size_t steps = json_array_size(vectors_member(test_case, "values"));
        struct scion_config *config = scion_config_parse(vectors_text(test_case, "config"), "config");
        struct scion_instance *instance =
                config ? scion_instance_create(SCION_OPTIMIZER, config, NULL) : NULL;
        struct arrays arrays[SPANS] = { 0 };

        if (!instance)
                fail_msg("%s", scion_error());
        const struct scion_optimizer_plugin *plugin = (const void *)instance->plugin;

        assert_int_equal(json_array_size(vectors_member(test_case, "spans")), SPANS);
        for (int i = 0; i < SPANS; i++) {
                int64_t count = span_integer(test_case, i, "count");

                assert_in_range(count + span_integer(test_case, i, "padding"), 1, ROOM);
                vectors_fill(seed, (uint64_t)i, -1, 1, arrays[i].value, (size_t)count);
        }
        assert_in_range(plugin->states(instance->self), 0, SCION_MAX_STATES);
        assert_true(steps > 0);
        for (int step = 1; step <= (int)steps; step++) {
                struct scion_span spans[SPANS];
                int count = spans_fill(test_case, step, arrays, spans);

                plugin->step(instance->self, spans, count);
                span_check(test_case, step, arrays);
        }
        scion_instance_destroy(instance);
        scion_config_destroy(config);
}

int main(void)
{
        if (!scion_plugins_add_path(BUILD_DIR "/tests/parity/examples"))
                return 1;
        return vectors_run("optimizers", optimizer_agrees);
}
