/*
 * What a comparison says, as tables of text for people: numbers rounded, headings and sentences written out.
 * Every format for people is made from these; those for programs are made from the comparison's numbers.
 */
#ifndef SCION_REPORT_SECTIONS_H
#define SCION_REPORT_SECTIONS_H

#include <stdio.h>

#include "compare/compare.h"
#include "table/columns.h"

enum scion_section_kind {
        SCION_SECTION_SCORES, /* each group by itself */
        SCION_SECTION_VERSUS, /* against the baseline */
        SCION_SECTION_RANKS,  /* over tasks */
        SCION_SECTION_LABELS, /* label efficiency */
        SCION_SECTION_NOTES,  /* on all of it */
};

struct scion_section {
        enum scion_section_kind kind;
        size_t metric; /* of the comparison; not of notes */
        char *title;
        struct scion_columns table; /* its first row is the header; empty when there is nothing to tabulate */
        struct scion_notes notes;   /* sentences below the table */
};

/* Starts as { 0 }. */
struct scion_sections {
        size_t count;
        struct scion_section *section;
};

/* Line breaks and other control characters in names become spaces. False when memory is out. */
bool scion_sections_make(const struct scion_comparison *comparison, struct scion_sections *sections);

void scion_sections_finish(struct scion_sections *sections);

/* The sections as text in columns, as Markdown, and as LaTeX (with the package booktabs). */
bool scion_sections_print(const struct scion_sections *sections, FILE *file);
bool scion_sections_print_markdown(const struct scion_sections *sections, FILE *file);
bool scion_sections_print_latex(const struct scion_sections *sections, FILE *file);

#endif
