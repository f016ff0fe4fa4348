#define _XOPEN_SOURCE 700 /* realpath */
/* scion new: creates a project for a new plugin, and prints the next steps. */
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "process/process.h"
#include "scaffold/scaffold.h"

/*
 * --- What to type next -----------------------------------------------------------------------------------
 */

static bool files_are_same(const char *a, const char *b)
{
        struct stat first, second;

        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
               first.st_ino == second.st_ino;
}

/* Whether a shell would start this program for "scion". */
static bool program_is_on_path(const char *self)
{
        const char *list = getenv("PATH");
        bool found = false, same = false;

        while (list && *list && !found) {
                size_t length = strcspn(list, ":");
                struct scion_text path = { 0 };

                scion_text_add(&path, "%.*s/scion", (int)length, list);
                found = !path.failed && length > 0 && access(path.text, X_OK) == 0;
                same = found && files_are_same(path.text, self);
                free(path.text);
                list += length + (list[length] == ':');
        }
        return same;
}

/* Whether pkg-config finds scion.pc in this folder by itself. */
static bool pkg_config_finds(const char *folder)
{
        FILE *output = popen("pkg-config --variable=pcfiledir scion 2>/dev/null", "r");
        char line[4096] = "";
        bool known;

        if (!output)
                return false;
        known = fgets(line, sizeof line, output) != NULL;
        line[strcspn(line, "\n")] = '\0';
        pclose(output);
        return known && files_are_same(line, folder);
}

/*
 * Returns the folder of this installation's or build's .pc file, which the caller frees; NULL if there is
 * none, which is not an error.
 */
static char *pkg_config_folder(void)
{
        static const char *const places[][2] = {
                { "../../pkgconfig", "scion.pc" },                  /* from LIBDIR/scion/plugins */
                { "../meson-uninstalled", "scion-uninstalled.pc" }, /* from BUILD/plugins */
        };
        const char *own;
        char *folder = NULL;

        if (!scion_plugins_own(&own) || !own)
                return NULL;
        for (size_t i = 0; i < sizeof places / sizeof *places && !folder; i++) {
                struct scion_text path = { 0 };

                scion_text_add(&path, "%s/%s/%s", own, places[i][0], places[i][1]);
                if (!path.failed && access(path.text, R_OK) == 0) {
                        *strrchr(path.text, '/') = '\0';
                        folder = realpath(path.text, NULL);
                }
                free(path.text);
        }
        return folder;
}

/* Prints a word, quoted for a shell if necessary. */
static void word_print(const char *word)
{
        bool plain = *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                 "0123456789/._-+=:@%,")];

        if (plain) {
                fputs(word, stdout);
                return;
        }
        putchar('\'');
        for (; *word; word++)
                if (*word == '\'')
                        fputs("'\\''", stdout);
                else
                        putchar(*word);
        putchar('\'');
}

static void next_steps_print(const char *folder)
{
        char *self = realpath("/proc/self/exe", NULL), *pkg_config = pkg_config_folder();
        const char *others = getenv("PKG_CONFIG_PATH");

        fputs("  cd ", stdout);
        word_print(folder);
        if (pkg_config && !pkg_config_finds(pkg_config)) {
                fputs("\n  export PKG_CONFIG_PATH=", stdout);
                word_print(pkg_config);
                if (others && *others)
                        fputs(":\"$PKG_CONFIG_PATH\"", stdout);
        }
        puts("\n  make check   # or: meson setup build && meson test -C build");
        fputs("  ", stdout);
        word_print(!self || program_is_on_path(self) ? "scion" : self);
        puts(" run experiment.yaml --plugin-path build");
        free(self);
        free(pkg_config);
}

/* --- The command ---------------------------------------------------------------------------------------- */

static int project_create(enum scion_kind kind, const char *name, const char *folder)
{
        if (!scion_scaffold_check(kind, name, folder))
                return scion_cli_failed(SCION_BAD_INPUT);
        if (!scion_scaffold_write(kind, name, folder))
                return scion_cli_failed(SCION_FAILED);
        printf("%s/%s.c is the %s: begin there. Next:\n\n", folder, name, scion_kind_name(kind));
        next_steps_print(folder);
        return scion_cli_printed(SCION_GOOD);
}

static int arguments_take(int argc, char **argv, const char *out)
{
        enum scion_kind kind;

        if (argc < 2)
                return scion_cli_usage("new", argc == 0 ? "no KIND and NAME" : "no NAME for the %s", argv[0]);
        if (argc > 2)
                return scion_cli_usage("new", "'%s' is one argument too many", argv[2]);
        kind = scion_kind_parse(argv[0]);
        if (!kind)
                return scion_cli_failed(SCION_BAD_INPUT);
        if (out && !*out)
                return scion_cli_usage("new", "--out takes a folder, and got an empty name");
        return project_create(kind, argv[1], out ? out : argv[1]);
}

static int new_main(int argc, char **argv)
{
        const char *out = NULL;
        struct scion_cli cli;
        int option = 0, status = SCION_FAILED;
        bool going = scion_cli_begin(&cli, &scion_command_new, argc, argv);

        while (going && (option = scion_cli_next(&cli, &status)) == 'o')
                out = cli.text;
        if (going && option == 0)
                status = arguments_take(cli.argc, cli.argv, out);
        scion_cli_finish(&cli);
        return status;
}

static const struct scion_cli_option table[] = {
        { 'o', "out", "DIR", "the project's folder (default: NAME)", { SCION_CLI_FOLDERS, NULL } },
        SCION_CLI_HELP,
        SCION_CLI_END,
};

/* clang-format off */
const struct scion_command scion_command_new = {
        .name = "new",
        .summary = "write a project for a plugin of your own",
        .arguments = "KIND NAME",
        .takes = { { SCION_CLI_KINDS, NULL }, { SCION_CLI_ANYTHING, NULL } },
        .text = "Writes a project for a plugin of your own, which builds and runs as it is: NAME.c, an example "
                "of its kind to be changed into yours; a Makefile and a meson.build; experiment.yaml, which "
                "uses it; check.sh, which tests it. KIND is strategy, loss, optimizer, dataset or model. It "
                "prints what to type next. Existing files are not changed.\n",
        .options = table,
        .examples = "  scion new strategy my-idea\n",
        .run = new_main,
};
