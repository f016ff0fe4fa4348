#include "report/curves.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define MAX_EPOCHS 1000000

char *scion_run_file(const struct scion_results *results, size_t run, const char *name)
{
        const char *id = results->run[run].id;
        struct scion_text path = { 0 };

        if (!*id || strchr(id, '/') || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
                return scion_fail_null("run '%s' is not a valid name of a folder", id);
        scion_text_add(&path, "%s/%s/%s", results->file[results->run[run].file].folder, id, name);
        if (path.failed) {
                free(path.text);
                return scion_fail_null("out of memory");
        }
        return path.text;
}

static bool curve_add_value(struct scion_curve *curve, size_t epoch, double value)
{
        if (epoch >= curve->epochs) {
                size_t epochs = 2 * epoch + 32;
                struct scion_spread *larger = realloc(curve->epoch, epochs * sizeof *larger);

                if (!larger)
                        return scion_fail("out of memory");
                memset(larger + curve->epochs, 0, (epochs - curve->epochs) * sizeof *larger);
                curve->epoch = larger;
                curve->epochs = epochs;
        }
        scion_spread_add(&curve->epoch[epoch], value);
        return true;
}

/* Ignores empty fields and values that are not finite. */
static bool curve_add_field(struct scion_curve *curve, const struct scion_csv_table *table, size_t row,
                            int column, size_t epoch)
{
        const char *text = column < 0 ? "" : scion_csv_field(table, row, (size_t)column);
        char *end;
        double value = strtod(text, &end);

        return end == text || *end || !isfinite(value) || curve_add_value(curve, epoch, value);
}

static bool curves_add_table(struct scion_curves *curves, const struct scion_csv_table *table)
{
        const struct {
                const char *name;
                struct scion_curve *curve;
        } columns[] = {
                { "train_accuracy", &curves->accuracy[0] }, { "valid_accuracy", &curves->accuracy[1] },
                { "train_mse", &curves->mse[0] },           { "valid_mse", &curves->mse[1] },
                { "train_loss", &curves->loss[0] },         { "valid_loss", &curves->loss[1] },
        };
        int stage = scion_csv_column(table, "stage");
        size_t epoch = 0;

        for (size_t row = 0; row < table->rows && epoch < MAX_EPOCHS; row++) {
                if (stage >= 0 && strcmp(scion_csv_field(table, row, (size_t)stage), "source") == 0)
                        continue;
                for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
                        if (!curve_add_field(columns[i].curve, table, row,
                                             scion_csv_column(table, columns[i].name), epoch))
                                return false;
                epoch++;
        }
        curves->runs++;
        return true;
}

bool scion_curves_add(struct scion_curves *curves, const struct scion_results *results, size_t run)
{
        char *path = scion_run_file(results, run, "metrics.csv");
        struct scion_csv_table table;
        bool cut, good = path && scion_csv_read_complete_rows(path, &table, &cut);

        if (good) {
                good = curves_add_table(curves, &table);
                scion_csv_table_finish(&table);
        }
        free(path);
        return good;
}

void scion_curves_finish(struct scion_curves *curves)
{
        for (int i = 0; i < 2; i++) {
                free(curves->accuracy[i].epoch);
                free(curves->mse[i].epoch);
                free(curves->loss[i].epoch);
        }
        *curves = (struct scion_curves){ 0 };
}
