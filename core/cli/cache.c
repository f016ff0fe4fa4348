/* scion cache: lists and deletes the entries of the cache. */
#include <ctype.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "file/cache.h"
#include "process/process.h"
#include "run/source.h"

enum { OLDER_THAN = SCION_CLI_LONG, DELETE };

struct options {
        int64_t age; /* seconds */
        bool delete;
};

static const struct {
        char letter;
        int64_t seconds;
} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };

#define UNITS (sizeof units / sizeof units[0])

static bool age_parse(const char *text, int64_t *age, int *status)
{
        char *end = NULL;
        long long number = isdigit((unsigned char)text[0]) ? strtoll(text, &end, 10) : -1;

        for (size_t i = 0; number >= 0 && number <= 1000000 && i < UNITS; i++)
                if (end[0] == units[i].letter && !end[1]) {
                        *age = (int64_t)number * units[i].seconds;
                        return true;
                }
        *status = scion_cli_usage(
                "cache", "--older-than takes a number and a unit, s, m, h, d or w, as 30d; not '%s'", text);
        return false;
}

/* --- Printing ------------------------------------------------------------------------------------------- */

/* Formats an age as "30 d", in the largest unit up to days that is not 0. */
static const char *age_text(int64_t age, char text[32])
{
        size_t unit = UNITS - 2;

        while (unit > 0 && age < units[unit].seconds)
                unit--;
        snprintf(text, 32, "%lld %c", (long long)(age / units[unit].seconds), units[unit].letter);
        return text;
}

static const char *size_text(uint64_t bytes, char text[32])
{
        static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
        double size = (double)bytes;
        size_t name = 0;

        for (; size >= 1024 && name < 4; name++)
                size /= 1024;
        snprintf(text, 32, name ? "%.1f %s" : "%.0f %s", size, names[name]);
        return text;
}

#define NAME_BYTES 32 /* of the name of an entry that are printed */

static void entry_print(const struct scion_cache_entry *entry)
{
        char size[32], age[32], name[NAME_BYTES + 1], *what = NULL;

        if (strcmp(entry->kind, "sources") == 0 && !entry->unfinished)
                what = scion_source_summary(entry->path);
        snprintf(name, sizeof name, "%s", entry->name);
        scion_text_make_printable(name, false);
        if (what)
                scion_text_make_printable(what, false);
        printf("%-8s  %10s  %9s  %s%s%s\n", entry->kind, size_text(entry->bytes, size),
               age_text(entry->age, age), name,
               entry->unfinished ? "  unfinished"
               : what            ? "  "
                                 : "",
               what ? what : "");
        free(what);
}

/* Entries that cannot be deleted are reported on standard error. */
static enum scion_status list_print_and_delete(const struct scion_cache_list *list, bool delete)
{
        enum scion_status status = SCION_GOOD;
        uint64_t bytes = 0;
        size_t count = 0;
        char size[32];

        if (list->count > 0)
                printf("%-8s  %10s  %9s  %-32s  %s\n", "kind", "size", "last used", "entry", "what");
        for (size_t i = 0; i < list->count; i++) {
                const struct scion_cache_entry *entry = &list->entry[i];

                entry_print(entry);
                if (delete &&!scion_cache_delete(entry)) {
                        status = (enum scion_status)scion_cli_failed(SCION_FAILED);
                        continue;
                }
                bytes += entry->bytes;
                count++;
        }
        printf("%s: %zu entr%s, %s%s\n", list->folder, count, count == 1 ? "y" : "ies",
               size_text(bytes, size), delete ? " deleted" : "");
        return status;
}

static enum scion_status cache_list(const struct options *options, const char *kind)
{
        struct scion_cache_list list;
        enum scion_status status = SCION_GOOD;

        if (!scion_cache_list(kind, options->age, &list))
                return (enum scion_status)scion_cli_failed(SCION_BAD_INPUT);
        if (list.folder)
                status = list_print_and_delete(&list, options->delete);
        else
                puts("There is no cache: SCION_CACHE is empty, or there is no home directory.");
        scion_cache_list_finish(&list);
        return status;
}

/* --- The command ---------------------------------------------------------------------------------------- */

static int cache_main(int argc, char **argv)
{
        struct options options = { 0 };
        struct scion_cli cli;
        int option, status = SCION_FAILED;
        bool going = scion_cli_begin(&cli, &scion_command_cache, argc, argv);

        while (going && (option = scion_cli_next(&cli, &status)) != 0) {
                if (option == OLDER_THAN)
                        going = age_parse(cli.text, &options.age, &status);
                else if (option == DELETE)
                        options.delete = true;
                else
                        going = false;
        }
        if (going && cli.argc > 1)
                status = scion_cli_usage("cache", "one kind at most, and '%s' is a second one", cli.argv[1]);
        else if (going)
                status = (int)cache_list(&options, cli.argv[0]);
        scion_cli_finish(&cli);
        return scion_cli_printed(status);
}

static const struct scion_cli_option table[] = {
        { OLDER_THAN,
          "older-than",
          "AGE",
          "only entries that have not been used for this long: 90m, 12h, 30d, 8w",
          { 0 } },
        { DELETE, "delete", NULL, "delete the listed entries", { 0 } },
        SCION_CLI_CACHE(
                "the cache, instead of $SCION_CACHE, else $XDG_CACHE_HOME/scion, else ~/.cache/scion"),
        SCION_CLI_HELP,
        SCION_CLI_END,
};

const struct scion_command scion_command_cache = {
        .name = "cache",
        .summary = "list or delete cached sources and data",
        .arguments = "[KIND]",
        .takes = { { SCION_CLI_WORDS, (const char *const[]){ "sources", "inflated", NULL } }, { 0 } },
        .text = "Lists the entries of the cache, most recently used first, or deletes them:\n"
                "\n"
                "  sources    trained source models, keyed by everything that determines them\n"
                "  inflated   decompressed data\n"
                "\n"
                "Every entry can be created again, and may be deleted while runs are in progress.\n",
        .options = table,
        .status = "0 all good, 1 something could not be deleted, 2 the usage was wrong, or the cache cannot "
                  "be read.",
        .run = cache_main,
};
