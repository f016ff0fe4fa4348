/* The conformance tests of strategies: a short run is checked step by step, repeated, and interrupted. */
#include <math.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "conform/look.h"
#include "file/files.h"
#include "state/safetensors.h"

/* --- Setup, and a whole run ----------------------------------------------------------------------------- */

static bool trial_check_setup(struct scion_conform *conform, struct scion_trial *trial)
{
        const struct scion_trial_run how = { .name = "run", .prepare = true };
        struct scion_row results = { 0 };
        bool good = scion_trial_run(trial, &how, &results) == SCION_TRIAL_GOOD;
        const char *refusal = scion_row_get(&results, SCION_TRIAL_REFUSAL);

        if (!good)
                scion_conform_wrong(conform, "%s (the trial: %s)", scion_error(), scion_trial_task(trial));
        else if (refusal)
                scion_conform_note(
                        conform,
                        "only for a target of as many classes as the source; with others: %s\nWhere that "
                        "is so whatever the parameters, .needs has SCION_NEEDS_SAME_CLASSES",
                        refusal);
        scion_row_finish(&results);
        return good;
}

/* Runs a test in a folder of its own. */
static void trial_with(struct scion_conform *conform,
                       bool (*test)(struct scion_conform *conform, struct scion_trial *trial))
{
        struct scion_trial trial;

        if (scion_trial_begin(&trial, conform))
                test(conform, &trial);
        else
                scion_conform_trouble(conform);
}

static void strategy_is_set_up(struct scion_conform *conform)
{
        trial_with(conform, trial_check_setup);
}

static bool scores_check(struct scion_conform *conform, const struct scion_trial *trial,
                         const struct scion_row *results)
{
        const char *loss = scion_row_get(results, "test_loss");
        const char *path = scion_trial_path(trial, "run", "metrics.csv");
        struct scion_csv_table table;

        if (!loss || !isfinite(strtod(loss, NULL)))
                return scion_conform_wrong(conform, "after training the loss on the test split is %s",
                                           loss ? loss : "not told");
        if (!scion_csv_read(path, &table))
                return scion_conform_trouble(conform);
        int column = scion_csv_column(&table, "valid_loss");
        bool good = true;

        for (size_t row = 0; good && column >= 0 && row < table.rows; row++) {
                const char *field = scion_csv_field(&table, row, (size_t)column);

                good = *field == '\0' || isfinite(strtod(field, NULL)) ||
                       scion_conform_wrong(conform, "the loss on the validation split is %s", field);
        }
        scion_csv_table_finish(&table);
        return good;
}

static bool trial_check_run(struct scion_conform *conform, struct scion_trial *trial)
{
        struct scion_look gradients = { .step = scion_look_at_gradients };
        const struct scion_trial_run how = { .name = "run", .look = &gradients };
        struct scion_row results = { 0 };
        enum scion_trial_verdict verdict = scion_trial_run(trial, &how, &results);
        bool good = false;

        if (verdict == SCION_TRIAL_GOOD)
                good = scores_check(conform, trial, &results);
        else
                scion_conform_wrong(conform, "%s", scion_error());
        scion_row_finish(&results);
        return good;
}

static void strategy_runs(struct scion_conform *conform)
{
        trial_with(conform, trial_check_run);
}

/* --- Checks in each step --------------------------------------------------------------------- */

/* Runs a trial with a check of its steps. Skips the test when the run fails for another reason, which another test
 * reports. */
static bool trial_look_at(struct scion_conform *conform, struct scion_trial *trial, struct scion_look *look)
{
        const struct scion_trial_run how = { .name = "run", .look = look };
        enum scion_trial_verdict verdict = scion_trial_run(trial, &how, NULL);

        if (verdict == SCION_TRIAL_GOOD)
                return true;
        return verdict == SCION_TRIAL_SEEN ? scion_conform_wrong(conform, "%s", scion_error())
                                           : scion_conform_skip(conform, "no run finishes");
}

static bool trial_check_frozen(struct scion_conform *conform, struct scion_trial *trial)
{
        struct scion_frozen_look frozen;

        return trial_look_at(conform, trial, scion_look_at_frozen(&frozen));
}

static void strategy_keeps_frozen(struct scion_conform *conform)
{
        trial_with(conform, trial_check_frozen);
}

static bool trial_check_source(struct scion_conform *conform, struct scion_trial *trial)
{
        struct scion_look source = { .step = scion_look_at_source };

        return trial_look_at(conform, trial, &source);
}

static void strategy_keeps_source(struct scion_conform *conform)
{
        const unsigned with_source = SCION_NEEDS_SOURCE | SCION_NEEDS_SAME_CLASSES;

        if (conform->descriptor->strategy.needs & with_source)
                trial_with(conform, trial_check_source);
        else
                scion_conform_skip(conform, "it needs no source model");
}

