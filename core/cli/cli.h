/*
 * The commands. Each gets its own name as argv[0] and returns the exit status: 0 all good, 1 something failed
 * while running, 2 the input or the usage was wrong.
 */
#ifndef SCION_CLI_CLI_H
#define SCION_CLI_CLI_H

#include <getopt.h>
#include <scion/api.h>

int scion_command_bench(int argc, char **argv);
int scion_command_cache(int argc, char **argv);
int scion_command_check(int argc, char **argv);
int scion_command_compare(int argc, char **argv);
int scion_command_modules(int argc, char **argv);
int scion_command_plugins(int argc, char **argv);
int scion_command_run(int argc, char **argv);

/* --- What they share
 * ------------------------------------------------------------------------------------------- */

/* The options of the commands that plan what a file asks for: --set, --force, --plugin-path, --help. Put first into
 * a command's own list. */
#define SCION_CLI_SHORT ":s:fP:h"
#define SCION_CLI_LONG                                                                \
        { "set", required_argument, NULL, 's' }, { "force", no_argument, NULL, 'f' }, \
                { "plugin-path", required_argument, NULL, 'P' },                      \
        {                                                                             \
                "help", no_argument, NULL, 'h'                                        \
        }

struct scion_cli {
        const char *command;
        const char *help;
        const char **set; /* the values of --set; free() it */
        size_t sets;
        bool forced; /* by --force: a file may ask for any number of runs */
};

/* Before the first option. `set` is made for as many as argc. False when memory is out. */
bool scion_cli_begin(struct scion_cli *cli, const char *command, const char *help, int argc);

/*
 * Takes what getopt_long() returned when it is none of the command's own: an option that is in the command's list
 * and in SCION_CLI_LONG, or what is wrong. True when the command goes on; otherwise `status` is set to what it
 * returns: after --help, or after a message on a wrong option.
 */
bool scion_cli_option(struct scion_cli *cli, int option, char **argv, int *status);

/* --cache DIR: this process and those that it starts keep things there; "" keeps none. */
bool scion_cli_cache(const char *folder, int *status);

/* Prints the message there is, "scion: ...", and returns `status`. */
int scion_cli_failed(int status);

/* Prints what is wrong with the usage, and where to look. Returns 2. */
int scion_cli_usage(const char *command, const char *format, ...) SCION_PRINTF(2, 3);

/* What was printed is lost on a full disk or a closed pipe: that is a failure. Returns `status`, or 1. */
int scion_cli_printed(int status);

#endif
