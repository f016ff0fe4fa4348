#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/sections.h"

static const char *section_cell(const struct scion_section *section, size_t row, size_t column)
{
        return section->table.cell[row * section->table.per_row + column];
}

static size_t section_rows(const struct scion_section *section)
{
        return section->table.count / section->table.per_row;
}

bool scion_sections_print(const struct scion_sections *sections, FILE *file)
{
        for (size_t i = 0; i < sections->count; i++) {
                struct scion_section *section = &sections->section[i];

                fprintf(file, "%s%s\n", i ? "\n" : "", section->title);
                if (section->table.count > 0) {
                        fputc('\n', file);
                        if (!scion_columns_print(&section->table, 0, file))
                                return false;
                }
                for (size_t j = 0; j < section->notes.count; j++)
                        fprintf(file, "%s%s\n", j == 0 && section->table.count > 0 ? "\n" : "",
                                scion_text_make_printable(section->notes.text[j], false));
        }
        return true;
}

/* Prints the text with each special character replaced by its escaped form. */
static void text_print_escaped(const char *text, const char *special, const char *const *escaped, FILE *file)
{
        for (; *text; text++) {
                const char *at = strchr(special, *text);

                if (at)
                        fputs(escaped[at - special], file);
                else
                        fputc(*text, file);
        }
}

/* --- Markdown ------------------------------------------------------------------------------------------- */

static void text_print_markdown(const char *text, FILE *file)
{
        static const char special[] = "\\`*_[]<>|~#";
        static const char *const escaped[] = { "\\\\", "\\`",  "\\*", "\\_", "\\[", "\\]",
                                               "&lt;", "&gt;", "\\|", "\\~", "\\#" };

        text_print_escaped(text, special, escaped, file);
}

static void row_print_markdown(const struct scion_section *section, size_t row, FILE *file)
{
        for (size_t i = 0; i < section->table.per_row; i++) {
                fputs("| ", file);
                text_print_markdown(section_cell(section, row, i), file);
                fputc(' ', file);
        }
        fputs("|\n", file);
}

bool scion_sections_print_markdown(const struct scion_sections *sections, FILE *file)
{
        for (size_t i = 0; i < sections->count; i++) {
                const struct scion_section *section = &sections->section[i];

                fputs(i ? "\n### " : "### ", file);
                text_print_markdown(section->title, file);
                fputs("\n\n", file);
                for (size_t row = 0; row < section_rows(section); row++) {
                        row_print_markdown(section, row, file);
                        for (size_t j = 0; row == 0 && j < section->table.per_row; j++)
                                fputs(j < section->table.numbers_from ? "| --- " : "| ---: ", file);
                        fputs(row == 0 ? "|\n" : "", file);
                }
                for (size_t j = 0; j < section->notes.count; j++) {
                        fputs(j == 0 && section->table.count > 0 ? "\n- " : "- ", file);
                        text_print_markdown(section->notes.text[j], file);
                        fputc('\n', file);
                }
        }
        return true;
}

/* --- LaTeX ---------------------------------------------------------------------------------------------- */

/* Brackets are escaped because a '[' after \\ would be taken for its optional argument. */
static void text_print_latex(const char *text, FILE *file)
{
        static const char special[] = "\\{}$&#%_^~<>[]";
        static const char *const escaped[] = { "\\textbackslash{}",
                                               "\\{",
                                               "\\}",
                                               "\\$",
                                               "\\&",
                                               "\\#",
                                               "\\%",
                                               "\\_",
                                               "\\textasciicircum{}",
                                               "\\textasciitilde{}",
                                               "\\textless{}",
                                               "\\textgreater{}",
                                               "{[}",
                                               "{]}" };

        text_print_escaped(text, special, escaped, file);
}

/* Prints a minus sign rather than a hyphen before digits, except in an exponent. */
static void number_print_latex(const char *text, FILE *file)
{
        char previous = ' ', piece[2] = "";

        for (; *text; previous = *text++) {
                if (*text == '-' && text[1] >= '0' && text[1] <= '9' && previous != 'e') {
                        fputs("$-$", file);
                        continue;
                }
                piece[0] = *text;
                text_print_latex(piece, file);
        }
}

static void row_print_latex(const struct scion_section *section, size_t row, FILE *file)
{
        for (size_t i = 0; i < section->table.per_row; i++) {
                fputs(i ? " & " : "", file);
                if (i < section->table.numbers_from)
                        text_print_latex(section_cell(section, row, i), file);
                else
                        number_print_latex(section_cell(section, row, i), file);
        }
        fputs(" \\\\\n", file);
}

static void table_print_latex(const struct scion_section *section, FILE *file)
{
        fputs("\\begin{tabular}{", file);
        for (size_t i = 0; i < section->table.per_row; i++)
                fputc(i < section->table.numbers_from ? 'l' : 'r', file);
        fputs("}\n\\toprule\n", file);
        for (size_t row = 0; row < section_rows(section); row++) {
                row_print_latex(section, row, file);
                fputs(row == 0 ? "\\midrule\n" : "", file);
        }
        fputs("\\bottomrule\n\\end{tabular}\n", file);
}

bool scion_sections_print_latex(const struct scion_sections *sections, FILE *file)
{
        fputs("% \\usepackage{booktabs}\n", file);
        for (size_t i = 0; i < sections->count; i++) {
                const struct scion_section *section = &sections->section[i];

                if (section->table.count == 0) { /* the notes, as comments for the author */
                        for (size_t j = 0; j < section->notes.count; j++)
                                fprintf(file, "%s%% %s\n", j == 0 ? "\n" : "", section->notes.text[j]);
                        continue;
                }
                fputs("\n\\begin{table}\n\\centering\n\\caption{", file);
                text_print_latex(section->title, file);
                fputs(".", file);
                for (size_t j = 0; j < section->notes.count; j++) {
                        fputc(' ', file);
                        text_print_latex(section->notes.text[j], file);
                }
                fputs("}\n", file);
                table_print_latex(section, file);
                fputs("\\end{table}\n", file);
        }
        return true;
}
