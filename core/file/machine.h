/* What numbers depend on besides what is calculated: the processor, and the libraries that calculate. */
#ifndef SCION_FILE_MACHINE_H
#define SCION_FILE_MACHINE_H

#include "base/text.h"

/*
 * Adds lines that are the same wherever the same floating-point results come out: the processor's model and
 * features, and the builds of libscion, oneDNN and the mathematical library that are loaded. False, with a message,
 * when they cannot be told.
 */
bool scion_machine_describe(struct scion_text *text);

#endif
