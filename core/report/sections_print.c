#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/sections.h"

static const char *cell(const struct scion_section *section, size_t row, size_t column)
{
        return section->table.cell[row * section->table.per_row + column];
}

static size_t rows(const struct scion_section *section)
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
                                section->notes.text[j]);
        }
        return true;
}

/* Puts what is special into its escaped form. */
static void print_escaped(const char *text, const char *special, const char *const *escaped, FILE *file)
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

static void print_markdown(const char *text, FILE *file)
{
        static const char special[] = "\\`*_[]<>|~#";
        static const char *const escaped[] = { "\\\\", "\\`",  "\\*", "\\_", "\\[", "\\]",
                                               "&lt;", "&gt;", "\\|", "\\~", "\\#" };

        print_escaped(text, special, escaped, file);
}

static void print_markdown_row(const struct scion_section *section, size_t row, FILE *file)
{
        for (size_t i = 0; i < section->table.per_row; i++) {
                fputs("| ", file);
                print_markdown(cell(section, row, i), file);
                fputc(' ', file);
        }
        fputs("|\n", file);
}

bool scion_sections_print_markdown(const struct scion_sections *sections, FILE *file)
{
        for (size_t i = 0; i < sections->count; i++) {
                const struct scion_section *section = &sections->section[i];

                fputs(i ? "\n### " : "### ", file);
                print_markdown(section->title, file);
                fputs("\n\n", file);
                for (size_t row = 0; row < rows(section); row++) {
                        print_markdown_row(section, row, file);
                        for (size_t j = 0; row == 0 && j < section->table.per_row; j++)
                                fputs(j < section->table.numbers_from ? "| --- " : "| ---: ", file);
                        fputs(row == 0 ? "|\n" : "", file);
                }
                for (size_t j = 0; j < section->notes.count; j++) {
                        fputs(j == 0 && section->table.count > 0 ? "\n- " : "- ", file);
                        print_markdown(section->notes.text[j], file);
                        fputc('\n', file);
                }
        }
        return true;
}

/* --- LaTeX ---------------------------------------------------------------------------------------------- */

/* A '[' after a line's end would be taken for its option. */
static void print_latex(const char *text, FILE *file)
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

        print_escaped(text, special, escaped, file);
}

/* The minus of a number is longer than the hyphen of a word; that of an exponent stays. */
static void print_latex_number(const char *text, FILE *file)
{
        char previous = ' ', piece[2] = "";

        for (; *text; previous = *text++) {
                if (*text == '-' && text[1] >= '0' && text[1] <= '9' && previous != 'e') {
                        fputs("$-$", file);
                        continue;
                }
                piece[0] = *text;
                print_latex(piece, file);
        }
}

static void print_latex_row(const struct scion_section *section, size_t row, FILE *file)
{
        for (size_t i = 0; i < section->table.per_row; i++) {
                fputs(i ? " & " : "", file);
                if (i < section->table.numbers_from)
                        print_latex(cell(section, row, i), file);
                else
                        print_latex_number(cell(section, row, i), file);
        }
        fputs(" \\\\\n", file);
}

static void print_latex_table(const struct scion_section *section, FILE *file)
{
        fputs("\\begin{tabular}{", file);
        for (size_t i = 0; i < section->table.per_row; i++)
                fputc(i < section->table.numbers_from ? 'l' : 'r', file);
        fputs("}\n\\toprule\n", file);
        for (size_t row = 0; row < rows(section); row++) {
                print_latex_row(section, row, file);
                fputs(row == 0 ? "\\midrule\n" : "", file);
        }
        fputs("\\bottomrule\n\\end{tabular}\n", file);
}

bool scion_sections_print_latex(const struct scion_sections *sections, FILE *file)
{
        fputs("% \\usepackage{booktabs}\n", file);
        for (size_t i = 0; i < sections->count; i++) {
                const struct scion_section *section = &sections->section[i];

                if (section->table.count == 0) { /* the notes, for the author alone */
                        for (size_t j = 0; j < section->notes.count; j++)
                                fprintf(file, "%s%% %s\n", j == 0 ? "\n" : "", section->notes.text[j]);
                        continue;
                }
                fputs("\n\\begin{table}\n\\centering\n\\caption{", file);
                print_latex(section->title, file);
                fputs(".", file);
                for (size_t j = 0; j < section->notes.count; j++) {
                        fputc(' ', file);
                        print_latex(section->notes.text[j], file);
                }
                fputs("}\n", file);
                print_latex_table(section, file);
                fputs("\\end{table}\n", file);
        }
        return true;
}
