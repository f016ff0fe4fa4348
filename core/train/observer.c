#include "train/observer.h"

#include <math.h>

void scion_observer_tell(const struct scion_observer *observer, const struct scion_progress *progress)
{
        if (observer)
                observer->progress(observer->context, progress);
}

bool scion_observer_stopping(const struct scion_observer *observer)
{
        return observer && observer->stopping(observer->context);
}

bool scion_observer_step(const struct scion_observer *observer, struct scion_transfer *transfer,
                         int64_t epoch)
{
        return !observer || !observer->step || observer->step(observer->context, transfer, epoch);
}

static void progress_set(struct scion_scores *scores, bool *values, double *loss, double *score)
{
        *loss = *score = NAN;
        if (scores->examples == 0)
                return;
        *values = scores->values;
        *loss = scion_scores_loss(scores);
        *score = scores->values ? -scion_scores_criterion(scores) : scion_scores_criterion(scores);
}

void scion_progress_scores(struct scion_progress *progress, struct scion_scores *train,
                           struct scion_scores *valid)
{
        progress_set(train, &progress->values, &progress->train_loss, &progress->train_score);
        progress_set(valid, &progress->values, &progress->valid_loss, &progress->valid_score);
}
