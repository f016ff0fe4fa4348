/*
 * Scalars of a step that the host reads: the loss, scores, what a strategy logs. They are collected as tensors while the
 * step runs and read at once after the update, so that nothing waits for the device within the step.
 */
#ifndef SCION_TRANSFER_READINGS_H
#define SCION_TRANSFER_READINGS_H

#include "tensor/tensor.h"

/* Starts as { 0 }. The tensors belong to the step's tape. */
struct scion_readings {
        int count, room;
        struct scion_tensor **tensor;
        float *value; /* after scion_readings_read() */
};

/* Adds a float tensor of one element. Returns its index in `value`; -1, with a message, when memory is out. */
int scion_readings_add(struct scion_readings *readings, struct scion_tensor *x);

/* Reads all values in one transfer from the device. Called before the tape is reset. Returns false, with
 * a message, on failure. */
bool scion_readings_read(struct scion_readings *readings);

/* Removes all readings; the memory stays for the next ones. */
void scion_readings_clear(struct scion_readings *readings);
void scion_readings_finish(struct scion_readings *readings);

#endif
