#include "suite/forecast.h"

#include <math.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- A run ---------------------------------------------------------------------------------------------- */

void scion_slot_start(struct scion_slot *slot, size_t run, double now)
{
        *slot = (struct scion_slot){ .busy = true, .run = run, .began = now };
}

static void slot_begin_stage(struct scion_slot *slot, const char *stage)
{
        if (strncmp(slot->stage, stage, sizeof slot->stage - 1) == 0)
                return;
        snprintf(slot->stage, sizeof slot->stage, "%s", stage);
        slot->ended = 0;
}

void scion_slot_update(struct scion_slot *slot, const struct scion_progress *progress, double now)
{
        if (progress->stage && *progress->stage)
                slot_begin_stage(slot, progress->stage);
        slot->last = *progress;
        slot->last.stage = slot->stage;
        slot->has_progress = true;
        slot->resumed = slot->resumed || progress->epochs_before > 0;
        if (progress->phase != SCION_AT_EPOCH)
                return;
        if (slot->ended++ == 0) {
                slot->first_epoch = progress->epoch;
                slot->first_seconds = progress->seconds;
        }
        slot->epochs = progress->epochs;
        slot->latest_epoch = progress->epoch;
        slot->latest_seconds = progress->seconds;
        slot->latest_at = now;
}

double scion_slot_stage_left(const struct scion_slot *slot, double now)
{
        int64_t since = slot->latest_epoch - slot->first_epoch;
        int64_t here = slot->latest_epoch - slot->last.epochs_before;

        if (slot->ended == 0)
                return NAN;
        if (slot->latest_epoch >= slot->epochs || slot->last.phase == SCION_AT_TEST)
                return 0;
        double epoch = since > 0 ? (slot->latest_seconds - slot->first_seconds) / (double)since
                                 : slot->latest_seconds / (double)(here > 0 ? here : 1);
        double left = epoch * (double)(slot->epochs - slot->latest_epoch);

        /*
         * An epoch that takes longer than expected delays the end, and leaves the estimate of those after it
         * unchanged.
         */
        return fmax(left - (now - slot->latest_at), left - epoch);
}

/* --- A suite -------------------------------------------------------------------------------------------- */

bool scion_forecast_start(struct scion_forecast *forecast, const struct scion_plan *plan, const bool *done)
{
        *forecast = (struct scion_forecast){ .plan = plan };
        for (size_t i = 0; i < plan->count; i++) {
                const char *strategy = plan->planned[i].strategy;

                if (scion_name_map_find(&forecast->strategies, strategy) == SCION_NAME_NONE &&
                    !scion_name_map_add(&forecast->strategies, strategy, forecast->strategy_count++))
                        return scion_fail("out of memory");
        }
        forecast->times = calloc(forecast->strategy_count, sizeof *forecast->times);
        if (!forecast->times)
                return scion_fail("out of memory");
        for (size_t i = 0; i < plan->count; i++) {
                if (done[i])
                        continue;
                forecast->times[scion_name_map_find(&forecast->strategies, plan->planned[i].strategy)]
                        .waiting++;
                forecast->waiting++;
        }
        return true;
}

void scion_forecast_finish(struct scion_forecast *forecast)
{
        scion_name_map_finish(&forecast->strategies);
        free(forecast->times);
        *forecast = (struct scion_forecast){ 0 };
}

static struct scion_strategy_times *forecast_strategy(const struct scion_forecast *forecast, size_t run)
{
        return &forecast->times[scion_name_map_find(&forecast->strategies,
                                                    forecast->plan->planned[run].strategy)];
}

void scion_forecast_started(struct scion_forecast *forecast, size_t run)
{
        forecast_strategy(forecast, run)->waiting--;
        forecast->waiting--;
}

void scion_forecast_finished(struct scion_forecast *forecast, size_t run, double seconds)
{
        struct scion_strategy_times *times = forecast_strategy(forecast, run);

        times->finished++;
        times->seconds += seconds;
}

/* Mean seconds of the finished runs of a strategy. */
static double strategy_mean_seconds(const struct scion_strategy_times *times)
{
        return times->finished > 0 ? times->seconds / (double)times->finished : NAN;
}

double scion_forecast_run_left(const struct scion_forecast *forecast, const struct scion_slot *slot,
                               double now, bool *more)
{
        bool last = strcmp(slot->stage, "target") == 0;
        double stage = scion_slot_stage_left(slot, now);
        /* How much a resumed run had done before is not known. */
        double whole = slot->resumed ? NAN
                                     : strategy_mean_seconds(forecast_strategy(forecast, slot->run)) -
                                               (now - slot->began);

        *more = false;
        if (last && !isnan(stage))
                return stage;
        if (whole > 0)
                return isnan(stage) ? whole : fmax(whole, stage);
        *more = !last && !isnan(stage);
        return stage;
}

/* Mean expected seconds of the running runs whose end can be estimated. */
static double slots_mean_seconds(const struct scion_forecast *forecast, const struct scion_slot *slot,
                                 int slots, double now)
{
        double seconds = 0;
        size_t count = 0;

        for (int i = 0; i < slots; i++) {
                bool more;
                double left = slot[i].busy && !slot[i].resumed
                                      ? scion_forecast_run_left(forecast, &slot[i], now, &more)
                                      : NAN;

                if (isnan(left) || more)
                        continue;
                seconds += left + now - slot[i].began;
                count++;
        }
        return count > 0 ? seconds / (double)count : NAN;
}

/* Mean seconds of a run over all strategies. */
static double forecast_mean_seconds(const struct scion_forecast *forecast, const struct scion_slot *slot,
                                    int slots, double now)
{
        double seconds = 0;
        size_t count = 0;

        for (size_t i = 0; i < forecast->strategy_count; i++) {
                seconds += forecast->times[i].seconds;
                count += forecast->times[i].finished;
        }
        return count > 0 ? seconds / (double)count : slots_mean_seconds(forecast, slot, slots, now);
}

/* Seconds left of a running run; estimated from `mean` if there is nothing better. */
static double slot_left(const struct scion_forecast *forecast, const struct scion_slot *slot, double now,
                        double mean)
{
        bool more;
        double left = scion_forecast_run_left(forecast, slot, now, &more);

        if (!isnan(left) && !more)
                return left;
        return isnan(mean) ? NAN : fmax(fmax(left, mean - (now - slot->began)), 0);
}

/*
 * The remaining slot is divided evenly among the slots, but a run cannot be split: the suite takes at least
 * as long as the longest running run, and as a waiting run that starts after the shortest one.
 */
double scion_forecast_suite_left(const struct scion_forecast *forecast, const struct scion_slot *slot,
                                 int slots, double now)
{
        double mean = forecast_mean_seconds(forecast, slot, slots, now);
        double sum = 0, longest = 0, shortest = INFINITY, waits = 0;

        for (int i = 0; i < slots; i++) {
                double left = slot[i].busy ? slot_left(forecast, &slot[i], now, mean) : 0;

                sum += left;
                longest = fmax(longest, left);
                shortest = fmin(shortest, left);
        }
        for (size_t i = 0; i < forecast->strategy_count; i++) {
                const struct scion_strategy_times *times = &forecast->times[i];
                double one = times->finished > 0 ? strategy_mean_seconds(times) : mean;

                if (times->waiting == 0)
                        continue;
                sum += one * (double)times->waiting;
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
