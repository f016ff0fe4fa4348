/* The report of a comparison: one self-contained HTML page. */
#ifndef SCION_REPORT_PAGE_H
#define SCION_REPORT_PAGE_H

#include "compare/compare.h"

/*
 * Writes the page to `path`, replacing an existing file: tables, figures, failed runs, and the runs'
 * configurations as far as their folders still exist next to results.csv. Returns false, with a message, when
 * gnuplot is missing or the page cannot be written. The same input gives the same bytes.
 */
bool scion_page_write(const struct scion_comparison *comparison, const char *path);

/* The style sheet of the page. */
extern const char scion_page_style[];

#endif
