/* A plugin that counts the calls of its callbacks in environment variables. */
#include <scion/scion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
        int64_t verdict; /* of validate(); 0: valid; 1: invalid, with a message; 2: invalid, without one */
        const char *text;
        struct scion_ints list;
        char *copy;
};

static const struct scion_param params[] = {
        SCION_INT(struct probe, verdict, 0, "what validate() says", .min = 0, .max = 2),
        SCION_STRING(struct probe, text, "none", "kept as a copy"),
        SCION_INTS(struct probe, list, "[1, 2]", "some numbers"),
        SCION_PARAMS_END,
};

static void count(const char *variable, int by)
{
        const char *old = getenv(variable);
        char text[20];

        snprintf(text, sizeof text, "%d", (old ? atoi(old) : 0) + by);
        setenv(variable, text, 1);
}

static bool validate(void *self)
{
        struct probe *probe = self;

        count("PROBE_VALIDATED", 1);
        probe->copy = malloc(strlen(probe->text) + 1);
        if (!probe->copy)
                return scion_fail("out of memory");
        strcpy(probe->copy, probe->text);
        if (probe->verdict == 1)
                return scion_fail("the text is '%s' and there are %zu numbers", probe->copy,
                                  probe->list.count);
        return probe->verdict == 0;
}

static void finish(void *self)
{
        struct probe *probe = self;

        count("PROBE_FINISHED", 1);
        free(probe->copy);
}

static struct scion_tensor *loss(void *self, struct scion_tensor *outputs, const struct scion_batch *batch)
{
        (void)self;
        (void)outputs;
        (void)batch;
        return scion_fail_null("is for a test only");
}

SCION_PLUGIN_LOSS("probe", .summary = "a loss for a test", .params = params, .size = sizeof(struct probe),
                  .validate = validate, .finish = finish, .loss = loss);
