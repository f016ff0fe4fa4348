/* Invalid plugins: compiled to a shared object for each CASE_... */
#include <scion/scion.h>

static bool setup(void *self, struct scion_transfer *transfer)
{
        (void)self;
        (void)transfer;
        return true;
}

struct state {
        float alpha;
        int64_t count;
};

#define SUMMARY .summary = "a plugin for a test"
#define STRATEGY(name, ...) SCION_PLUGIN_STRATEGY(name, SUMMARY, .setup = setup, __VA_ARGS__)

/* A descriptor written without the macros. */
#define BY_HAND(type, version, size, entry, number, plugin_name)   \
        extern SCION_API const struct type scion_plugin;           \
        const struct type scion_plugin = { .abi = (version),       \
                                           .bytes = (size),        \
                                           .param_bytes = (entry), \
                                           .kind = (number),       \
                                           .name = (plugin_name),  \
                                           SUMMARY,                \
                                           .setup = setup }
#define STRATEGY_BY_HAND(version, size, entry, number, plugin_name) \
        BY_HAND(scion_strategy_plugin, version, size, entry, number, plugin_name)

#define ENTRY sizeof(struct scion_param)
#define COMPLETE sizeof(struct scion_strategy_plugin)

#if defined CASE_no_symbol
SCION_API bool (*scion_other)(void *, struct scion_transfer *) = setup;

#elif defined CASE_function
SCION_API bool scion_plugin(void *self);
bool scion_plugin(void *self)
{
        return setup(self, NULL);
}

#elif defined CASE_tiny
extern SCION_API const uint32_t scion_plugin[2];
const uint32_t scion_plugin[2] = { SCION_ABI, 4096 };
SCION_API bool (*scion_other)(void *, struct scion_transfer *) = setup;

#elif defined CASE_newer_abi
STRATEGY_BY_HAND(SCION_ABI + 1, COMPLETE, ENTRY, SCION_STRATEGY, "newer_abi");

#elif defined CASE_older_abi
STRATEGY_BY_HAND(SCION_ABI - 1, COMPLETE, ENTRY, SCION_STRATEGY, "older_abi");

#elif defined CASE_lying
STRATEGY_BY_HAND(SCION_ABI, 4096, ENTRY, SCION_STRATEGY, "lying");

#elif defined CASE_headless
STRATEGY_BY_HAND(SCION_ABI, 16, ENTRY, SCION_STRATEGY, "headless");

#elif defined CASE_param_bytes
STRATEGY_BY_HAND(SCION_ABI, COMPLETE, 48, SCION_STRATEGY, "param_bytes");

#elif defined CASE_unknown_kind
STRATEGY_BY_HAND(SCION_ABI, COMPLETE, ENTRY, (enum scion_kind)99, "unknown_kind");

#elif defined CASE_larger
/* For a later Scion of this ABI, which has another callback. */
struct later_plugin {
        struct scion_strategy_plugin known;
        bool (*epoch)(void *self);
};
extern SCION_API const struct later_plugin scion_plugin;
const struct later_plugin scion_plugin = { .known = { .abi = SCION_ABI,
                                                      .bytes = sizeof(struct later_plugin),
                                                      .param_bytes = ENTRY,
                                                      .kind = SCION_STRATEGY,
                                                      .name = "larger",
                                                      SUMMARY,
                                                      .setup = setup } };

#elif defined CASE_smaller
/* For an earlier Scion of this ABI, whose strategies had no loss(). */
struct earlier_plugin {
        SCION_PLUGIN_FIELDS
        unsigned needs;
        bool (*setup)(void *self, struct scion_transfer *transfer);
};
BY_HAND(earlier_plugin, SCION_ABI, sizeof(struct earlier_plugin), ENTRY, SCION_STRATEGY, "smaller");

#elif defined CASE_other_kind
static struct scion_module *build(void *self, const struct scion_shape *input, int64_t outputs)
{
        setup(self, NULL);
        return scion_fail_null("takes no %d axes, %d outputs", input->ndim, (int)outputs);
}
SCION_PLUGIN_MODEL("other_kind", SUMMARY, .build = build);

#elif defined CASE_undefined || defined CASE_later_function || defined CASE_later_node
SCION_API bool scion_of_tomorrow(void *self);
static bool validate(void *self)
{
        return scion_of_tomorrow(self);
}
STRATEGY("undefined", .validate = validate);

