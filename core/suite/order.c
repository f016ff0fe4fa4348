#include "suite/order.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AHEAD 4096 /* how many runs are searched for one that need not wait */

bool scion_order_start(struct scion_order *order, const struct scion_plan *plan, const bool *done)
{
        *order = (struct scion_order){
                .plan = plan,
                .waiting = calloc(plan->count + 1, sizeof *order->waiting),
                .ready = calloc(plan->count + 1, sizeof *order->ready),
                .users = calloc(plan->count + 1, sizeof *order->users),
        };
        if (!order->waiting || !order->ready || !order->users)
                return scion_fail("out of memory");
        for (size_t i = 0; i < plan->count; i++)
                order->waiting[i] = !done[i];
        return true;
}

void scion_order_finish(struct scion_order *order)
{
        free(order->waiting);
        free(order->ready);
        free(order->users);
        *order = (struct scion_order){ 0 };
}

static bool run_would_wait(const struct scion_order *order, size_t run)
{
        size_t source = order->plan->planned[run].source;

        return source != SCION_PLAN_NO_SOURCE && !order->ready[source] && order->users[source] > 0;
}

static size_t order_choose(const struct scion_order *order)
{
        size_t looked = 0;

        for (size_t i = order->first; i < order->plan->count && looked < LOOK_AHEAD; i++) {
                if (!order->waiting[i])
                        continue;
                if (!run_would_wait(order, i))
                        return i;
                looked++;
        }
        return order
                /* all runs would wait: start the first, which continues as soon as the source is trained */
                ->first;
}

size_t scion_order_next(struct scion_order *order)
{
        while (order->first < order->plan->count && !order->waiting[order->first])
                order->first++;
        size_t run = order_choose(order);

        if (run == order->plan->count)
                return run;
        order->waiting[run] = false;
        if (order->plan->planned[run].source != SCION_PLAN_NO_SOURCE)
                order->users[order->plan->planned[run].source]++;
        return run;
}

void scion_order_progress(struct scion_order *order, size_t run, const struct scion_progress *progress)
{
        size_t source = order->plan->planned[run].source;
        bool training = progress->phase == SCION_AT_STEP || progress->phase == SCION_AT_EPOCH;

        if (source != SCION_PLAN_NO_SOURCE && training && strcmp(progress->stage, "source") != 0)
                order->ready[source] = true;
}

void scion_order_ended(struct scion_order *order, size_t run, bool good)
{
        size_t source = order->plan->planned[run].source;

        if (source == SCION_PLAN_NO_SOURCE)
                return;
        order->users[source]--;
        order->ready[source] = order->ready[source] || good;
}
