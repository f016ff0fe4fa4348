/* scion modules: lists the modules of an experiment's models. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "nn/model.h"
#include "process/process.h"
#include "run/run.h"
#include "suite/plan.h"
#include "table/columns.h"

static int64_t module_count_parameters(const struct scion_module *module)
{
        const struct scion_module *below;
        int64_t count = 0;

        for (int i = 0; i < module->declared; i++)
                if (!module->parameter[i].buffer)
                        count += scion_shape_size(&module->parameter[i].shape);
        for (size_t i = 0; (below = scion_module_below(module, i)); i++)
                count += module_count_parameters(below);
        return count;
}

static void columns_add_module(struct scion_columns *columns, const struct scion_module *module)
{
        const char *path = scion_module_path(module);
        int64_t count = module_count_parameters(module);
        char shape[96], number[32];

        snprintf(number, sizeof number, "%lld", (long long)count);
        scion_columns_add(columns, *path ? path : "''");
        scion_columns_add(columns, scion_module_kind(module));
        scion_columns_add(columns, module->output_shape.ndim < 0
                                           ? "-"
                                           : scion_shape_text(&module->output_shape, shape, sizeof shape));
        scion_columns_add(columns, number);
}

static bool model_write_table(struct scion_model *model, FILE *file)
{
        static const char *const head[] = { "path", "kind", "output", "parameters" };
        struct scion_columns columns = { .per_row = sizeof head / sizeof *head, .numbers_from = 3 };
        struct scion_shape input = scion_model_input_shape(model);
        char shape[96];
        bool good;

        fprintf(file, "%s, inputs %s, head %s\n\n", model->instance->plugin->name,
                scion_shape_text(&input, shape, sizeof shape),
                *scion_model_head(model) ? scion_model_head(model) : "''");
        for (size_t i = 0; i < columns.per_row; i++)
                scion_columns_add(&columns, head[i]);
        for (int i = 0; i < scion_model_module_count(model); i++)
                columns_add_module(&columns, scion_model_module_at(model, i));
        good = scion_columns_print(&columns, 2, file);
        scion_columns_finish(&columns);
        return good;
}

/* Returns the table of a model's modules as text, which the caller frees. */
static char *model_table_text(struct scion_model *model)
{
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);

        if (!file)
                return scion_fail_null("out of memory");
        bool good = model_write_table(model, file), whole = !ferror(file);

        if (fclose(file) == 0 && whole && good)
                return text;
        free(text);
        return good ? scion_fail_null("out of memory") : NULL;
}

/* Prints one table if the two models are the same. */
static bool models_print(struct scion_model *source, struct scion_model *target)
{
        char *first = source ? model_table_text(source) : NULL, *second = model_table_text(target);
        bool good = second && (first || !source);

        if (good && first && strcmp(first, second) == 0)
                printf("source and target: %s", second);
        else if (good)
                printf("%s%s%starget: %s", first ? "source: " : "", first ? first : "", first ? "\n" : "",
                       second);
        free(first);
        free(second);
        return good;
}

static int file_list(const char *path, const struct scion_cli *cli)
{
        int status = SCION_BAD_INPUT;
        struct scion_plan plan;

        if (!scion_plan_make(path, cli->set, cli->sets, cli->forced, &plan))
                return scion_cli_failed(status);
        struct scion_config *config = scion_planned_config(&plan.planned[0]);
        struct scion_run *run = config ? scion_run_open(config) : NULL;

        if (run)
                status = models_print(scion_run_source(run), scion_run_target(run)) ? SCION_GOOD
                                                                                    : SCION_FAILED;
        if (status != SCION_GOOD)
                scion_cli_failed(status);
        scion_run_destroy(run);
        scion_config_destroy(config);
        scion_plan_finish(&plan);
        return status;
}

static int modules_main(int argc, char **argv)
{
        struct scion_cli cli;
        int status = SCION_FAILED;
        bool going = scion_cli_begin(&cli, &scion_command_modules, argc, argv) &&
                     scion_cli_next(&cli, &status) == 0;

        if (going && cli.argc == 0)
                status = scion_cli_usage("modules", "no file");
        else if (going && cli.argc > 1)
                status = scion_cli_usage("modules", "'%s' is one file too many", cli.argv[1]);
        else if (going)
                status = file_list(cli.argv[0], &cli);
        scion_cli_finish(&cli);
        return scion_cli_printed(status);
}

static const struct scion_cli_option table[] = {
        SCION_CLI_SET, SCION_CLI_FORCE, SCION_CLI_PLUGIN_PATH, SCION_CLI_HELP, SCION_CLI_END,
};

const struct scion_command scion_command_modules = {
        .name = "modules",
        .summary = "list the modules of an experiment's models",
        .arguments = "FILE",
        .takes = { SCION_CLI_YAML, { 0 } },
        .text = "Lists the modules of the source and target models of an experiment file, as a strategy gets "
                "them: what it can tap, graft onto, or freeze. There is one table if both models are the "
                "same. For a suite, the models of the first run are listed. Nothing is run or written.\n"
                "\n"
                "Patterns and names of parameters begin with the path; '' is the whole model. The output "
                "shape is for one example. The number of parameters includes all submodules.\n",
        .options = table,
        .examples = "  scion modules experiments/quickstart.yaml\n"
                    "  scion modules experiments/quickstart.yaml --set source.model=resnet\n",
        .run = modules_main,
};