#elif defined CASE_later
/* A library of a later Scion: its additional function. */
SCION_API bool scion_of_tomorrow(void *self);
bool scion_of_tomorrow(void *self)
{
        return setup(self, NULL);
}

#elif defined CASE_undefined_other
SCION_API bool some_library_function(void *self);
static bool validate(void *self)
{
        return some_library_function(self);
}
STRATEGY("undefined_other", .validate = validate);

#elif defined CASE_wrong_name
STRATEGY("another", .size = 0);

#elif defined CASE_path_name
STRATEGY("../path_name", .size = 0);

#elif defined CASE_nameless
STRATEGY(NULL, .size = 0);

#elif defined CASE_no_build
SCION_PLUGIN_MODEL("no_build", SUMMARY, .validate = NULL);
SCION_API bool (*scion_other)(void *, struct scion_transfer *) = setup;

#elif defined CASE_no_summary
SCION_PLUGIN_STRATEGY("no_summary", .setup = setup);

#elif defined CASE_param_outside
static const struct scion_param params[] = { SCION_FLOAT(struct state, alpha, 1, "inside"),
                                             SCION_INT(struct state, count, 1, "outside"), SCION_PARAMS_END };
STRATEGY("param_outside", .params = params, .size = sizeof(float));

#elif defined CASE_param_far
static const struct scion_param params[] = {
        { .name = "far", .type = SCION_PARAM_FLOAT, .offset = SIZE_MAX - 3, .help = "beyond all" },
        SCION_PARAMS_END
};
STRATEGY("param_far", .params = params, .size = sizeof(struct state));

#elif defined CASE_param_twice
static const struct scion_param params[] = { SCION_FLOAT(struct state, alpha, 1, "one"),
                                             SCION_FLOAT(struct state, alpha, 2, "the other"),
                                             SCION_PARAMS_END };
STRATEGY("param_twice", .params = params, .size = sizeof(struct state));

#elif defined CASE_param_default
static const struct scion_param params[] = { SCION_INT(struct state, count, 1e300, "no int64_t"),
                                             SCION_PARAMS_END };
STRATEGY("param_default", .params = params, .size = sizeof(struct state));

#elif defined CASE_param_choice
static const char *const names[] = { "one", "two", NULL };
struct choice {
        int which;
};
static const struct scion_param params[] = { SCION_CHOICE(struct choice, which, names, 2, "the third"),
                                             SCION_PARAMS_END };
STRATEGY("param_choice", .params = params, .size = sizeof(struct choice));

#elif defined CASE_param_list
struct list {
        struct scion_ints widths;
};
static const struct scion_param params[] = {
        SCION_INTS(struct list, widths, "[4, -4]", "one below", .min = 1), SCION_PARAMS_END
};
STRATEGY("param_list", .params = params, .size = sizeof(struct list));

#elif defined CASE_param_use
static const struct scion_param params[] = { { .name = "use", .type = SCION_PARAM_FLOAT, .help = "taken" },
                                             SCION_PARAMS_END };
STRATEGY("param_use", .params = params, .size = sizeof(struct state));

#elif defined CASE_param_type
static const struct scion_param params[] = {
        { .name = "odd", .type = (enum scion_param_type)77, .help = "of no type" }, SCION_PARAMS_END
};
STRATEGY("param_type", .params = params, .size = sizeof(struct state));

#elif defined CASE_param_odd
static const struct scion_param params[] = {
        { .name = "odd", .type = SCION_PARAM_FLOAT, .offset = 1, .help = "between" }, SCION_PARAMS_END
};
STRATEGY("param_odd", .params = params, .size = sizeof(struct state));

#elif defined CASE_param_scales
static const struct scion_param params[] = {
        { .name = "wide", .type = SCION_PARAM_BOOL, .scales = true, .help = "of no width" }, SCION_PARAMS_END
};
STRATEGY("param_scales", .params = params, .size = sizeof(struct state));

#elif defined CASE_no_lr
static int states(const void *self)
{
        (void)self;
        return setup(NULL, NULL) ? 0 : 1;
}
static void step(void *self, const struct scion_span *spans, int count)
{
        (void)self;
        (void)spans;
        (void)count;
}
SCION_PLUGIN_OPTIMIZER("no_lr", SUMMARY, .states = states, .step = step);

#else
#error "no case"
#endif
