/* The commands. Each gets its own name as argv[0] and returns the exit status: 0 all good, 1 something failed
 * while running, 2 the input or the usage was wrong. */
#ifndef SCION_CLI_CLI_H
#define SCION_CLI_CLI_H

int scion_command_plugins(int argc, char **argv);

#endif
