#include "support/folder.h"
#include "support/limit.h"

#include "table/csv.h"

#include <errno.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const three[] = { "epoch", "lr", "note" };

static void file_append_row(struct scion_csv_writer *writer, const char *a, const char *b, const char *c)
{
        assert_true(scion_csv_row(writer, (const char *[]){ a, b, c }));
}

static void file_create(const char *path, const char *a, const char *b, const char *c)
{
        struct scion_csv_writer *writer = scion_csv_create(path, three, 3);

        assert_non_null(writer);
        file_append_row(writer, a, b, c);
        scion_csv_close(writer);
}

static void rows_as_they_are_written(void **state)
{
        struct scion_csv_writer *writer;

        (void)state;
        writer = scion_csv_create("rows.csv", three, 3);
        assert_non_null(writer);
        assert_file_is("rows.csv", "epoch,lr,note\n");
        file_append_row(writer, "1", "0.02", NULL);
        assert_file_is("rows.csv",
                       "epoch,lr,note\n1,0.02,\n"); /* written at once, not only when the file is closed */
        file_append_row(writer, "2", "", "a,b");
        file_append_row(writer, "3", "say \"no\"", "two\nlines");
        file_append_row(writer, " 4", "5 ", "a b");
        file_append_row(writer, "\r", "\xc3\xa4\xe6\x97\xa5", "'");
        scion_csv_close(writer);
        assert_file_is("rows.csv", "epoch,lr,note\n"
                                   "1,0.02,\n"
                                   "2,,\"a,b\"\n"
                                   "3,\"say \"\"no\"\"\",\"two\nlines\"\n"
                                   "\" 4\",\"5 \",a b\n"
                                   "\"\r\",\xc3\xa4\xe6\x97\xa5,'\n");
        scion_csv_close(NULL);

        file_create("rows.csv", "x", "y", "z"); /* replaces the older file */
        assert_file_is("rows.csv", "epoch,lr,note\nx,y,z\n");
}

static void what_is_written_reads_back(void **state)
{
        static const char *const nasty[] = { "",
                                             " ",
                                             ",",
                                             "\"",
                                             "\"\"",
                                             "\n",
                                             "\r\n",
                                             "a\"b",
                                             "\"a\"",
                                             "\n\n\"\n",
                                             ",\",\"",
                                             "tab\t",
                                             "\xf0\x9f\x8c\xb1",
                                             "=1+1",
                                             "#",
                                             "'",
                                             "\\n",
                                             "NULL",
                                             "-0",
                                             "," };
        struct scion_csv_table table;
        struct scion_csv_writer *writer;

        (void)state;
        for (size_t width = 1; width <= 4; width++) {
                static const char *const names[] = { "one", "t\"wo", "th,ree", "fo\nur" };

                writer = scion_csv_create("nasty.csv", names, width);
                assert_non_null(writer);
                for (size_t i = 0; i + width <= COUNT(nasty); i++)
                        assert_true(scion_csv_row(writer, nasty + i));
                scion_csv_close(writer);
                assert_true(scion_csv_read("nasty.csv", &table));
                assert_int_equal(table.columns, width);
                assert_int_equal(table.rows, COUNT(nasty) - width + 1);
                for (size_t column = 0; column < width; column++) {
                        assert_string_equal(table.name[column], names[column]);
                        assert_int_equal(scion_csv_column(&table, names[column]), column);
                        for (size_t row = 0; row < table.rows; row++)
                                assert_string_equal(scion_csv_field(&table, row, column),
                                                    nasty[row + column]);
                }
                scion_csv_table_finish(&table);
        }
}

/* Files as spreadsheets and editors save them. */
static void others_files_read(void **state)
{
        static const char *const same[] = {
                "a,b\n1,\"x\ny\"\n3,4\n",           "a,b\r\n1,\"x\ny\"\r\n3,4\r\n",
                "a,b\r1,\"x\ny\"\r3,4\r",           "a,b\n1,\"x\ny\"\n3,4",
                "a,b\n1,\"x\ny\"\n3,\"4\"",         "\xef\xbb\xbf\x61,b\n1,\"x\ny\"\n3,4\n",
                "\n\na,b\n\n1,\"x\ny\"\n\n3,4\n\n", "\"a\",\"b\"\n\"1\",\"x\ny\"\n\"3\",\"4\"\n",
        };
        struct scion_csv_table table;

        (void)state;
        for (size_t i = 0; i < COUNT(same); i++) {
                write_text("other.csv", same[i]);
                assert_true(scion_csv_read("other.csv", &table));
                assert_int_equal(table.columns, 2);
                assert_int_equal(table.rows, 2);
                assert_string_equal(table.name[0], "a");
                assert_string_equal(table.name[1], "b");
                assert_string_equal(scion_csv_field(&table, 0, 0), "1");
                assert_string_equal(scion_csv_field(&table, 0, 1), "x\ny");
                assert_string_equal(scion_csv_field(&table, 1, 0), "3");
                assert_string_equal(scion_csv_field(&table, 1, 1), "4");
                assert_int_equal(scion_csv_column(&table, "c"), -1);
                scion_csv_table_finish(&table);
        }
        write_text("other.csv", "a,b, c \n");
        assert_true(scion_csv_read("other.csv", &table));
        assert_int_equal(table.columns, 3);
        assert_int_equal(table.rows, 0);
        assert_string_equal(table.name[2], " c "); /* spaces are part of a field */
        scion_csv_table_finish(&table);
        scion_csv_table_finish(&table); /* nothing is left to free */
}

