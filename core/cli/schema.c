/* scion schema: prints a JSON Schema with which editors complete and check experiment files. */
#include "schema/schema.h"

#include "cli/cli.h"
#include "process/process.h"

static int schema_main(int argc, char **argv)
{
        struct scion_cli cli;
        int status = SCION_FAILED;

        if (scion_cli_begin(&cli, &scion_command_schema, argc, argv) && scion_cli_next(&cli, &status) == 0) {
                if (cli.argc > 0)
                        status = scion_cli_usage("schema", "'%s' is one argument too many", cli.argv[0]);
                else
                        status = scion_schema_write(stdout) ? scion_cli_printed(SCION_GOOD)
                                                            : scion_cli_failed(SCION_FAILED);
        }
        scion_cli_finish(&cli);
        return status;
}

static const struct scion_cli_option table[] = { SCION_CLI_PLUGIN_PATH, SCION_CLI_HELP, SCION_CLI_END };

const struct scion_command scion_command_schema = {
        .name = "schema",
        .summary = "print a JSON Schema of experiment files, for editors",
        .arguments = "",
        .text = "Prints a JSON Schema (draft-07) of experiment files, generated for the plugins that are "
                "found. An editor with yaml-language-server uses it to complete, check and explain keys, "
                "plugins and parameters in files that begin with:\n"
                "\n"
                "  # yaml-language-server: $schema=scion.schema.json\n",
        .options = table,
        .notes = "It checks less than `scion check`: not whether files and labels exist, whether values are "
                 "compatible, or what an extended file or an axis of the matrix adds.\n",
        .examples = "  scion schema > scion.schema.json\n"
                    "  scion schema --plugin-path my-plugins > scion.schema.json\n",
        .run = schema_main,
};
