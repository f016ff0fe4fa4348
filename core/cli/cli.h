/*
 * The commands of the scion program. Each is described by a struct scion_command in the file named after it;
 * option parsing, `--help`, shell completion and man pages are all derived from that description. A command's
 * function gets the command's name as argv[0] and returns the exit status: 0 all good, 1 failed while
 * running, 2 the input or the usage was wrong.
 *
 * The texts of a description consist of lines. An empty line separates paragraphs, a line that begins with a
 * space is printed verbatim, and any other line is a whole paragraph, which is wrapped at the page width.
 * Literal input is in `backquotes`.
 */
#ifndef SCION_CLI_CLI_H
#define SCION_CLI_CLI_H

#include <scion/api.h>
#include <stdio.h>

#include "base/text.h"

/* --- The tables ----------------------------------------------------------------------------------------- */

/* The type of a value, for completion. */
enum scion_cli_values {
        SCION_CLI_ANYTHING,
        SCION_CLI_FILES,   /* files with one of the extensions `of`, given without the dot */
        SCION_CLI_FOLDERS, /* folders */
        SCION_CLI_WORDS,   /* one of the words `of` */
        SCION_CLI_KINDS,   /* a kind of plugin */
        SCION_CLI_PLUGINS, /* a plugin of the kind that the previous argument names */
};

/* The type of a value, with its parameter. */
struct scion_cli_value {
        enum scion_cli_values are;
        const char *const *of; /* ends with NULL */
};

/* An option of a command. */
struct scion_cli_option {
        int id; /* the letter of the short form, or a number from SCION_CLI_LONG for options without one */
        const char *name; /* the long form without dashes; NULL ends a table */
        /* the name of its value in --help; "[=NAME]" if the value is optional; NULL if it takes none */
        const char *value;
        const char *help; /* one line, lower case, without a full stop; --help wraps it */
        struct scion_cli_value takes;
};

/* The description of a command. */
struct scion_command {
        const char *name;
        const char *summary;   /* for the list of commands; one line, lower case, without a full stop */
        const char *arguments; /* the arguments after the options: "FILE..." */
        /* the types of the arguments; further arguments have the last type */
        struct scion_cli_value takes[2];
        const char *text; /* what the command does; printed before the options */
        const struct scion_cli_option *options;
        const char *notes;    /* printed after the options; may be NULL */
        const char *examples; /* may be NULL */
        const char *status;   /* describes the exit status; NULL for scion_cli_status */
        bool hidden;          /* not listed for users; for the build and for shells */
        int (*run)(int argc, char **argv);
};

/* All commands, in the order of `scion --help`; ends with NULL. */
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

/* Returns the command with that name, or NULL with a message that suggests a similar name. */
const struct scion_command *scion_command_find(const char *name);

/* The first id for a command's options without a letter. */
#define SCION_CLI_LONG 256

/* Options that several commands share. scion_cli_next() handles them, except for their completion. */
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
#define SCION_CLI_FORCE                                                         \
        {                                                                       \
                'f', "force", NULL, "accept a file with more than 100000 runs", \
                {                                                               \
                        0                                                       \
                }                                                               \
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

/* The extensions of experiment files. */
extern const char *const scion_cli_yaml[];
#define SCION_CLI_YAML                          \
        {                                       \
                SCION_CLI_FILES, scion_cli_yaml \
        }

/* --- Parsing -------------------------------------------------------------------------------------------- */

/* The state of parsing a command's arguments. */
struct scion_cli {
        const struct scion_command *command;
        const char **set; /* the values of --set */
        size_t sets;
        bool forced;  /* --force was given: a file may have any number of runs */
        char *text;   /* value of the option that scion_cli_next() returned; NULL if it has none */
        int argc;     /* after the last option: number of arguments */
        char **argv;  /* ends with NULL */
        char *shorts; /* private to scion_cli_next(), with `longs` */
        struct option *longs;
};

/*
 * Initialises cli for a command's arguments. Returns false, after printing a message, when memory is out.
 * Call scion_cli_finish() in both cases.
 */
bool scion_cli_begin(struct scion_cli *cli, const struct scion_command *command, int argc, char **argv);
void scion_cli_finish(struct scion_cli *cli);

/*
 * Returns the id of the next option of the command, or 0 after the last one. Returns -1 when the command
 * should exit with *status: after --help, or after printing an error.
 */
int scion_cli_next(struct scion_cli *cli, int *status);

/*
 * Returns the index of `text` in `words`, which ends with NULL. Otherwise prints an error that calls it a
 * `what`, sets *status and returns -1.
 */
int scion_cli_choice(const struct scion_cli *cli, const char *what, const char *text,
                     const char *const *words, int *status);

/*
 * Adds " (did you mean 'PREFIXWORD'?)" to a message if one of `words` is similar to `name`. Returns whether it
 * did.
 */
bool scion_cli_suggest(struct scion_text *message, const char *name, const char *prefix,
                       const char *const *words, size_t count);

/* --- Printing ------------------------------------------------------------------------------------------- */

/* Prints scion_error() as "scion: MESSAGE" to standard error, and returns `status`. */
int scion_cli_failed(int status);

/* Prints an error in the usage, and a reference to the command's --help. Returns SCION_BAD_INPUT. */
int scion_cli_usage(const char *command, const char *format, ...) SCION_PRINTF(2, 3);

/*
 * Flushes standard output. Returns `status`, or SCION_FAILED if output was lost, as on a full disk or a
 * closed pipe.
 */
int scion_cli_printed(int status);

/* Prints the help of a command, or of all commands if it is NULL, at most 79 columns wide. */
void scion_cli_help(const struct scion_command *command, FILE *file);

/* A description of `scion`, and the environment variables that it uses. */
extern const char scion_cli_about[];
extern const struct scion_cli_variable {
        const char *name; /* NULL ends the table */
        const char *meaning;
} scion_cli_variables[];

/* The description of the exit status for commands without their own. */
extern const char scion_cli_status[];

/*
 * Limits how long waiting OpenMP threads spin. Call it before anything is printed or written, for runs with
 * at most `threads` threads of the given files.
 *
 * Threads of the OpenMP run-time spin for about 10 ms before they sleep. On a busy machine they thus take the
 * processor from the thread that they wait for, and a step can take ten times as long. The run-time reads the
 * setting (GOMP_SPINCOUNT) when it is loaded, so this function sets it and executes the program again, unless
 * the environment sets it already or a file cannot be read twice. Otherwise, and on failure, it returns. More
 * threads than processors are reported on standard error.
 */
void scion_cli_limit_spinning(int64_t threads, char *const *files, size_t count);
void scion_cli_save_arguments(char **argv); /* the argv of main(), for executing the program again */

#endif