static void bad_files_are_refused(void **state)
{
        static const struct {
                const char *text, *message;
        } bad[] = {
                { "", "bad.csv: is empty: it has no header row" },
                { "\n\r\n", "bad.csv: is empty: it has no header row" },
                { "\xef\xbb\xbf", "bad.csv: is empty: it has no header row" },
                { "a,b\n1,2\n3\n", "bad.csv:3: 1 field in a row, where the header names 2 columns" },
                { "a,b\n1,\"x\n\"\n\n1,2,3\n1,2\n",
                  "bad.csv:5: 3 fields in a row, where the header names 2" },
                { "a\n1,2", "bad.csv:2: 2 fields in a row, where the header names 1 column" },
                { "a,b\n1,2\n1,\"2\n3,4\n", "bad.csv:3: a quote is opened in this row and never closed" },
                { "a,b\n\"x\ny", "bad.csv:2: a quote is opened" },
                { "\"a", "bad.csv:1: a quote is opened" },
                { "a,b\r\n1,2\r\n3,4\"5\"\r\n", "bad.csv:3: a quote where none is allowed" },
                { "a,b\n\"1\"2,3\n", "bad.csv:2: a quote where none is allowed" },
        };
        struct scion_csv_table table;

        (void)state;
        for (size_t i = 0; i < COUNT(bad); i++) {
                write_text("bad.csv", bad[i].text);
                assert_false(scion_csv_read("bad.csv", &table));
                assert_error_has(bad[i].message, NULL);
                assert_null(table.field);
        }
        write_bytes("bad.csv", "a,b\n1,\0002\n", 9);
        assert_false(scion_csv_read("bad.csv", &table));
        assert_error_has("bad.csv:2: a zero byte", NULL);
        assert_false(scion_csv_read("missing.csv", &table));
        assert_error_has("missing.csv: No such file", NULL);
        assert_false(scion_csv_read(".", &table));
        assert_error_has(".: is a directory", NULL);
        scion_csv_table_finish(&table);
}

static void appending_goes_on(void **state)
{
        struct scion_csv_writer *writer;

        (void)state;
        file_create("more.csv", "1", "2", "3");
        writer = scion_csv_append("more.csv", three, 3);
        assert_non_null(writer);
        file_append_row(writer, "4", "5", "6");
        scion_csv_close(writer);
        assert_file_is("more.csv", "epoch,lr,note\n1,2,3\n4,5,6\n");

        assert_null(scion_csv_append("none.csv", three, 3));
        assert_error_has("none.csv: No such file", NULL);
        assert_null(scion_csv_append("more.csv", (const char *[]){ "epoch", "loss", "note" }, 3));
        assert_error_has("more.csv: ", "it has epoch,lr,note, expected epoch,loss,note", NULL);
        assert_null(scion_csv_append("more.csv", three, 2));
        assert_error_has("it has epoch,lr,note, expected epoch,lr", NULL);
        assert_file_is("more.csv", "epoch,lr,note\n1,2,3\n4,5,6\n");
        write_text("more.csv", "epoch,lr,note");
        assert_null(scion_csv_append("more.csv", three, 3));
        assert_error_has("more.csv: its header row has no line end", NULL);
        write_text("more.csv", "");
        assert_null(scion_csv_append("more.csv", three, 3));
        assert_error_has("more.csv: is empty", NULL);
}

/* Wherever a killed process cut the file, appending keeps the complete rows and no others. */
static void incomplete_rows_are_cut(void **state)
{
        static const char head[] = "epoch,lr,note\n", first[] = "1,0.5,\"a\n,\"\"b\"\n",
                          second[] = "2,\"x\r\ny\",\n";
        char text[100], expected[100];

        (void)state;
        snprintf(text, sizeof text, "%s%s%s", head, first, second);
        for (size_t cut = strlen(head); cut <= strlen(text); cut++) {
                struct scion_csv_writer *writer;

                write_bytes("cut.csv", text, cut);
                writer = scion_csv_append("cut.csv", three, 3);
                if (!writer)
                        fail_msg("cut at %zu: %s", cut, scion_error());
                file_append_row(writer, "7", "8", "9");
                scion_csv_close(writer);
                snprintf(expected, sizeof expected, "%s%s%s7,8,9\n", head,
                         cut >= strlen(head) + strlen(first) ? first : "", cut == strlen(text) ? second : "");
                assert_file_is("cut.csv", expected);
        }
}

