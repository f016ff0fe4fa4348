#include "support/test.h"

#include "plugin/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD BUILD_DIR "/tests/plugin/bad"
#define SGD BUILD_DIR "/plugins/optimizers/sgd.so"

/* --- A temporary directory ------------------------------------------------------------------------------ */

static char scratch[] = "/tmp/scion-loader-XXXXXX";

static int make_scratch(void **state)
{
        (void)state;
        return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
        static const char *const names[] = { "strategies/note.so", "strategies/folder.so",
                                             "strategies/gone.so", "optimizers/sgd.so",
                                             "optimizers/cut.so",  "strategies",
                                             "optimizers",         "" };
        char path[200];

        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
                if (remove(path) != 0 && errno != ENOENT)
                        return -1;
        }
        return 0;
}

/* Returns the path of a file in the temporary directory, and creates its parent directories. */
static const char *scratch_path(const char *name)
{
        static char path[200];

        snprintf(path, sizeof path, "%s/strategies", scratch);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/optimizers", scratch);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/%s", scratch, name);
        return path;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
        FILE *file = fopen(path, "wb");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

/* Returns the contents of a file, which the caller frees. */
static char *read_file(const char *path, size_t *size)
{
        FILE *file = fopen(path, "rb");
        char *bytes = malloc(1 << 20);

        assert_non_null(file);
        assert_non_null(bytes);
        *size = fread(bytes, 1, 1 << 20, file);
        assert_in_range(*size, 1000, (1 << 20) - 1);
        fclose(file);
        return bytes;
}

/* --- Good plugins --------------------------------------------------------------------------------------- */

static void kinds_have_names(void **state)
{
        (void)state;
        for (int kind = SCION_STRATEGY; kind < SCION_KINDS_END; kind++) {
                assert_int_equal(scion_kind_parse(scion_kind_name((enum scion_kind)kind)), kind);
                assert_int_equal(scion_kind_parse(scion_kind_folder((enum scion_kind)kind)), kind);
        }
        assert_string_equal(scion_kind_folder(SCION_STRATEGY), "strategies");
        assert_int_equal(scion_kind_parse("optimiser"), 0);
        assert_error_has("'optimiser'", "strategy, loss, optimizer, dataset", "model", NULL);
}

static void a_plugin_is_found_and_opened_once(void **state)
{
        const struct scion_plugin *sgd = scion_plugin_find(SCION_OPTIMIZER, "sgd");

        (void)state;
        assert_non_null(sgd);
        assert_string_equal(sgd->name, "sgd");
        assert_int_equal(sgd->kind, SCION_OPTIMIZER);
        assert_string_equal(scion_plugin_path(sgd), SGD);
        assert_ptr_equal(scion_plugin_find(SCION_OPTIMIZER, "sgd"), sgd);
        assert_ptr_equal(scion_plugin_open(SGD), sgd);
}

static void an_older_smaller_descriptor_is_taken(void **state)
{
        const struct scion_plugin *plugin = scion_plugin_open(BAD "/strategies/smaller.so");
        const struct scion_strategy_plugin *strategy = (const struct scion_strategy_plugin *)plugin;

        (void)state;
        assert_non_null(plugin);
        assert_true(plugin->bytes < sizeof *strategy);
        assert_non_null(strategy->setup);
        assert_null(strategy->loss); /* a missing field reads as NULL */
}

/* --- Bad plugins ---------------------------------------------------------------------------------------- */

static void assert_refused(const char *path, const char *a, const char *b, const char *c)
{
        scion_error_clear();
        assert_null(scion_plugin_open(path));
        assert_error_has(path, a, b, c, NULL);
}

static void assert_bad(const char *name, const char *a, const char *b, const char *c)
{
        char path[1000];

        snprintf(path, sizeof path, BAD "/%s.so", name);
        assert_refused(path, a, b, c);
}

static void not_a_plugin(void **state)
{
        (void)state;
        assert_bad("strategies/no_symbol", "not a Scion plugin", "'scion_plugin'", NULL);
        assert_bad("strategies/function", "not a Scion plugin", "'scion_plugin'", NULL);
        assert_bad("strategies/borrowed", "not a Scion plugin", "'scion_plugin'", NULL);
        assert_bad("strategies/tiny", "not a Scion plugin", "only 8 bytes", NULL);
}

