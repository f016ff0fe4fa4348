#include "support/folder.h"

#include "table/sheet.h"

static void sheet_add(struct scion_sheet *sheet, const char *a, const char *b, const char *c)
{
        struct scion_row row = { 0 };

        if (a)
                scion_row_text(&row, "a", a);
        if (c)
                scion_row_text(&row, "c", c); /* the cells are not in the order of the columns */
        if (b)
                scion_row_text(&row, "b", b);
        assert_true(scion_sheet_add(sheet, &row));
        scion_row_finish(&row);
}

static void rows_by_name(void **state)
{
        static const char *const columns[] = { "a", "b" };
        struct scion_sheet *sheet = scion_sheet_create("rows.csv", columns, 2, NULL);

        (void)state;
        assert_non_null(sheet);
        assert_file_is("rows.csv", "a,b\n");
        sheet_add(sheet, "1", "2", NULL);
        assert_file_is("rows.csv", "a,b\n1,2\n"); /* on the disk before the sheet is closed */
        sheet_add(sheet, NULL, "x,y", NULL);
        assert_file_is("rows.csv", "a,b\n1,2\n,\"x,y\"\n");
        scion_sheet_close(sheet);
}

static void columns_grow(void **state)
{
        static const char *const columns[] = { "a", "b" };
        struct scion_sheet *sheet = scion_sheet_create("grow.csv", columns, 2, "b");

        (void)state;
        assert_non_null(sheet);
        sheet_add(sheet, "1", "2", NULL);
        sheet_add(sheet, "3", "4", "5");
        assert_file_is("grow.csv", "a,c,b\n1,,2\n3,5,4\n");
        sheet_add(sheet, "6", NULL, "7");
        assert_file_is("grow.csv", "a,c,b\n1,,2\n3,5,4\n6,7,\n");
        assert_int_equal(count_entries("."), 2); /* no temporary file is left */
        scion_sheet_close(sheet);

        sheet = scion_sheet_create("grow.csv", columns, 2, NULL); /* replaces the old file */
        sheet_add(sheet, "1", "2", "3");
        assert_file_is("grow.csv", "a,b,c\n1,2,3\n");
        scion_sheet_close(sheet);
}

static size_t row_by_number(void *context, const struct scion_row *row)
{
        (void)context;
        return strtoul(scion_row_get(row, "a"), NULL, 10);
}

static void sorting(void **state)
{
        static const char *const columns[] = { "a", "b" };
        struct scion_sheet *sheet = scion_sheet_create("sort.csv", columns, 2, NULL);

        (void)state;
        sheet_add(sheet, "3", "x", NULL);
        sheet_add(sheet, "1", "y", NULL);
        sheet_add(sheet, "3", "z", NULL);
        sheet_add(sheet, "2", "w", NULL);
        assert_true(scion_sheet_sort(sheet, row_by_number, NULL));
        assert_file_is("sort.csv", "a,b\n1,y\n2,w\n3,x\n3,z\n");
        sheet_add(sheet, "0", "v", NULL); /* appending still works */
        assert_file_is("sort.csv", "a,b\n1,y\n2,w\n3,x\n3,z\n0,v\n");
        assert_int_equal(scion_sheet_count(sheet), 5);
        assert_string_equal(scion_row_get(scion_sheet_row(sheet, 1), "b"), "w");
        scion_sheet_close(sheet);
}

static void numbers(void **state)
{
        struct scion_row row = { 0 };

        (void)state;
        scion_row_number(&row, "x", 0.1);
        scion_row_fixed(&row, "t", 12.34567, 3);
        scion_row_fixed(&row, "n", -0.0005, 3);
        scion_row_fixed(&row, "large", 1e300, 3); /* fits no integer */
        scion_row_int(&row, "i", -5);
        assert_string_equal(scion_row_get(&row, "x"), "0.1");
        assert_string_equal(scion_row_get(&row, "t"), "12.346");
        assert_string_equal(scion_row_get(&row, "n"), "-0.001");
        assert_string_equal(scion_row_get(&row, "large"), "1e+300");
        assert_string_equal(scion_row_get(&row, "i"), "-5");
        assert_null(scion_row_get(&row, "z"));
        scion_row_finish(&row);
}

static void no_folder(void **state)
{
        static const char *const columns[] = { "a" };

        (void)state;
        assert_null(scion_sheet_create("none/x.csv", columns, 1, NULL));
        assert_error_has("none/x.csv", NULL);
}

/* Rows that could not be written are kept in memory and written later. */
static void written_when_it_can_be(void **state)
{
        static const char *const columns[] = { "a" };
        struct scion_sheet *sheet = scion_sheet_create_in_memory("later/x.csv", columns, 1, NULL);
        struct scion_row row = { 0 };

        (void)state;
        scion_row_text(&row, "a", "1");
        assert_true(scion_sheet_add_in_memory(sheet, &row));
        assert_false(scion_sheet_add(sheet, &row));
        assert_error_has("later/x.csv", NULL);
        assert_int_equal(mkdir("later", 0777), 0);
        assert_true(scion_sheet_write(sheet));
        assert_file_is("later/x.csv", "a\n1\n1\n");
        assert_int_equal(system("rm -r later"), 0);
        scion_row_text(&row, "b", "2"); /* a new column rewrites the file */
        assert_false(scion_sheet_add(sheet, &row));
        assert_int_equal(mkdir("later", 0777), 0);
        assert_true(scion_sheet_add(sheet, &row));
        assert_file_is("later/x.csv", "a,b\n1,\n1,\n1,2\n1,2\n");
        scion_row_finish(&row);
        scion_sheet_close(sheet);
}

/* Closing and reopening a sheet at any row gives the same file as one session. */
static void goes_on_from_text(void **state)
{
        static const char *const columns[] = { "a", "b" };
        struct scion_sheet *sheet = scion_sheet_create("gone.csv", columns, 2, NULL);
        size_t bytes = 0;

        (void)state;
        sheet_add(sheet, "1", "x,y", NULL);
        sheet_add(sheet, "2", NULL, "3");
        char *text = scion_sheet_text(sheet, &bytes);

        assert_int_equal(bytes, strlen(text));
        scion_sheet_close(sheet);
        sheet = scion_sheet_create("gone.csv", columns, 2, NULL);
        assert_file_is("gone.csv", "a,b\n");
        assert_true(scion_sheet_restore(sheet, text, bytes));
        assert_int_equal(scion_sheet_count(sheet), 2);
        assert_file_is("gone.csv", "a,b,c\n1,\"x,y\",\n2,,3\n");
        sheet_add(sheet, "4", "5", "6");
        assert_true(scion_sheet_sync(sheet));
        assert_file_is("gone.csv", "a,b,c\n1,\"x,y\",\n2,,3\n4,5,6\n");
        assert_false(scion_sheet_restore(sheet, text, bytes - 3)); /* a field is missing */
        assert_error_has("gone.csv:3: ", NULL);
        assert_int_equal(scion_sheet_count(sheet), 3);
        scion_sheet_close(sheet);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_by_name),      cmocka_unit_test(columns_grow),
                cmocka_unit_test(sorting),           cmocka_unit_test(numbers),
                cmocka_unit_test(no_folder),         cmocka_unit_test(written_when_it_can_be),
                cmocka_unit_test(goes_on_from_text),
        };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
