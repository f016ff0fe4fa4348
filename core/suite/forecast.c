#include "suite/forecast.h"

#include <math.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- A run ---------------------------------------------------------------------------------------------- */

void scion_work_start(struct scion_work *work, size_t run, double now)
{
        *work = (struct scion_work){ .busy = true, .run = run, .began = now };
}

static void begin_stage(struct scion_work *work, const char *stage)
{
        if (strncmp(work->stage, stage, sizeof work->stage - 1) == 0)
                return;
        snprintf(work->stage, sizeof work->stage, "%s", stage);
        work->ended = 0;
}

void scion_work_told(struct scion_work *work, const struct scion_progress *progress, double now)
{
        if (progress->stage && *progress->stage)
                begin_stage(work, progress->stage);
        work->last = *progress;
        work->last.stage = work->stage;
        work->told = true;
        work->resumed = work->resumed || progress->epochs_before > 0;
        if (progress->phase != SCION_AT_EPOCH)
                return;
        if (work->ended++ == 0) {
                work->first_epoch = progress->epoch;
                work->first_seconds = progress->seconds;
        }
        work->epochs = progress->epochs;
        work->latest_epoch = progress->epoch;
        work->latest_seconds = progress->seconds;
        work->latest_at = now;
}

double scion_work_stage_left(const struct scion_work *work, double now)
{
        int64_t since = work->latest_epoch - work->first_epoch;
        int64_t here = work->latest_epoch - work->last.epochs_before;

        if (work->ended == 0)
                return NAN;
        if (work->latest_epoch >= work->epochs || work->last.phase == SCION_AT_TEST)
                return 0;
        double epoch = since > 0 ? (work->latest_seconds - work->first_seconds) / (double)since
                                 : work->latest_seconds / (double)(here > 0 ? here : 1);
        double left = epoch * (double)(work->epochs - work->latest_epoch);

        /* The epoch at hand takes longer when it does: those after it are as far away as before. */
        return fmax(left - (now - work->latest_at), left - epoch);
}

/* --- A suite -------------------------------------------------------------------------------------------- */

bool scion_forecast_start(struct scion_forecast *forecast, const struct scion_plan *plan, const bool *done)
{
        *forecast = (struct scion_forecast){ .plan = plan };
        for (size_t i = 0; i < plan->count; i++) {
                const char *strategy = plan->planned[i].strategy;

                if (scion_name_map_find(&forecast->strategies, strategy) == SCION_NAME_NONE &&
                    !scion_name_map_add(&forecast->strategies, strategy, forecast->kinds++))
                        return scion_fail("out of memory");
        }
        forecast->kind = calloc(forecast->kinds, sizeof *forecast->kind);
        if (!forecast->kind)
                return scion_fail("out of memory");
        for (size_t i = 0; i < plan->count; i++) {
                if (done[i])
                        continue;
                forecast->kind[scion_name_map_find(&forecast->strategies, plan->planned[i].strategy)]
                        .waiting++;
                forecast->waiting++;
        }
        return true;
}

void scion_forecast_finish(struct scion_forecast *forecast)
{
        scion_name_map_finish(&forecast->strategies);
        free(forecast->kind);
        *forecast = (struct scion_forecast){ 0 };
}

static struct scion_pace *kind_of(const struct scion_forecast *forecast, size_t run)
{
        return &forecast->kind[scion_name_map_find(&forecast->strategies,
                                                   forecast->plan->planned[run].strategy)];
}

void scion_forecast_started(struct scion_forecast *forecast, size_t run)
{
        kind_of(forecast, run)->waiting--;
        forecast->waiting--;
}

void scion_forecast_finished(struct scion_forecast *forecast, size_t run, double seconds)
{
        struct scion_pace *kind = kind_of(forecast, run);

        kind->finished++;
        kind->seconds += seconds;
}

