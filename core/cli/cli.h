/*
 * The commands. Each is a table, struct scion_command, in a file of its own name: what getopt takes, `--help`, the
 * shells' completion and the man pages are all made from it. A command's function gets the command's name as
 * argv[0] and returns the exit status: 0 all good, 1 something failed while running, 2 the input or the usage was
 * wrong.
 *
 * Texts of a table are lines: an empty one is between paragraphs, one that begins with a space is printed as it
 * stands, any other is a whole paragraph, which is broken where the page ends. What is typed stands in `backquotes`.
 */
#ifndef SCION_CLI_CLI_H
#define SCION_CLI_CLI_H

#include <scion/api.h>
#include <stdio.h>

#include "base/text.h"

/* --- The tables ----------------------------------------------------------------------------------------- */

/* What a value is, for completion. */
enum scion_cli_values {
        SCION_CLI_ANYTHING,
        SCION_CLI_FILES,   /* whose names end as one of `of`, without the dot */
        SCION_CLI_FOLDERS, /* folders */
        SCION_CLI_WORDS,   /* one of the words `of` */
        SCION_CLI_KINDS,   /* a kind of plugins */
        SCION_CLI_PLUGINS, /* a plugin of the kind that the argument before names */
};

struct scion_cli_value {
        enum scion_cli_values are;
        const char *const *of; /* ended by NULL */
};

struct scion_cli_option {
        int id;           /* the letter of the short form; without one, a number from SCION_CLI_LONG on */
        const char *name; /* of the long form, without dashes; NULL ends a table */
        const char *
                value; /* what --help calls its value; "[=SO]" when it may be left out; NULL when it takes none */
        const char *help; /* one line, lower case, no full stop; it is broken where it is too long */
        struct scion_cli_value takes;
};

struct scion_command {
        const char *name;
        const char *summary;             /* for the list of commands; one line, lower case, no full stop */
        const char *arguments;           /* after the options: "FILE..." */
        struct scion_cli_value takes[2]; /* the arguments; further ones are as the last */
        const char *text;                /* what it does, before its options */
        const struct scion_cli_option *options;
        const char *notes;    /* after the options; may be NULL */
        const char *examples; /* may be NULL */
        const char *status;   /* the exit status, where there is more to say; may be NULL */
        bool hidden;          /* it is for the build and for shells, not for people */
        int (*run)(int argc, char **argv);
};

/* All of them, in the order of `scion --help`, ended by NULL. */
extern const struct scion_command *const scion_commands[];
extern const struct scion_command scion_command_bench;
extern const struct scion_command scion_command_cache;
extern const struct scion_command scion_command_check;
extern const struct scion_command scion_command_compare;
extern const struct scion_command scion_command_completion;
extern const struct scion_command scion_command_man;
extern const struct scion_command scion_command_modules;
extern const struct scion_command scion_command_new;
extern const struct scion_command scion_command_plugins;
extern const struct scion_command scion_command_run;
extern const struct scion_command scion_command_schema;

/* NULL, with a message and a near name, when there is none. */
const struct scion_command *scion_command_find(const char *name);

/* Ids of options without a letter, of each command's own, begin here. */
#define SCION_CLI_LONG 256

/* Options that several commands have; scion_cli_next() takes them. */
#define SCION_CLI_CACHE_ID (SCION_CLI_LONG - 1)
#define SCION_CLI_CACHE(help)                               \
        {                                                   \
                SCION_CLI_CACHE_ID, "cache", "DIR", (help), \
                {                                           \
                        SCION_CLI_FOLDERS, NULL             \
                }                                           \
        }
#define SCION_CLI_SET                                                                     \
        {                                                                                 \
                's', "set", "KEY=VALUE", "replace a value in the file (may be repeated)", \
                {                                                                         \
                        0                                                                 \
                }                                                                         \
        }
#define SCION_CLI_FORCE                                                                \
        {                                                                              \
                'f', "force", NULL, "take a file that asks for more than 100000 runs", \
                {                                                                      \
                        0                                                              \
                }                                                                      \
        }
#define SCION_CLI_PLUGIN_PATH                                                                \
        {                                                                                    \
                'P', "plugin-path", "DIR", "look for plugins there first (may be repeated)", \
                {                                                                            \
                        SCION_CLI_FOLDERS, NULL                                              \
                }                                                                            \
        }
#define SCION_CLI_HELP                          \
        {                                       \
                'h', "help", NULL, "this text", \
                {                               \
                        0                       \
                }                               \
        }
#define SCION_CLI_END                \
        {                            \
                0, NULL, NULL, NULL, \
                {                    \
                        0            \
                }                    \
        }

/* How the files end that experiments are described in. */
extern const char *const scion_cli_yaml[];
#define SCION_CLI_YAML                          \
        {                                       \
                SCION_CLI_FILES, scion_cli_yaml \
        }

/* --- Parsing -------------------------------------------------------------------------------------------- */

struct scion_cli {
        const struct scion_command *command;
        const char **set; /* the values of --set */
        size_t sets;
        bool forced;  /* by --force: a file may ask for any number of runs */
        char *text;   /* the value of the option that scion_cli_next() returned; NULL when it takes none */
        int argc;     /* after the last option: what is left, the arguments */
        char **argv;  /* ended by NULL */
        char *shorts; /* the rest is scion_cli_next()'s own */
        struct option *longs;
};

/*
 * Begins with a command's arguments as they came. False, with the message printed, when memory is out.
 * scion_cli_finish() ends it, also then.
 */
bool scion_cli_begin(struct scion_cli *cli, const struct scion_command *command, int argc, char **argv);
void scion_cli_finish(struct scion_cli *cli);

/*
 * The id of the next option that is the command's own; 0 after the last one. -1 when the command ends here, with
 * `status`: after --help, or after a message on what is wrong.
 */
int scion_cli_next(struct scion_cli *cli, int *status);

/* The place of `text` among `words`, which end with NULL; -1, after a message that calls it a `what`. */
int scion_cli_choice(const struct scion_cli *cli, const char *what, const char *text,
                     const char *const *words, int *status);

/* --- Printing ------------------------------------------------------------------------------------------- */

/* Prints the message there is, "scion: ...", and returns `status`. */
int scion_cli_failed(int status);

/* Prints what is wrong with the usage, and where to look. Returns 2. */
int scion_cli_usage(const char *command, const char *format, ...) SCION_PRINTF(2, 3);

/* What was printed is lost on a full disk or a closed pipe: that is a failure. Returns `status`, or 1. */
int scion_cli_printed(int status);

/* `scion COMMAND --help`, and `scion --help` when it is NULL, no wider than 79 columns. */
void scion_cli_help(const struct scion_command *command, FILE *file);

/* What `scion` is, and the variables of the environment that it looks at. */
extern const char scion_cli_about[];
extern const struct scion_cli_variable {
        const char *name; /* NULL ends the table */
        const char *meaning;
} scion_cli_variables[];

/* The exit status of a command that says no more about it. */
extern const char scion_cli_status[];

/*
 * Before anything is printed or written for runs of so many threads, whose files these are. The OpenMP run-time's threads
 * wait for each other by looking again for some 10 ms, before they sleep. On a machine that does other things too they so
 * keep the one they wait for from running, and a step can take ten times as long. How long they look is read when the
 * run-time is loaded: the command starts itself again with less, unless the environment says something about it.
 */
void scion_cli_wait_briefly(int64_t threads, char *const *files, size_t count);
void scion_cli_remember(char **argv); /* of main() */

#endif
