#define _GNU_SOURCE /* dl_iterate_phdr() */
#include "file/machine.h"

#include <link.h>
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "file/files.h"
#include "file/hash.h"

/* --- The processor -------------------------------------------------------------------------------------- */

/* Returns whether a line of /proc/cpuinfo changes over time, or differs between processors of the same
 * model. */
static bool line_is_volatile(const char *line)
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

/* Adds the hash of the first processor's description. Its features and cache sizes determine which kernels
 * run. */
static bool processor_describe(struct scion_text *text)
{
        struct scion_text stable = { 0 };
        char hash[SCION_HASH_TEXT];
        size_t bytes = 0;
        char *all = scion_file_read("/proc/cpuinfo", (size_t)64 << 20, &bytes), *line = all, *end;

        if (!all)
                return false;
        for (; *line && *line != '\n'; line = end + 1) {
                end = strchr(line, '\n');
                if (!end)
                        break;
                if (!line_is_volatile(line))
                        scion_text_add(&stable, "%.*s\n", (int)(end - line), line);
        }
        bool good = stable.text && !stable.failed;

        if (good)
                scion_text_add(text, "processor %s\n", scion_hash_bytes(stable.text, stable.length, hash));
        free(stable.text);
        free(all);
        return good || scion_fail("/proc/cpuinfo does not describe the processor");
}

/* --- The libraries -------------------------------------------------------------------------------------- */

static const char *const libraries[] = { "libscion.so", "libdnnl.so", "libm.so" };

#define LIBRARIES (sizeof libraries / sizeof libraries[0])

struct object_search {
        struct scion_text *text;
        bool library[LIBRARIES]; /* which were found */
};

/* Returns the build id, the linker's hash of the object's contents, from the memory image: the file may
 * have been replaced since it was loaded. NULL if there is none. */
static const unsigned char *object_build_id(const struct dl_phdr_info *object, size_t *bytes)
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

static int object_describe(struct dl_phdr_info *object, size_t size, void *context)
{
        struct object_search *search = context;
        const char *slash = strrchr(object->dlpi_name, '/');
        const char *name = slash ? slash + 1 : object->dlpi_name;
        char hash[SCION_HASH_TEXT];
        size_t bytes = 0;

        (void)size;
        for (size_t i = 0; i < LIBRARIES; i++) {
                if (strncmp(name, libraries[i], strlen(libraries[i])) != 0)
                        continue;
                const unsigned char *id = object_build_id(object, &bytes);

                if (id)
                        scion_text_add(search->text, "%s %s\n", libraries[i],
                                       scion_hash_bytes(id, bytes, hash));
                else if (scion_hash_file(object->dlpi_name, hash))
                        scion_text_add(search->text, "%s file %s\n", libraries[i], hash);
                else
                        return 1;
                search->library[i] = true;
        }
        return 0;
}

bool scion_machine_describe(struct scion_text *text)
{
        struct object_search search = { .text = text };
        const char *tunables = getenv("GLIBC_TUNABLES"); /* can disable processor features in libm */

        if (tunables)
                scion_text_add(text, "GLIBC_TUNABLES=%s\n", tunables);
        if (!processor_describe(text) || dl_iterate_phdr(object_describe, &search) != 0)
                return false;
        for (size_t i = 0; i < LIBRARIES; i++)
                if (!search.library[i])
                        return scion_fail("no %s is loaded", libraries[i]);
        return true;
}