/* Mean seconds of finished runs of a strategy. */
static double mean_of(const struct scion_pace *kind)
{
        return kind->finished > 0 ? kind->seconds / (double)kind->finished : NAN;
}

double scion_forecast_run(const struct scion_forecast *forecast, const struct scion_work *work, double now,
                          bool *more)
{
        bool last = strcmp(work->stage, "target") == 0;
        double stage = scion_work_stage_left(work, now);
        /* Of one that was resumed it is not known how much it had done. */
        double whole = work->resumed ? NAN : mean_of(kind_of(forecast, work->run)) - (now - work->began);

        *more = false;
        if (last && !isnan(stage))
                return stage;
        if (whole > 0)
                return isnan(stage) ? whole : fmax(whole, stage);
        *more = !last && !isnan(stage);
        return stage;
}

/* Of those at work that can be foreseen to their end. */
static double mean_at_work(const struct scion_forecast *forecast, const struct scion_work *work, int slots,
                           double now)
{
        double seconds = 0;
        size_t count = 0;

        for (int i = 0; i < slots; i++) {
                bool more;
                double left = work[i].busy && !work[i].resumed
                                      ? scion_forecast_run(forecast, &work[i], now, &more)
                                      : NAN;

                if (isnan(left) || more)
                        continue;
                seconds += left + now - work[i].began;
                count++;
        }
        return count > 0 ? seconds / (double)count : NAN;
}

/* Mean seconds of a run, whatever its strategy is. */
static double mean_of_all(const struct scion_forecast *forecast, const struct scion_work *work, int slots,
                          double now)
{
        double seconds = 0;
        size_t count = 0;

        for (size_t i = 0; i < forecast->kinds; i++) {
                seconds += forecast->kind[i].seconds;
                count += forecast->kind[i].finished;
        }
        return count > 0 ? seconds / (double)count : mean_at_work(forecast, work, slots, now);
}

/* Of one at work; by the mean of all when that is all there is to go by. */
static double left_of(const struct scion_forecast *forecast, const struct scion_work *work, double now,
                      double mean)
{
        bool more;
        double left = scion_forecast_run(forecast, work, now, &more);

        if (!isnan(left) && !more)
                return left;
        return isnan(mean) ? NAN : fmax(fmax(left, mean - (now - work->began)), 0);
}

/*
 * The places share what is left evenly, but no run is shared between two: it takes at least as long as the longest
 * at hand, and as one that waits after the shortest at hand.
 */
double scion_forecast_all(const struct scion_forecast *forecast, const struct scion_work *work, int slots,
                          double now)
{
        double mean = mean_of_all(forecast, work, slots, now);
        double sum = 0, longest = 0, shortest = INFINITY, waits = 0;

        for (int i = 0; i < slots; i++) {
                double left = work[i].busy ? left_of(forecast, &work[i], now, mean) : 0;

                sum += left;
                longest = fmax(longest, left);
                shortest = fmin(shortest, left);
        }
        for (size_t i = 0; i < forecast->kinds; i++) {
                const struct scion_pace *kind = &forecast->kind[i];
                double one = kind->finished > 0 ? mean_of(kind) : mean;

                if (kind->waiting == 0)
                        continue;
                sum += one * (double)kind->waiting;
                waits = fmax(waits, one);
        }
        if (isnan(sum))
                return NAN;
        return fmax(fmax(sum / slots, longest), waits > 0 ? shortest + waits : 0);
}

const char *scion_time_text(double seconds, char *text)
{
        long long whole = seconds >= 0 && seconds < 1e9 ? (long long)ceil(seconds) : -1;

        if (whole < 0)
                snprintf(text, 32, "-");
        else if (whole < 3600)
                snprintf(text, 32, "%lld:%02lld", whole / 60, whole % 60);
        else if (whole < 86400)
                snprintf(text, 32, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
        else
                snprintf(text, 32, "%lld d %02lld h", whole / 86400, whole / 3600 % 24);
        return text;
}
