/*
 * Estimates of the remaining time: of a run, from the epochs it has finished; of a suite, from its finished
 * runs. An estimate is NaN until there is data for it: at least one finished epoch of the run, or another
 * finished run of the same strategy. Times are those of scion_clock(), in seconds.
 */
#ifndef SCION_SUITE_FORECAST_H
#define SCION_SUITE_FORECAST_H

#include "base/name_map.h"
#include "suite/plan.h"
#include "train/observer.h"

/*
 * One of the places in which runs execute, one after another, with the progress of its current run. Starts as
 * { 0 }.
 */
struct scion_slot {
        bool busy;
        size_t run; /* index in the plan */
        double began;
        struct scion_progress last; /* the latest progress; last.stage points to `stage` */
        char stage[40];             /* "" before the first progress of a stage */
        bool has_progress;
        bool resumed; /* the run was resumed from a checkpoint */
        /*
         * The epochs of the stage that ended in this process: their number, the first and the latest of them,
         * and the stage's seconds at the end of each.
         */
        int64_t ended;
        int64_t first_epoch, latest_epoch, epochs;
        double first_seconds, latest_seconds;
        double latest_at;
};

/* Resets the slot for a run that starts at the time `now`. */
void scion_slot_start(struct scion_slot *slot, size_t run, double now);
/* Records progress of the run. */
void scion_slot_update(struct scion_slot *slot, const struct scion_progress *progress, double now);

/*
 * Returns the seconds that are left of the current stage. The first epoch includes warming up, and is used
 * only while there is no other.
 */
double scion_slot_stage_left(const struct scion_slot *slot, double now);

/* The counts and times of the runs of one strategy. */
struct scion_strategy_times {
        size_t waiting, finished;
        double seconds; /* sum over the finished runs */
};

/* The counts and times of all strategies of a plan. */
struct scion_forecast {
        const struct scion_plan *plan;
        struct scion_name_map strategies;
        struct scion_strategy_times *times;
        size_t strategy_count;
        size_t waiting;
};

/*
 * `done` marks the runs of the plan that will not start. Call scion_forecast_finish() also after a failure.
 */
bool scion_forecast_start(struct scion_forecast *forecast, const struct scion_plan *plan, const bool *done);
void scion_forecast_finish(struct scion_forecast *forecast);

/* The run is no longer waiting. */
void scion_forecast_started(struct scion_forecast *forecast, size_t run);
/* The run has finished after `seconds`, including the time before interruptions. */
void scion_forecast_finished(struct scion_forecast *forecast, size_t run, double seconds);

/*
 * Returns the seconds that are left of a run. Sets *more when they are known for the current stage only, and
 * other stages follow.
 */
double scion_forecast_run_left(const struct scion_forecast *forecast, const struct scion_slot *slot,
                               double now, bool *more);

/* Returns the seconds that are left of the suite, with `slots` runs at a time. */
double scion_forecast_suite_left(const struct scion_forecast *forecast, const struct scion_slot *slot,
                                 int slots, double now);

/*
 * Formats seconds as "0:07", "12:34", "3:02:01" or "2 d 03 h"; "-" for NaN. Returns `text`, of at least 32
 * bytes.
 */
const char *scion_time_text(double seconds, char *text);

#endif
