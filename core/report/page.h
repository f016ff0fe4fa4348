/* The report of a comparison: one HTML page that needs nothing beside it. */
#ifndef SCION_REPORT_PAGE_H
#define SCION_REPORT_PAGE_H

#include "compare/compare.h"

/*
 * Writes it, in place of an older one: tables, figures, failed runs, and the runs' configurations, as far as
 * their folders are still beside results.csv. False, with a message, when gnuplot is missing or the page cannot
 * be written. The same input gives the same bytes.
 */
bool scion_page_write(const struct scion_comparison *comparison, const char *path);

/* Its style sheet. */
extern const char scion_page_style[];

#endif
