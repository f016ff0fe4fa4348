/* Describes what floating-point results depend on besides the program's input: the processor and the
 * libraries. */
#ifndef SCION_FILE_MACHINE_H
#define SCION_FILE_MACHINE_H

#include "base/text.h"

/*
 * Adds lines that are equal on machines that give bit-identical results: the processor's model and
 * features, and the builds of libscion, oneDNN and libm that are loaded. Returns false, with a message, if
 * one of them cannot be determined.
 */
bool scion_machine_describe(struct scion_text *text);

#endif
