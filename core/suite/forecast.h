/*
 * How long it will take: a run, from the epochs that it went through; a suite, from the runs that have finished.
 * What is not known is NaN: nothing is said of a run before one of its epochs, or another run of its strategy, is
 * over. Times are those of scion_clock().
 */
#ifndef SCION_SUITE_FORECAST_H
#define SCION_SUITE_FORECAST_H

#include "base/name_map.h"
#include "suite/plan.h"
#include "train/observer.h"

/* One place where runs run, one after another. Starts as { 0 }. */
struct scion_work {
        bool busy;
        size_t run; /* of the plan */
        double began;
        struct scion_progress last; /* what it told last; its stage is `stage` */
        char stage[40];             /* "" before it has told of one */
        bool told;
        bool resumed; /* an earlier process did a part of it */
        /* Of the stage's epochs that ended here: the first and the latest, and the stage's seconds then. */
        int64_t ended;
        int64_t first_epoch, latest_epoch, epochs;
        double first_seconds, latest_seconds;
        double latest_at;
};

void scion_work_start(struct scion_work *work, size_t run, double now);
void scion_work_told(struct scion_work *work, const struct scion_progress *progress, double now);

/* Seconds that are left of its stage. The first epoch, which warms up, counts only while there is no other. */
double scion_work_stage_left(const struct scion_work *work, double now);

/* Runs of one strategy. */
struct scion_pace {
        size_t waiting, finished;
        double seconds; /* of those that have finished */
};

struct scion_forecast {
        const struct scion_plan *plan;
        struct scion_name_map strategies;
        struct scion_pace *kind;
        size_t kinds;
        size_t waiting;
};

/* `done`: runs that are not to start. scion_forecast_finish() ends it, also after a failure. */
bool scion_forecast_start(struct scion_forecast *forecast, const struct scion_plan *plan, const bool *done);
void scion_forecast_finish(struct scion_forecast *forecast);

/* A run does not wait any more. */
void scion_forecast_started(struct scion_forecast *forecast, size_t run);
/* A run took so long, all its parts together. */
void scion_forecast_finished(struct scion_forecast *forecast, size_t run, double seconds);

/* Seconds that are left of a run. `more`: it is known of this stage alone, and there are others after it. */
double scion_forecast_run(const struct scion_forecast *forecast, const struct scion_work *work, double now,
                          bool *more);

/* Seconds that are left of all, when `slots` run at a time. */
double scion_forecast_all(const struct scion_forecast *forecast, const struct scion_work *work, int slots,
                          double now);

/* As "0:07", "12:34", "3:02:01", "2 d 03 h"; "-" when not known. Returns `text`, of at least 32 bytes. */
const char *scion_time_text(double seconds, char *text);

#endif