static void other_damage_is_left_alone(void **state)
{
        static const struct {
                const char *text, *repaired, *message;
        } cases[] = {
                { "epoch,lr,note\n1,2,3\n4,5\n", "epoch,lr,note\n1,2,3\n", NULL },
                { "epoch,lr,note\r\n1,2,3\r\n4,5,", "epoch,lr,note\r\n1,2,3\r\n", NULL },
                { "epoch,lr,note\n1,2\n4,5,6\n", NULL, "x.csv:2: 2 fields in a row" },
                { "epoch,lr,note\n1,2\n4,5,\"6\n", NULL, "x.csv:2: 2 fields in a row" },
                { "epoch,lr,note\n1,2,3,4\n", NULL, "x.csv:2: 4 fields in a row" },
                { "epoch,lr,note\n1,2,3\"\n", NULL, "x.csv:2: a quote where none is allowed" },
        };

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct scion_csv_writer *writer;

                write_text("x.csv", cases[i].text);
                writer = scion_csv_append("x.csv", three, 3);
                assert_int_equal(!writer, !cases[i].repaired);
                if (!writer)
                        assert_error_has(cases[i].message, NULL);
                scion_csv_close(writer);
                assert_file_is("x.csv", cases[i].repaired ? cases[i].repaired : cases[i].text);
        }

        /* A power failure may leave the file's length on the disk without its data. */
        char zeros[100] = "epoch,lr,note\n1,2,3\n4,5";
        struct scion_csv_writer *writer;

        write_bytes("x.csv", zeros, sizeof zeros);
        writer = scion_csv_append("x.csv", three, 3);
        assert_non_null(writer);
        scion_csv_close(writer);
        assert_file_is("x.csv", "epoch,lr,note\n1,2,3\n");
}

static void full_disk_leaves_whole_rows(void **state)
{
        struct scion_csv_writer *writer;
        char note[200];
        int rows = 0;

        (void)state;
        memset(note, 'n', sizeof note - 1);
        note[sizeof note - 1] = '\0';
        writer = scion_csv_create("full.csv", three, 3);
        assert_non_null(writer);
        limit_files_to(1000);
        while (rows < 100 && scion_csv_row(writer, (const char *[]){ "1", "2", note }))
                rows++;
        bool again = scion_csv_row(writer, (const char *[]){ "1", "2", note });
        bool shorter = scion_csv_row(writer, (const char *[]){ "1", "2", "short" });

        limit_files_no_more();
        assert_int_equal(rows, 4);
        assert_false(again);
        assert_error_has("full.csv: a row cannot be appended: ", strerror(EFBIG), NULL);
        assert_true(shorter); /* it still fits */
        file_append_row(writer, "1", "2", "3");
        scion_csv_close(writer);

        struct scion_csv_table table;

        assert_true(scion_csv_read("full.csv", &table));
        assert_int_equal(table.rows, 6);
        assert_string_equal(scion_csv_field(&table, 3, 2), note);
        assert_string_equal(scion_csv_field(&table, 4, 2), "short");
        assert_string_equal(scion_csv_field(&table, 5, 2), "3");
        scion_csv_table_finish(&table);
}

static void refuses_to_create(void **state)
{
        (void)state;
        assert_null(scion_csv_create("no/such.csv", three, 3));
        assert_error_has("no/such.csv: cannot be written: No such file", NULL);
        assert_null(scion_csv_create("/dev/full", three, 3));
        assert_error_has("/dev/full: cannot be written", NULL);
        assert_null(scion_csv_create("none.csv", three, 0));
        assert_error_has("none.csv: a CSV file without columns", NULL);
        assert_null(scion_csv_create("two.csv", (const char *[]){ "a", "b", "a" }, 3));
        assert_error_has("two.csv: two columns have the name 'a'", NULL);
        assert_int_equal(access("two.csv", F_OK), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_as_they_are_written),   cmocka_unit_test(what_is_written_reads_back),
                cmocka_unit_test(others_files_read),          cmocka_unit_test(bad_files_are_refused),
                cmocka_unit_test(appending_goes_on),          cmocka_unit_test(incomplete_rows_are_cut),
                cmocka_unit_test(other_damage_is_left_alone), cmocka_unit_test(full_disk_leaves_whole_rows),
                cmocka_unit_test(refuses_to_create),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
