/* The list of commands. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

const struct scion_command *const scion_commands[] = {
        &scion_command_run,    &scion_command_check,      &scion_command_compare, &scion_command_cache,
        &scion_command_bench,  &scion_command_modules,    &scion_command_plugins, &scion_command_new,
        &scion_command_schema, &scion_command_completion, &scion_command_man,     NULL,
};

const struct scion_command *scion_command_find(const char *name)
{
        const char *names[sizeof scion_commands / sizeof *scion_commands];
        size_t count = 0;

        for (size_t i = 0; scion_commands[i]; i++) {
                if (strcmp(name, scion_commands[i]->name) == 0)
                        return scion_commands[i];
                if (!scion_commands[i]->hidden)
                        names[count++] = scion_commands[i]->name;
        }
        struct scion_text suggestion = { 0 };

        scion_cli_suggest(&suggestion, name, "", names, count);
        scion_fail("no command '%s'%s; `scion --help` lists them", name,
                   suggestion.text ? suggestion.text : "");
        free(suggestion.text);
        return NULL;
}