static void another_interface(void **state)
{
        (void)state;
        assert_bad("strategies/newer_abi", "plugin interface 3", "has 2", "use a newer Scion");
        assert_bad("strategies/older_abi", "plugin interface 1", "has 2", "build it again");
        assert_bad("strategies/lying", "4096 bytes", "cannot be", NULL);
        assert_bad("strategies/headless", "16 bytes", "cannot be", NULL);
        assert_bad("strategies/larger", "newer", "bytes", NULL);
        assert_bad("strategies/param_bytes", "parameters have 48 bytes", "build it again", NULL);
        assert_bad("strategies/unknown_kind", "kind 99", "does not know", NULL);
}

static void another_kind_or_name(void **state)
{
        (void)state;
        assert_non_null(scion_plugin_open(BAD "/strategies/other_kind.so")); /* it is a valid model */
        assert_null(scion_plugin_find(SCION_STRATEGY, "other_kind"));
        assert_error_has("strategies/other_kind.so", "kind model, not strategy", NULL);
        assert_bad("strategies/wrong_name", "'another'", "must be called 'another.so'", NULL);
        assert_bad("strategies/path_name", "'../path_name'", "cannot be a plugin's name", NULL);
        assert_bad("strategies/nameless", "no name", NULL, NULL);
}

static void undefined_symbols(void **state)
{
        (void)state;
        assert_bad("strategies/undefined", "'scion_of_tomorrow'", "newer Scion", NULL);
        assert_bad("strategies/later_function", "undefined symbol 'scion_of_tomorrow';", "newer Scion", NULL);
        assert_bad("strategies/later_node", "SCION_2", "newer Scion", NULL);
        assert_bad("strategies/undefined_other", "'some_library_function'", "linked with the library", NULL);
}

static void missing_parts(void **state)
{
        (void)state;
        assert_bad("strategies/no_build", "model must have .build", NULL, NULL);
        assert_bad("strategies/no_summary", ".summary", NULL, NULL);
        assert_bad("optimizers/no_lr", "'lr'", "float", NULL);
}

static void bad_tables(void **state)
{
        (void)state;
        assert_bad("strategies/param_outside", "'count'", "outside the state's 4 bytes", NULL);
        assert_bad("strategies/param_far", "'far'", "outside the state's 16 bytes", NULL);
        assert_bad("strategies/param_twice", "two parameters", "'alpha'", NULL);
        assert_bad("strategies/param_default", "default", "count", "1e+300");
        assert_bad("strategies/param_choice", "'which'", "choice 2 of 2", NULL);
        assert_bad("strategies/param_list", "default", "widths", "-4");
        assert_bad("strategies/param_scales", "'wide' is not a number", ".scales", NULL);
        assert_bad("strategies/param_use", "'use'", NULL, NULL);
        assert_bad("strategies/param_type", "no type", "SCION_PARAMS_END", NULL);
        assert_bad("strategies/param_odd", "'odd'", "byte 1", NULL);
}

static void not_even_a_shared_object(void **state)
{
        const char *path = scratch_path("strategies/note.so");

        (void)state;
        assert_refused(path, "No such file", NULL, NULL);
        write_file(path, "strategy: fine-tune\n", 20);
        assert_refused(path, "not a shared object", NULL, NULL);
        write_file(path, "", 0);
        assert_refused(path, "not a shared object", NULL, NULL);
        path = scratch_path("strategies/folder.so");
        assert_int_equal(mkdir(path, 0700), 0);
        assert_refused(path, "a directory", NULL, NULL);
        path = scratch_path("strategies/gone.so");
        assert_int_equal(symlink("nowhere", path), 0);
        assert_refused(path, "No such file", NULL, NULL);
}

static void cut_off_anywhere(void **state)
{
        size_t size;
        char *bytes = read_file(SGD, &size);
        const char *path = scratch_path("optimizers/cut.so");
        /* The file ends with the section headers, which loading does not need. */
        static const unsigned share[] = { 1, 10, 25, 50, 70 };

        (void)state;
        for (size_t i = 0; i < sizeof share / sizeof *share; i++) {
                write_file(path, bytes, size * share[i] / 100);
                assert_refused(path, "cut off", NULL, NULL);
        }
        for (size_t left = 4; left < 2000; left += 97) {
                write_file(path, bytes, left);
                assert_refused(path, "cut off", NULL, NULL);
        }
        bytes[16] = 1; /* e_type: a relocatable object */
        write_file(path, bytes, size);
        assert_refused(path, "object file", "cc -shared", NULL);
        bytes[4] ^= 3; /* the other word size */
        write_file(path, bytes, size);
        assert_refused(path, "another kind of machine", NULL, NULL);
        free(bytes);
}

/* --- Finding plugins ------------------------------------------------------------------------------------ */

