#include "experiment/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/params.h"

struct scion_schedule {
        double (*factor)(const struct scion_schedule *schedule, double epoch, double epochs);
        const struct scion_param *params;
        float warmup; /* common to all */
        float warmup_start;
        int64_t every; /* of step */
        float gamma;
        float floor; /* of cosine */
        float cut;   /* of the slanted triangle */
        float ratio;
        float power; /* of inverse */
};

#define WARMUP                                                                                             \
        SCION_FLOAT(struct scion_schedule, warmup, 0, "epochs of linear warm-up at the start", .min = 0),  \
                SCION_FLOAT(struct scion_schedule, warmup_start, 0, "factor that the warm-up starts from", \
                            .min = 0, .max = 1)

static double constant_factor(const struct scion_schedule *schedule, double epoch, double epochs)
{
        (void)schedule;
        (void)epoch;
        (void)epochs;
        return 1;
}

static const struct scion_param constant_params[] = { WARMUP, SCION_PARAMS_END };

/* gamma^floor(epoch / every); PyTorch's StepLR. */
static double step_factor(const struct scion_schedule *schedule, double epoch, double epochs)
{
        (void)epochs;
        return pow(schedule->gamma, floor(epoch / (double)schedule->every));
}

static const struct scion_param step_params[] = {
        WARMUP,
        SCION_INT(struct scion_schedule, every, 10, "epochs between two drops", .min = 1),
        SCION_FLOAT(struct scion_schedule, gamma, 0.1, "factor of a drop", .min = 0, .above_min = true,
                    .max = 1),
        SCION_PARAMS_END,
};

/* Returns the share of the training after the warm-up that is done. */
static double share_done(const struct scion_schedule *schedule, double epoch, double epochs)
{
        double whole = epochs - (double)schedule->warmup;

        return whole > 0 ? (epoch - (double)schedule->warmup) / whole : 1;
}

/* Half a cosine from 1 down to the floor; arXiv:1608.03983 without restarts. */
static double cosine_factor(const struct scion_schedule *schedule, double epoch, double epochs)
{
        double gone = share_done(schedule, epoch, epochs);

        return (double)schedule->floor +
               (1 - (double)schedule->floor) * (1 + cos(3.14159265358979323846 * gone)) / 2;
}

static const struct scion_param cosine_params[] = {
        WARMUP,
        SCION_FLOAT(struct scion_schedule, floor, 0, "factor at the end", .min = 0, .max = 1),
        SCION_PARAMS_END,
};

/* Up from 1 / ratio to 1 over the share `cut`, then down again; arXiv:1801.06146, whose peak is moved to a whole
 * step there. */
static double slanted_triangular_factor(const struct scion_schedule *schedule, double epoch, double epochs)
{
        double gone = share_done(schedule, epoch, epochs), cut = (double)schedule->cut;
        double height = gone < cut ? gone / cut : (1 - gone) / (1 - cut);

        return (1 + height * ((double)schedule->ratio - 1)) / (double)schedule->ratio;
}

static const struct scion_param slanted_triangular_params[] = {
        WARMUP,
        SCION_FLOAT(struct scion_schedule, cut, 0.1, "share of the training that the rate rises in", .min = 0,
                    .above_min = true, .max = 1, .below_max = true),
        SCION_FLOAT(struct scion_schedule, ratio, 32, "the largest rate by the smallest", .min = 1),
        SCION_PARAMS_END,
};

/* (1 + gamma p)^-power, p being the share done; arXiv:1505.07818. */
static double inverse_factor(const struct scion_schedule *schedule, double epoch, double epochs)
{
        return pow(1 + (double)schedule->gamma * share_done(schedule, epoch, epochs),
                   -(double)schedule->power);
}

static const struct scion_param inverse_params[] = {
        WARMUP,
        SCION_FLOAT(struct scion_schedule, gamma, 10, "how fast the rate falls", .min = 0),
        SCION_FLOAT(struct scion_schedule, power, 0.75, "how far the rate falls", .min = 0),
        SCION_PARAMS_END,
};

const struct scion_schedule_kind scion_schedule_kinds[] = {
        { "constant", "the same rate all the time", constant_params, constant_factor },
        { "step", "times gamma after every so many epochs", step_params, step_factor },
        { "cosine", "down to the share `floor` of the rate along half a cosine", cosine_params,
          cosine_factor },
        { "slanted-triangular", "up from the rate by `ratio`, then down again", slanted_triangular_params,
          slanted_triangular_factor },
        { "inverse", "(1 + gamma p)^-power, p being the share that is done", inverse_params, inverse_factor },
        { NULL, NULL, NULL, NULL },
};

#define SCHEDULES (sizeof scion_schedule_kinds / sizeof scion_schedule_kinds[0] - 1)

/* Returns the index of the schedule that the map uses; SCHEDULES, with a message, when there is none. */
static size_t schedule_find(const struct scion_config *map)
{
        const struct scion_config *use = scion_config_get(map, "use");
        const char *names[SCHEDULES];

        if (!map)
                return 0;
        if (!use || !use->text) {
                scion_config_fail(map, "a schedule is written as { use: NAME, ... }");
                return SCHEDULES;
        }
        for (size_t i = 0; i < SCHEDULES; i++) {
                names[i] = scion_schedule_kinds[i].name;
                if (strcmp(use->text, names[i]) == 0)
                        return i;
        }

        struct scion_text hint = { 0 };

        if (!scion_suggest(&hint, use->text, names, SCHEDULES)) {
                scion_text_add(&hint, "; there are ");
                scion_text_add_names(&hint, names, SCHEDULES);
        }
        scion_config_fail(use, "no schedule '%s'%s", use->text, hint.text ? hint.text : "");
        free(hint.text);
        return SCHEDULES;
}

struct scion_schedule *scion_schedule_create(const struct scion_config *map)
{
        static const char *const others[] = { "use", NULL };
        size_t i = schedule_find(map);
        char owner[64];

        if (i == SCHEDULES)
                return NULL;
        struct scion_schedule *schedule = calloc(1, sizeof *schedule);

        if (!schedule)
                return scion_fail_null("out of memory");
        schedule->factor = scion_schedule_kinds[i].factor;
        schedule->params = scion_schedule_kinds[i].params;
        snprintf(owner, sizeof owner, "schedule '%s'", scion_schedule_kinds[i].name);
        if (!scion_params_fill(schedule->params, map, owner, others, schedule)) {
                free(schedule);
                return NULL;
        }
        return schedule;
}

void scion_schedule_destroy(struct scion_schedule *schedule)
{
        free(schedule); /* its parameters are numbers, which need no release */
}

bool scion_schedule_complete(struct scion_config *map)
{
        size_t i = schedule_find(map);

        return i < SCHEDULES && scion_params_complete(scion_schedule_kinds[i].params, map);
}

double scion_schedule_factor(const struct scion_schedule *schedule, int64_t step, int64_t steps,
                             int64_t epochs)
{
        double epoch = (double)step / (double)steps;

        /* The warm-up rises in equal stairs: the first step is on the first one, and its last step has the full rate. */
        if (epoch < (double)schedule->warmup) {
                double part = fmin((double)(step + 1) / ((double)schedule->warmup * (double)steps), 1);

                return (double)schedule->warmup_start + (1 - (double)schedule->warmup_start) * part;
        }
        return schedule->factor(schedule, epoch, (double)epochs);
}
