/*
 * Parameter tables: the parameters of a plugin that an experiment file can set. The engine reads and checks values by
 * the table, takes defaults from it, and prints it (`scion plugins KIND NAME`), so a plugin parses nothing.
 *
 *      struct l2_sp {
 *              float alpha;
 *      };
 *
 *      static const struct scion_param params[] = {
 *              SCION_FLOAT(struct l2_sp, alpha, 0.1, "pull of the shared weights", .min = 0),
 *              SCION_PARAMS_END
 *      };
 *
 * After the help text come options, as designated initialisers:
 *
 *      .min, .max    the range, both ends included
 *      .above_min    excludes .min
 *      .below_max    excludes .max
 *      .required     the file must set the parameter; there is no default
 *      .scales       for a model's parameter: the number is a width, in units or channels. Where a strategy makes
 *                    the source's architecture wider or narrower, the engine multiplies it by the factor, after
 *                    validate() and before build(). Integers are rounded, and are at least 1. If a default means
 *                    that no width was given, validate() must replace it by a width
 *
 * If there is any option, a number must be at least .min, which is 0 if left out. A .max that is 0, left out, or not
 * above .min means no upper limit. For lists the range applies to each entry. The default of a number may be outside
 * the range, which shows that none was given.
 */
#ifndef SCION_PARAM_H
#define SCION_PARAM_H

#include <scion/api.h>

SCION_BEGIN

enum scion_param_type {
        SCION_PARAM_END = 0,
        SCION_PARAM_FLOAT,   /* float */
        SCION_PARAM_INT,     /* int64_t */
        SCION_PARAM_BOOL,    /* bool */
        SCION_PARAM_STRING,  /* const char *; NULL if left out without a default */
        SCION_PARAM_CHOICE,  /* int: the index into .choices */
        SCION_PARAM_FLOATS,  /* struct scion_floats */
        SCION_PARAM_INTS,    /* struct scion_ints */
        SCION_PARAM_STRINGS, /* struct scion_strings */
};

/* Lists; empty if left out without a default. They belong to the engine, and are valid as long as the instance. */
struct scion_floats {
        size_t count;
        const float *value;
};

struct scion_ints {
        size_t count;
        const int64_t *value;
};

struct scion_strings {
        size_t count;
        const char *const *value;
};

struct scion_param {
        const char *name;
        size_t offset; /* of the field in the plugin's state */
        enum scion_param_type type;
        bool bounded; /* the entry has options, so that the range applies */
        bool required;
        bool above_min;
        bool below_max : 1;
        bool scales : 1;            /* 0 in tables that were compiled before the field existed */
        double number;              /* default of a number or boolean; index of a choice's default */
        const char *text;           /* default of a string; of a list, as in a file: "[16, 32]" */
        const char *const *choices; /* of a choice, ended by NULL */
        double min;
        double max;
        const char *help; /* one line, lower case, no full stop */
};

/* Whether there are options after the help text. */
#define SCION_PARAM_NTH(a, b, c, d, e, f, g, n, ...) n
#define SCION_PARAM_HAS_OPTIONS(...) \
        SCION_PARAM_NTH(__VA_ARGS__, true, true, true, true, true, true, false, false)

/* The offset of a field. Does not compile if the field has another type than the table says. */
#define SCION_PARAM_FIELD(state, field, ctype) \
        (offsetof(state, field) + 0 * sizeof(char[_Generic(((state *)0)->field, ctype : 1, default : -1)]))

#define SCION_PARAM_ENTRY(state, field, ctype, kind, ...)                               \
        .name = #field, .offset = SCION_PARAM_FIELD(state, field, ctype), .type = kind, \
        .bounded = SCION_PARAM_HAS_OPTIONS(__VA_ARGS__), .help = __VA_ARGS__

/* Entries of a table. The arguments after the default are the help text and options. */
#define SCION_FLOAT(state, field, fallback, ...)                                                             \
        {                                                                                                    \
                .number = (fallback), SCION_PARAM_ENTRY(state, field, float, SCION_PARAM_FLOAT, __VA_ARGS__) \
        }
#define SCION_INT(state, field, fallback, ...)                                         \
        {                                                                              \
                .number = (double)(fallback),                                          \
                SCION_PARAM_ENTRY(state, field, int64_t, SCION_PARAM_INT, __VA_ARGS__) \
        }
#define SCION_BOOL(state, field, fallback, ...)                                                            \
        {                                                                                                  \
                .number = (fallback), SCION_PARAM_ENTRY(state, field, bool, SCION_PARAM_BOOL, __VA_ARGS__) \
        }
#define SCION_STRING(state, field, fallback, ...)                                              \
        {                                                                                      \
                .text = (fallback),                                                            \
                SCION_PARAM_ENTRY(state, field, const char *, SCION_PARAM_STRING, __VA_ARGS__) \
        }
#define SCION_CHOICE(state, field, names, fallback, ...)                              \
        {                                                                             \
                .choices = (names), .number = (fallback),                             \
                SCION_PARAM_ENTRY(state, field, int, SCION_PARAM_CHOICE, __VA_ARGS__) \
        }
#define SCION_FLOATS(state, field, fallback, ...)                                                     \
        {                                                                                             \
                .text = (fallback),                                                                   \
                SCION_PARAM_ENTRY(state, field, struct scion_floats, SCION_PARAM_FLOATS, __VA_ARGS__) \
        }
#define SCION_INTS(state, field, fallback, ...)                                                   \
        {                                                                                         \
                .text = (fallback),                                                               \
                SCION_PARAM_ENTRY(state, field, struct scion_ints, SCION_PARAM_INTS, __VA_ARGS__) \
        }
#define SCION_STRINGS(state, field, fallback, ...)                                                      \
        {                                                                                               \
                .text = (fallback),                                                                     \
                SCION_PARAM_ENTRY(state, field, struct scion_strings, SCION_PARAM_STRINGS, __VA_ARGS__) \
        }
#define SCION_PARAMS_END                \
        {                               \
                .type = SCION_PARAM_END \
        }

SCION_END

#endif