static bool trial_check_log(struct scion_conform *conform, struct scion_trial *trial)
{
        struct scion_log_look log;

        return trial_look_at(conform, trial, scion_look_at_log(&log));
}

static void strategy_logs(struct scion_conform *conform)
{
        trial_with(conform, trial_check_log);
}

static bool trial_check_memory(struct scion_conform *conform, struct scion_trial *trial)
{
        struct scion_memory_look memory;

        return trial_look_at(conform, trial, scion_look_at_memory(&memory));
}

static void strategy_keeps_memory(struct scion_conform *conform)
{
        trial_with(conform, trial_check_memory);
}

/* --- Runs that must be equal ---------------------------------------------------------------------------- */

/* Writes the first cell that differs, except for times, to `difference`. */
static bool tables_compare(const struct scion_csv_table *a, const struct scion_csv_table *b,
                           const char *const *called, char *difference, size_t room)
{
        int stage = scion_csv_column(a, "stage"), epoch = scion_csv_column(a, "epoch");

        if (a->rows != b->rows || a->columns != b->columns || stage < 0 || epoch < 0) {
                snprintf(difference, room, "%s metrics.csv has %zu rows of %zu columns, %s %zu of %zu",
                         called[0], a->rows, a->columns, called[1], b->rows, b->columns);
                return true;
        }
        for (size_t row = 0; row < a->rows; row++)
                for (size_t i = 0; i < a->columns; i++) {
                        const char *one = scion_csv_field(a, row, i), *other = scion_csv_field(b, row, i);

                        if (strcmp(one, other) == 0 || strcmp(a->name[i], "seconds") == 0)
                                continue;
                        snprintf(difference, room, "in epoch %s of '%s' %s is %s %s, and %s %s",
                                 scion_csv_field(a, row, (size_t)epoch),
                                 scion_csv_field(a, row, (size_t)stage), a->name[i], one, called[0], other,
                                 called[1]);
                        return true;
                }
        return true;
}

static bool metrics_compare(const struct scion_trial *trial, const char *const *run,
                            const char *const *called, char *difference, size_t room)
{
        struct scion_csv_table a, b;

        if (!scion_csv_read(scion_trial_path(trial, run[0], "metrics.csv"), &a))
                return false;
        bool good = scion_csv_read(scion_trial_path(trial, run[1], "metrics.csv"), &b);

        if (good) {
                tables_compare(&a, &b, called, difference, room);
                scion_csv_table_finish(&b);
        }
        scion_csv_table_finish(&a);
        return good;
}

/* Writes the first tensor that differs to `difference`. */
static void tensors_compare(const struct scion_safetensors *a, const struct scion_safetensors *b,
                            char *difference, size_t room)
{
        for (size_t i = 0; i < a->count; i++) {
                const struct scion_safetensor *one = &a->tensor[i], *other = &b->tensor[i];
                bool alike = i < b->count && strcmp(one->name, other->name) == 0 &&
                             scion_shape_equal(&one->shape, &other->shape);

                if (alike && memcmp(one->values, other->values,
                                    (size_t)scion_shape_size(&one->shape) * sizeof *one->values) == 0)
                        continue;
                snprintf(difference, room, "the models that come out differ in '%s'", one->name);
                return;
        }
}

static bool models_compare(const struct scion_trial *trial, const char *const *run, char *difference,
                           size_t room)
{
        struct scion_safetensors a, b;

        if (!scion_safetensors_read(scion_trial_path(trial, run[0], "model.safetensors"), &a))
                return false;
        bool good = scion_safetensors_read(scion_trial_path(trial, run[1], "model.safetensors"), &b);

        if (good) {
                tensors_compare(&a, &b, difference, room);
                scion_safetensors_finish(&b);
        }
        scion_safetensors_finish(&a);
        return good;
}

/* Compares the results of two runs. `difference` becomes "" when they are equal. Returns false, with a message, when
 * the files cannot be read. */
static bool runs_compare(const struct scion_trial *trial, const char *other, const char *const *called,
                         char *difference, size_t room)
{
        const char *const run[] = { "run", other };

        *difference = '\0';
        return metrics_compare(trial, run, called, difference, room) &&
               (*difference || models_compare(trial, run, difference, room));
}

/* Runs the trial that other runs are compared with. */
static bool trial_run_first(struct scion_conform *conform, const struct scion_trial *trial)
{
        const struct scion_trial_run how = { .name = "run" };

        return scion_trial_run(trial, &how, NULL) == SCION_TRIAL_GOOD ||
               scion_conform_skip(conform, "no run finishes");
}

