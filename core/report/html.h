/* Text for an HTML page. */
#ifndef SCION_REPORT_HTML_H
#define SCION_REPORT_HTML_H

#include "base/text.h"

/*
 * Adds any bytes as text, which may also stand in an attribute between quotes: what HTML takes for its own is
 * escaped, what is no UTF-8 becomes U+FFFD, and control characters other than tab and line feed become spaces.
 */
void scion_html_text(struct scion_text *page, const char *text);

/* Adds `format` as it is, but that each %s in it is such a text; there are no other conversions. "%%" is "%". */
void scion_html_add(struct scion_text *page, const char *format, ...) SCION_PRINTF(2, 3);

#endif
