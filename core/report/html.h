/* Adding text to an HTML page. */
#ifndef SCION_REPORT_HTML_H
#define SCION_REPORT_HTML_H

#include "base/text.h"

/*
 * Adds text, escaped for HTML content and quoted attributes. Invalid UTF-8 becomes U+FFFD, and control
 * characters except tab and line feed become spaces.
 */
void scion_html_text(struct scion_text *page, const char *text);

/*
 * Adds `format` unescaped, with each %s replaced by an argument escaped as in scion_html_text(). "%%" stands
 * for "%"; there are no other conversions.
 */
void scion_html_add(struct scion_text *page, const char *format, ...) SCION_PRINTF(2, 3);

#endif
