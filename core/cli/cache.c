/* scion cache: what is kept for later runs. */
#include <ctype.h>
#include <scion/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "cli/cli.h"
#include "suite/process.h"
#include "train/source.h"

static const char help[] =
        "Usage: scion cache [options] [KIND]\n"
        "\n"
        "Lists what is kept for later runs, the last used first, and deletes it on demand:\n"
        "\n"
        "  sources    models that were trained as sources, by all that they came from\n"
        "  inflated   data that were compressed\n"
        "\n"
        "Everything in it can be made again, and may be deleted while runs go on.\n"
        "\n"
        "      --older-than AGE   only what was not used for so long: 90m, 12h, 30d, 8w\n"
        "      --delete           delete what is listed\n"
        "      --cache DIR        the cache, instead of $SCION_CACHE, else\n"
        "                         $XDG_CACHE_HOME/scion, else ~/.cache/scion\n"
        "  -h, --help             this text\n"
        "\n"
        "Exit status: 0 all good, 1 something could not be deleted, 2 the usage was\n"
        "wrong, or the cache cannot be read.\n";

enum { OLDER_THAN = 256, DELETE, CACHE };

struct options {
        struct scion_cli common;
        int64_t age; /* seconds */
        bool delete;
};

static const struct {
        char letter;
        int64_t seconds;
} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };

#define UNITS (sizeof units / sizeof units[0])

static bool parse_age(const char *text, int64_t *age, int *status)
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

/* "30 d", in the largest unit but weeks of which there is one. */
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

static void print_entry(const struct scion_cache_entry *entry)
{
        char size[32], age[32], *what = NULL;

        if (strcmp(entry->kind, "sources") == 0 && !entry->unfinished)
                what = scion_source_summary(entry->path);
        printf("%-8s  %10s  %9s  %.32s%s%s\n", entry->kind, size_text(entry->bytes, size),
               age_text(entry->age, age), entry->name,
               entry->unfinished ? "  unfinished"
               : what            ? "  "
                                 : "",
               what ? what : "");
        free(what);
}

/* Those that stay, and why, are told on standard error. */
static enum scion_status print_and_delete(const struct scion_cache_list *list, bool delete)
{
        enum scion_status status = SCION_GOOD;
        uint64_t bytes = 0;
        size_t count = 0;
        char size[32];

        if (list->count > 0)
                printf("%-8s  %10s  %9s  %-32s  %s\n", "kind", "size", "last used", "entry", "what");
        for (size_t i = 0; i < list->count; i++) {
                const struct scion_cache_entry *entry = &list->entry[i];

                print_entry(entry);
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

static enum scion_status list(const struct options *options, const char *kind)
{
        struct scion_cache_list list;
        enum scion_status status = SCION_GOOD;

        if (!scion_cache_list(kind, options->age, &list))
                return (enum scion_status)scion_cli_failed(SCION_BAD_INPUT);
        if (list.folder)
                status = print_and_delete(&list, options->delete);
        else
                puts("Nothing is kept: SCION_CACHE is empty, or there is no home.");
        scion_cache_list_finish(&list);
        return status;
}

int scion_command_cache(int argc, char **argv)
{
        static const struct option longs[] = {
                { "older-than", required_argument, NULL, OLDER_THAN },
                { "delete", no_argument, NULL, DELETE },
                { "cache", required_argument, NULL, CACHE },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        struct options options = { 0 };
        int option, status = SCION_FAILED;
        bool going = scion_cli_begin(&options.common, "cache", help, argc);

        if (!going)
                return scion_cli_failed(SCION_FAILED);
        while (going && (option = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
                if (option == OLDER_THAN)
                        going = parse_age(optarg, &options.age, &status);
                else if (option == CACHE)
                        going = scion_cli_cache(optarg, &status);
                else if (option == DELETE)
                        options.delete = true;
                else
                        going = scion_cli_option(&options.common, option, argv, &status);
        }
        if (going && argc - optind > 1)
                status = scion_cli_usage("cache", "one kind at most, and '%s' is a second one",
                                         argv[optind + 1]);
        else if (going)
                status = (int)list(&options, argv[optind]);
        free(options.common.set);
        return scion_cli_printed(status);
}
