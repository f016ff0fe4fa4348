/* scion modules: what the models of an experiment are made of. Nothing is run. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "nn/model.h"
#include "report/columns.h"
#include "suite/plan.h"
#include "suite/process.h"
#include "train/run.h"

static const char help[] = "Usage: scion modules [options] FILE\n"
                           "\n"
                           "Lists the modules of the source's and of the target's model in an experiment\n"
                           "file, as a strategy is given them: what it can tap, graft onto, freeze. One\n"
                           "table when they are alike. Of a suite, the models of its first run. Nothing is\n"
                           "run and nothing is written.\n"
                           "\n"
                           "The path is what patterns and parameters' names begin with; '' is the whole.\n"
                           "The output is that of one example. Parameters are the module's and those of all\n"
                           "below it.\n"
                           "\n"
                           "  -s, --set KEY=VALUE    replace a value in the file (may be repeated)\n"
                           "  -f, --force            take a file that asks for more than 100000 runs\n"
                           "  -P, --plugin-path DIR  look for plugins there first (may be repeated)\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "  scion modules experiments/quickstart.yaml\n"
                           "  scion modules experiments/quickstart.yaml --set source.model=resnet\n";

static int64_t count_parameters(const struct scion_module *module)
{
        const struct scion_module *below;
        int64_t count = 0;

        for (int i = 0; i < module->declared; i++)
                if (!module->parameter[i].buffer)
                        count += scion_shape_size(&module->parameter[i].shape);
        for (size_t i = 0; (below = scion_module_below(module, i)); i++)
                count += count_parameters(below);
        return count;
}

static void add_module(struct scion_columns *columns, const struct scion_module *module)
{
        const char *path = scion_module_path(module);
        int64_t count = count_parameters(module);
        char shape[96], number[32];

        snprintf(number, sizeof number, "%lld", (long long)count);
        scion_columns_add(columns, *path ? path : "''");
        scion_columns_add(columns, scion_module_kind(module));
        scion_columns_add(columns, module->makes.ndim < 0
                                           ? "-"
                                           : scion_shape_text(&module->makes, shape, sizeof shape));
        scion_columns_add(columns, number);
}

static bool write_table(struct scion_model *model, FILE *file)
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
                add_module(&columns, scion_model_module_at(model, i));
        good = scion_columns_print(&columns, 2, file);
        scion_columns_finish(&columns);
        return good;
}

/* The caller frees it. */
static char *table_of(struct scion_model *model)
{
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);

        if (!file)
                return scion_fail_null("out of memory");
        bool good = write_table(model, file), whole = !ferror(file);

        if (fclose(file) == 0 && whole && good)
                return text;
        free(text);
        return good ? scion_fail_null("out of memory") : NULL;
}

/* One table when the two models are alike. */
static bool print_models(struct scion_model *source, struct scion_model *target)
{
        char *first = source ? table_of(source) : NULL, *second = table_of(target);
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

static int list(const char *path, const struct scion_cli *cli)
{
        int status = SCION_BAD_INPUT;
        struct scion_plan plan;

        if (!scion_plan_make(path, cli->set, cli->sets, cli->forced, &plan))
                return scion_cli_failed(status);
        struct scion_config *config = scion_planned_config(&plan.planned[0]);
        struct scion_run *run = config ? scion_run_open(config) : NULL;

        if (run)
                status = print_models(scion_run_source(run), scion_run_target(run)) ? SCION_GOOD
                                                                                    : SCION_FAILED;
        if (status != SCION_GOOD)
                scion_cli_failed(status);
        scion_run_destroy(run);
        scion_config_destroy(config);
        scion_plan_finish(&plan);
        return status;
}

int scion_command_modules(int argc, char **argv)
{
        static const struct option longs[] = {
                SCION_CLI_LONG,
                { NULL, 0, NULL, 0 },
        };
        struct scion_cli cli;
        int option, status = SCION_GOOD;
        bool going = scion_cli_begin(&cli, "modules", help, argc);

        if (!going)
                return scion_cli_failed(SCION_FAILED);
        while (going && (option = getopt_long(argc, argv, SCION_CLI_SHORT, longs, NULL)) != -1)
                going = scion_cli_option(&cli, option, argv, &status);
        if (going && optind == argc)
                status = scion_cli_usage("modules", "no file");
        else if (going && optind + 1 < argc)
                status = scion_cli_usage("modules", "'%s' is one file too many", argv[optind + 1]);
        else if (going)
                status = list(argv[optind], &cli);
        free(cli.set);
        return scion_cli_printed(status);
}