static void unknown_names_get_hints(void **state)
{
        (void)state;
        assert_null(scion_plugin_find(SCION_OPTIMIZER, "sdg"));
        assert_error_has("no optimizer 'sdg' (did you mean 'sgd'?)", "looked in ",
                         "/nonexistent/scion/plugins/optimizers", BUILD_DIR "/plugins/optimizers", NULL);
        assert_null(scion_plugin_find(SCION_STRATEGY, "sgd"));
        assert_error_has("no strategy 'sgd'", "there is one of the kind optimizer", NULL);
        assert_null(scion_plugin_find(SCION_STRATEGY, "xyzzy-xyzzy"));
        assert_null(strstr(scion_error(), "did you mean"));
}

static void names_are_no_paths(void **state)
{
        static const char *const names[] = {
                "../optimizers/sgd", "..", ".", "a/b", "/tmp/x", "", "a b", "a\nb"
        };

        (void)state;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                scion_error_clear();
                assert_null(scion_plugin_find(SCION_OPTIMIZER, names[i]));
                assert_error_has("name", NULL);
        }
}

static const struct scion_plugin_entry *entry_of(const struct scion_plugin_list *list, const char *name)
{
        for (size_t i = 0; i < list->count; i++)
                if (strcmp(list->entry[i].name, name) == 0)
                        return &list->entry[i];
        fail_msg("%s is not listed", name);
        return NULL;
}

/* Must be the last of these tests: it adds directories to the search path, which stay there. */
static void lists_tell_good_from_bad(void **state)
{
        struct scion_plugin_list list;
        const struct scion_plugin_entry *entry;

        (void)state;
        assert_true(scion_plugins_list(SCION_STRATEGY, &list));
        for (size_t i = 1; i < list.count; i++)
                assert_true(strcmp(list.entry[i - 1].name, list.entry[i].name) < 0);
        entry = entry_of(&list, "smaller");
        assert_non_null(entry->plugin);
        assert_null(entry->error);
        entry = entry_of(&list, "undefined");
        assert_null(entry->plugin);
        assert_non_null(strstr(entry->error, "scion_of_tomorrow"));
        scion_plugin_list_finish(&list);
        assert_int_equal(list.count, 0);
}

static void the_first_directory_wins(void **state)
{
        size_t size;
        char *bytes = read_file(SGD, &size);
        const char *path = scratch_path("optimizers/sgd.so");
        const struct scion_plugin *sgd;

        (void)state;
        write_file(path, bytes, size);
        free(bytes);
        assert_int_equal(setenv("SCION_PLUGIN_PATH", ":/nonexistent:", 1), 0);
        assert_string_equal(scion_plugin_path(scion_plugin_find(SCION_OPTIMIZER, "sgd")), SGD);
        assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0); /* a relative path is ignored */
        assert_string_equal(scion_plugin_path(scion_plugin_find(SCION_OPTIMIZER, "sgd")), SGD);
        assert_int_equal(setenv("SCION_PLUGIN_PATH", scratch, 1), 0);
        sgd = scion_plugin_find(SCION_OPTIMIZER, "sgd");
        assert_non_null(sgd);
        assert_string_equal(scion_plugin_path(sgd), path);
        assert_int_equal(setenv("SCION_PLUGIN_PATH", "", 1), 0);

        assert_false(scion_plugins_add_path("/nonexistent"));
        assert_error_has("'/nonexistent'", "No such file", NULL);
        assert_false(scion_plugins_add_path(SGD));
        assert_error_has(SGD, "not a directory", NULL);
        assert_true(scion_plugins_add_path(scratch));
        assert_ptr_equal(scion_plugin_find(SCION_OPTIMIZER, "sgd"), sgd);
}

static int add_bad_path(void **state)
{
        (void)state;
        return scion_plugins_add_path(BAD) ? 0 : -1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds_have_names),
                cmocka_unit_test(a_plugin_is_found_and_opened_once),
                cmocka_unit_test(an_older_smaller_descriptor_is_taken),
                cmocka_unit_test(not_a_plugin),
                cmocka_unit_test(another_interface),
                cmocka_unit_test(undefined_symbols),
                cmocka_unit_test(missing_parts),
                cmocka_unit_test(bad_tables),
                cmocka_unit_test(not_even_a_shared_object),
                cmocka_unit_test(cut_off_anywhere),
                cmocka_unit_test(unknown_names_get_hints),
                cmocka_unit_test(names_are_no_paths),
                cmocka_unit_test_setup(another_kind_or_name, add_bad_path),
                cmocka_unit_test(lists_tell_good_from_bad),
                cmocka_unit_test(the_first_directory_wins),
        };

        return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
