/*
 * Parameter tables: what a plugin can be told in the experiment file. A table is the single truth: values are
 * checked against it, defaults come from it, `scion plugins KIND NAME` prints it. A plugin parses nothing.
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
 *      .above_min    .min itself is excluded
 *      .below_max    .max itself is excluded
 *      .required     there is no default; the file must say
 *      .scales       of a model's numbers: a width, in units or channels. A width multiplier, for the source's
 *                    structure made narrower or wider, multiplies it before build(), after validate(), which must
 *                    have put a width in the place of one not given. Integers are rounded, and at least 1
 *
 * With any option a number is at least .min, which is 0 when left out. A .max that is 0, left out, or not
 * above .min means no upper end. For lists the range holds for each entry. A number's default may lie outside
 * the range: it then means that none was given.
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
        SCION_PARAM_STRING,  /* const char *; NULL when left out without a default */
        SCION_PARAM_CHOICE,  /* int: the index into .choices */
        SCION_PARAM_FLOATS,  /* struct scion_floats */
        SCION_PARAM_INTS,    /* struct scion_ints */
        SCION_PARAM_STRINGS, /* struct scion_strings */
};

/* Lists; empty when left out. The engine owns them, as long as the plugin's instance lives. */
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
        bool bounded; /* options were given: the range holds */
        bool required;
        bool above_min;
        bool below_max : 1;
        bool scales : 1;  /* in a bit that tables built before it have at 0 */
        double number;    /* default of numbers, booleans, and the index of a choice */
        const char *text; /* default of a string; of a list, as it would stand in the file: "[16, 32]" */
        const char *const *choices; /* of a choice, ended by NULL */
        double min;
        double max;
        const char *help; /* one line, lower case, no full stop */
};

/* More than the help text in the arguments? */
#define SCION_PARAM_NTH(a, b, c, d, e, f, g, n, ...) n
#define SCION_PARAM_HAS_OPTIONS(...) \
        SCION_PARAM_NTH(__VA_ARGS__, true, true, true, true, true, true, false, false)

/* The offset of a field; a compile error when the field is of another type than the table says. */
#define SCION_PARAM_FIELD(state, field, ctype) \
        (offsetof(state, field) + 0 * sizeof(char[_Generic(((state *)0)->field, ctype : 1, default : -1)]))

#define SCION_PARAM_ENTRY(state, field, ctype, kind, ...)                               \
        .name = #field, .offset = SCION_PARAM_FIELD(state, field, ctype), .type = kind, \
        .bounded = SCION_PARAM_HAS_OPTIONS(__VA_ARGS__), .help = __VA_ARGS__

/* The arguments after the default are the help text and options. */
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
