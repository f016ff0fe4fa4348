/* What strategies log: means over the epoch's examples. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/transfer.h"

/* The index of the scalar of that name, which is created if it is new; -1, with a message. */
static int scalar_find(struct scion_transfer *transfer, const char *name)
{
        for (int i = 0; i < transfer->scalars.count; i++)
                if (strcmp(transfer->scalars.scalar[i].name, name) == 0)
                        return i;
        if (!scion_transfer_check_name("what is logged", name))
                return -1;
        if (transfer->scalars.count == SCION_MAX_SCALARS) {
                scion_fail("more than %d names are logged", SCION_MAX_SCALARS);
                return -1;
        }
        struct scion_scalar *scalar = &transfer->scalars.scalar[transfer->scalars.count];

        *scalar = (struct scion_scalar){ 0 };
        snprintf(scalar->name, sizeof scalar->name, "%s", name);
        return transfer->scalars.count++;
}

/* Notes that the reading belongs to the scalar. */
static bool logged_add(struct scion_transfer *transfer, int scalar, int reading)
{
        if (transfer->step.logged_count == transfer->step.logged_room) {
                int room = transfer->step.logged_room ? 2 * transfer->step.logged_room : 16;
                struct scion_logged *longer = realloc(transfer->step.logged, (size_t)room * sizeof *longer);

                if (!longer)
                        return scion_fail("out of memory");
                transfer->step.logged = longer;
                transfer->step.logged_room = room;
        }
        transfer->step.logged[transfer->step.logged_count++] = (struct scion_logged){
                .scalar = scalar, .reading = reading, .examples = transfer->step.batch->size
        };
        return true;
}

void scion_log_scalar(struct scion_transfer *transfer, const char *name, struct scion_tensor *value)
{
        if (!value || !transfer->step.batch)
                return;
        if (scion_size(value) != 1) {
                scion_fail("the value logged as '%s' has %lld elements, not one", name,
                           (long long)scion_size(value));
                transfer->step.failed = true;
                return;
        }
        int scalar = scalar_find(transfer, name);
        int reading = scalar < 0 ? -1 : scion_readings_add(&transfer->step.readings, value);

        if (reading < 0 || !logged_add(transfer, scalar, reading))
                transfer->step.failed = true;
}

void scion_transfer_collect_scalars(struct scion_transfer *transfer)
{
        for (int i = 0; i < transfer->step.logged_count; i++) {
                const struct scion_logged *logged = &transfer->step.logged[i];
                struct scion_scalar *scalar = &transfer->scalars.scalar[logged->scalar];

                scalar->sum +=
                        (double)transfer->step.readings.value[logged->reading] * (double)logged->examples;
                scalar->examples += logged->examples;
        }
        transfer->step.logged_count = 0;
}

void scion_transfer_clear_scalars(struct scion_transfer *transfer)
{
        for (int i = 0; i < transfer->scalars.count; i++)
                transfer->scalars.scalar[i].sum = 0, transfer->scalars.scalar[i].examples = 0;
}
