/* What strategies log. */
#include <scion/error.h>
#include <stdio.h>
#include <string.h>

#include "transfer/transfer.h"

/* The sum of that name, made when there is none; NULL, with a message, when there can be none. */
static struct scion_scalar *find_scalar(struct scion_transfer *transfer, const char *name)
{
        for (int i = 0; i < transfer->scalars; i++)
                if (strcmp(transfer->scalar[i].name, name) == 0)
                        return &transfer->scalar[i];
        if (!scion_transfer_check_name("what is logged", name))
                return NULL;
        if (transfer->scalars == SCION_MAX_SCALARS)
                return scion_fail_null("more than %d names are logged", SCION_MAX_SCALARS);
        struct scion_scalar *scalar = &transfer->scalar[transfer->scalars++];

        *scalar = (struct scion_scalar){ 0 };
        snprintf(scalar->name, sizeof scalar->name, "%s", name);
        return scalar;
}

void scion_log_scalar(struct scion_transfer *transfer, const char *name, struct scion_tensor *value)
{
        if (!value || !transfer->batch)
                return;
        if (scion_size(value) != 1) {
                scion_fail("the value logged as '%s' has %lld elements, not one", name,
                           (long long)scion_size(value));
                transfer->failed = true;
                return;
        }
        struct scion_scalar *scalar = find_scalar(transfer, name);

        if (!scalar) {
                transfer->failed = true;
                return;
        }
        scalar->sum += (double)scion_item(value) * (double)transfer->batch->size;
        scalar->examples += transfer->batch->size;
}

void scion_transfer_clear_scalars(struct scion_transfer *transfer)
{
        for (int i = 0; i < transfer->scalars; i++)
                transfer->scalar[i].sum = 0, transfer->scalar[i].examples = 0;
}
