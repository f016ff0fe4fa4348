#define _GNU_SOURCE /* dl_iterate_phdr: the libraries as they are loaded, whatever their files are by now */
#include "file/machine.h"

#include <link.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "file/files.h"
#include "file/hash.h"

/* --- The processor -------------------------------------------------------------------------------------- */

/* What the system tells of a processor and changes from one moment, or one of its kind, to the next. */
static bool is_passing(const char *line)
{
        static const char *const names[] = { "processor",        "cpu MHz",   "bogomips", "BogoMIPS",
                                             "physical id",      "siblings",  "core id",  "apicid",
                                             "initial apicid",   "cpu cores", "clock",    "timebase",
                                             "power management", "microcode" };

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
                size_t length = strlen(names[i]);

                if (strncmp(line, names[i], length) == 0 && strchr(" \t:", line[length]))
                        return true;
        }
        return false;
}

/* The first processor's paragraph; kernels are chosen by its features and the sizes of its caches. */
static bool describe_processor(struct scion_text *text)
{
        struct scion_text lasting = { 0 };
        char hash[SCION_HASH_TEXT];
        size_t bytes = 0;
        char *all = scion_file_read("/proc/cpuinfo", (size_t)64 << 20, &bytes), *line = all, *end;

        if (!all)
                return false;
        for (; *line && *line != '\n'; line = end + 1) {
                end = strchr(line, '\n');
                if (!end)
                        break;
                if (!is_passing(line))
                        scion_text_add(&lasting, "%.*s\n", (int)(end - line), line);
        }
        bool good = lasting.text && !lasting.failed;

        if (good)
                scion_text_add(text, "processor %s\n", scion_hash_bytes(lasting.text, lasting.length, hash));
        free(lasting.text);
        free(all);
        return good || scion_fail("/proc/cpuinfo tells nothing of the processor");
}

/* --- The libraries -------------------------------------------------------------------------------------- */

static const char *const libraries[] = { "libscion.so", "libdnnl.so", "libm.so" };

#define LIBRARIES (sizeof libraries / sizeof libraries[0])

struct found {
        struct scion_text *text;
        bool library[LIBRARIES];
};

/* The linker's hash of all that it put into the object. */
static const unsigned char *build_id(const struct dl_phdr_info *object, size_t *bytes)
{
        for (int i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
                const char *note = (const char *)(uintptr_t)(object->dlpi_addr + segment->p_vaddr);
                const char *end = note + segment->p_memsz;

                while (segment->p_type == PT_NOTE && (size_t)(end - note) >= sizeof(ElfW(Nhdr))) {
                        const ElfW(Nhdr) *head = (const void *)note;
                        const char *name = note + sizeof *head, *value = name + (head->n_namesz + 3u) / 4 * 4;

                        if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == sizeof "GNU" &&
                            memcmp(name, "GNU", sizeof "GNU") == 0) {
                                *bytes = head->n_descsz;
                                return (const unsigned char *)value;
                        }
                        note = value + (head->n_descsz + 3u) / 4 * 4;
                }
        }
        return NULL;
}

static int describe_object(struct dl_phdr_info *object, size_t size, void *context)
{
        struct found *found = context;
        const char *slash = strrchr(object->dlpi_name, '/');
        const char *name = slash ? slash + 1 : object->dlpi_name;
        char hash[SCION_HASH_TEXT];
        size_t bytes = 0;

        (void)size;
        for (size_t i = 0; i < LIBRARIES; i++) {
                if (strncmp(name, libraries[i], strlen(libraries[i])) != 0)
                        continue;
                const unsigned char *id = build_id(object, &bytes);

                if (id)
                        scion_text_add(found->text, "%s %s\n", libraries[i],
                                       scion_hash_bytes(id, bytes, hash));
                else if (scion_hash_file(object->dlpi_name, hash))
                        scion_text_add(found->text, "%s file %s\n", libraries[i], hash);
                else
                        return 1;
                found->library[i] = true;
        }
        return 0;
}

bool scion_machine_describe(struct scion_text *text)
{
        struct found found = { .text = text };
        const char *tunables =
                getenv("GLIBC_TUNABLES"); /* can hide features from the C library's functions */

        if (tunables)
                scion_text_add(text, "GLIBC_TUNABLES=%s\n", tunables);
        if (!describe_processor(text) || dl_iterate_phdr(describe_object, &found) != 0)
                return false;
        for (size_t i = 0; i < LIBRARIES; i++)
                if (!found.library[i])
                        return scion_fail("no %s is loaded", libraries[i]);
        return true;
}