static bool trial_check_seed(struct scion_conform *conform, struct scion_trial *trial)
{
        const struct scion_trial_run how = { .name = "again", .perturbed = true };
        static const char *const called[] = { "the first time", "the second time" };
        char difference[512];

        if (!trial_run_first(conform, trial))
                return false;
        if (scion_trial_run(trial, &how, NULL) != SCION_TRIAL_GOOD)
                return scion_conform_wrong(conform, "the same run, repeated, fails: %s", scion_error());
        if (!runs_compare(trial, how.name, called, difference, sizeof difference))
                return scion_conform_trouble(conform);
        return !*difference ||
               scion_conform_wrong(
                       conform,
                       "two runs of one seed differ: %s. Random numbers come from scion_random() with "
                       "scion_transfer_seed(), not from a clock or a generator of one's own; or memory "
                       "is read that nobody has written",
                       difference);
}

static void strategy_keeps_to_seed(struct scion_conform *conform)
{
        trial_with(conform, trial_check_seed);
}

/* --- Interruptions -------------------------------------------------------------------------------------- */

/* Returns the number of epochs of the target in all stages, or -1 with a message. `own` becomes those of the strategy's
 * own stages. */
static int64_t epochs_count(const struct scion_trial *trial, int64_t *own)
{
        struct scion_csv_table table;
        int64_t count = 0;

        if (!scion_csv_read(scion_trial_path(trial, "run", "metrics.csv"), &table))
                return -1;
        int stage = scion_csv_column(&table, "stage");

        *own = 0;
        for (size_t row = 0; stage >= 0 && row < table.rows; row++) {
                const char *name = scion_csv_field(&table, row, (size_t)stage);

                count += strcmp(name, "source") != 0;
                *own += strcmp(name, "source") != 0 && strcmp(name, "target") != 0;
        }
        scion_csv_table_finish(&table);
        return count;
}

/* Resumes the run after `done` epochs and stops it after `end` epochs in all; 0: runs it to the end. */
static bool trial_run_to(struct scion_conform *conform, const struct scion_trial *trial, int64_t done,
                         int64_t end)
{
        const struct scion_trial_run how = { .name = "stopped", .stop = end > 0 ? end - done : 0 };

        return scion_trial_run(trial, &how, NULL) == (end > 0 ? SCION_TRIAL_STOPPED : SCION_TRIAL_GOOD) ||
               scion_conform_wrong(
                       conform, "interrupted after epoch %lld of the target, the run cannot be resumed: %s",
                       (long long)done, scion_error());
}

/* Interrupts the run in the middle of the strategy's own stages, if it has some, and once before the end. */
static bool trial_check_resume(struct scion_conform *conform, struct scion_trial *trial)
{
        static const char *const called[] = { "uninterrupted", "interrupted" };
        int64_t own = 0, done = 0, epochs, last;
        char difference[512];

        if (!trial_run_first(conform, trial))
                return false;
        epochs = epochs_count(trial, &own);
        if (epochs < 0)
                return scion_conform_trouble(conform);
        if (epochs < 2)
                return scion_conform_skip(conform, "the target is not trained");
        last = epochs > 2 ? epochs - 2 : 1;
        if (own > 1 && own / 2 < last) {
                if (!trial_run_to(conform, trial, 0, own / 2))
                        return false;
                done = own / 2;
        }
        if (!trial_run_to(conform, trial, done, last) || !trial_run_to(conform, trial, last, 0))
                return false;
        if (!runs_compare(trial, "stopped", called, difference, sizeof difference))
                return scion_conform_trouble(conform);
        return !*difference ||
               scion_conform_wrong(conform,
                                   "a resumed run gives other results than an uninterrupted one: %s. On "
                                   "resuming, the plugin's struct is as setup() leaves it: what changes "
                                   "during training, such as a running mean or a count, belongs in "
                                   "scion_own_values(), or in the parameters and buffers of a model",
                                   difference);
}

static void strategy_resumes(struct scion_conform *conform)
{
        trial_with(conform, trial_check_resume);
}

const struct scion_conform_test scion_conform_strategy[] = {
        { "it is set up, and has a loss of batches of every size it takes", strategy_is_set_up },
        { "a run finishes, with finite losses and gradients", strategy_runs },
        { "frozen parameters keep their values", strategy_keeps_frozen },
        { "the source model keeps its values", strategy_keeps_source },
        { "each logged scalar is logged once in every step", strategy_logs },
        { "a step of training leaves no memory behind", strategy_keeps_memory },
        { "the same seed gives the same run", strategy_keeps_to_seed },
        { "a resumed run equals an uninterrupted one", strategy_resumes },
        { NULL, NULL },
};
