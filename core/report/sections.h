/*
 * A comparison as tables of text for people: rounded numbers, headings and sentences. All formats for people
 * are generated from these sections; those for programs, from the comparison's numbers.
 */
#ifndef SCION_REPORT_SECTIONS_H
#define SCION_REPORT_SECTIONS_H

#include <stdio.h>

#include "compare/compare.h"
#include "table/columns.h"

enum scion_section_kind {
        SCION_SECTION_SCORES, /* the statistics of each group */
        SCION_SECTION_VERSUS, /* comparison with the baseline */
        SCION_SECTION_RANKS,  /* ranks over tasks */
        SCION_SECTION_LABELS, /* label efficiency */
        SCION_SECTION_NOTES,  /* notes on the whole comparison */
};

/* A table with its title, and sentences below it. */
struct scion_section {
        enum scion_section_kind kind;
        size_t metric; /* index in the comparison; unused for notes */
        char *title;
        struct scion_columns table; /* the first row is the header; empty if the section has no table */
        struct scion_notes notes;   /* sentences below the table */
};

/* Starts as { 0 }. */
struct scion_sections {
        size_t count;
        struct scion_section *section;
};

/*
 * Creates the sections. Control characters in names, such as line breaks, become spaces. Returns false when
 * memory is out.
 */
bool scion_sections_make(const struct scion_comparison *comparison, struct scion_sections *sections);

/* Frees the contents, and resets them to { 0 }. */
void scion_sections_finish(struct scion_sections *sections);

/* Print the sections as text in columns, as Markdown, and as LaTeX (for the package booktabs). */
bool scion_sections_print(const struct scion_sections *sections, FILE *file);
bool scion_sections_print_markdown(const struct scion_sections *sections, FILE *file);
bool scion_sections_print_latex(const struct scion_sections *sections, FILE *file);

#endif
