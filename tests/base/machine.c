/* The description of the machine is complete and reproducible. */
#include "file/machine.h"

#include "file/hash.h"
#include "support/folder.h"

static void same_each_time(void **state)
{
        static const char *const parts[] = { "processor ", "\nlibscion.so ", "\nlibdnnl.so ", "\nlibm.so " };
        struct scion_text first = { 0 }, second = { 0 };

        (void)state;
        if (!scion_machine_describe(&first) || !scion_machine_describe(&second))
                fail_msg("%s", scion_error());
        assert_string_equal(first.text, second.text);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
                if (!strstr(first.text, parts[i]))
                        fail_msg("\"%s\" is not in: %s", parts[i], first.text);
        free(second.text);

        second = (struct scion_text){ 0 };
        setenv("GLIBC_TUNABLES", "glibc.cpu.x86_...=1", 1);
        assert_true(scion_machine_describe(&second));
        unsetenv("GLIBC_TUNABLES");
        assert_string_not_equal(first.text, second.text);
        free(first.text);
        free(second.text);
}

/* XXH3's test vector for empty input; a file has the hash of its bytes. */
static void hashes(void **state)
{
        char bytes[SCION_HASH_TEXT], file[SCION_HASH_TEXT];

        (void)state;
        assert_string_equal(scion_hash_bytes("", 0, bytes), "99aa06d3014798d86001c324468d497f");
        write_text("some", "some bytes");
        assert_true(scion_hash_file("some", file));
        assert_string_equal(file, scion_hash_bytes("some bytes", 10, bytes));
        assert_false(scion_hash_file("none", file));
        assert_error_has("none: ", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(same_each_time), cmocka_unit_test(hashes) };

        return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
