#define _GNU_SOURCE /* dladdr1: the size of the descriptor's symbol, and which object it is from */

#include "plugin/plugin.h"

#include "base/text.h"
#include "file/hash.h"
#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOL "scion_plugin"

/* A plugin that is open. They stay so until the process ends: anything may point into them. */
struct opened {
        struct opened *next;
        char *path;
        char hash[SCION_HASH_TEXT];        /* of the file */
        union scion_descriptor descriptor; /* a copy, with zeros for what an older plugin does not have */
};

static struct opened *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const struct {
        const char *name, *folder;
        size_t bytes;
} kinds[] = {
        [SCION_STRATEGY] = { "strategy", "strategies", sizeof(struct scion_strategy_plugin) },
        [SCION_LOSS] = { "loss", "losses", sizeof(struct scion_loss_plugin) },
        [SCION_OPTIMIZER] = { "optimizer", "optimizers", sizeof(struct scion_optimizer_plugin) },
        [SCION_DATASET] = { "dataset", "datasets", sizeof(struct scion_dataset_plugin) },
        [SCION_MODEL] = { "model", "models", sizeof(struct scion_model_plugin) },
};

#define KINDS (sizeof kinds / sizeof *kinds)

static bool is_kind(unsigned kind)
{
        return kind > 0 && kind < KINDS;
}

const char *scion_kind_name(enum scion_kind kind)
{
        return is_kind(kind) ? kinds[kind].name : "unknown";
}

const char *scion_kind_folder(enum scion_kind kind)
{
        return is_kind(kind) ? kinds[kind].folder : "unknown";
}

size_t scion_kind_bytes(enum scion_kind kind)
{
        return is_kind(kind) ? kinds[kind].bytes : 0;
}

enum scion_kind scion_kind_parse(const char *text)
{
        const char *names[KINDS], *near;

        for (unsigned kind = 1; kind < KINDS; kind++) {
                if (strcmp(text, kinds[kind].name) == 0 || strcmp(text, kinds[kind].folder) == 0)
                        return (enum scion_kind)kind;
                names[kind] = kinds[kind].name;
        }
        near = scion_nearest(text, names + 1, KINDS - 1);
        scion_fail("no kind of plugin is called '%s'%s%s%s: there are strategy, loss, optimizer, dataset and "
                   "model",
                   text, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        return (enum scion_kind)0;
}

/* --- Opening -------------------------------------------------------------------------------------------- */

/* Says in plain words why dlopen() refused. */
static void explain_refusal(const char *path)
{
        static const char undefined[] = "undefined symbol: ";
        const char *reason = dlerror();
        const char *symbol = reason ? strstr(reason, undefined) : NULL;
        size_t length = strlen(path);

        if (symbol) {
                symbol += strlen(undefined);
                length = strcspn(symbol, ", "); /* ", version SCION_1" may follow */
                scion_fail("undefined symbol '%.*s'; %s", (int)length, symbol,
                           strncmp(symbol, "scion_", 6) == 0
                                   ? "was it built for a newer Scion than " SCION_VERSION "?"
                                   : "is it linked with the library that has it?");
                return;
        }
        if (reason && strstr(reason, "version `SCION_") && strstr(reason, "not found")) {
                scion_fail("was built for a newer Scion than " SCION_VERSION ": %s", reason);
                return;
        }
        if (reason && strncmp(reason, path, length) == 0 && strncmp(reason + length, ": ", 2) == 0)
                reason += length + 2;
        scion_fail("cannot be loaded: %s", reason ? reason : "no reason given");
}

/* dlopen() looks for a bare name in the system's library directories; this opens the file meant. */
static void *open_object(const char *path)
{
        char *here = NULL;
        void *handle = NULL;

        if (!scion_elf_check(path))
                return NULL;
        if (!strchr(path, '/')) {
                here = malloc(strlen(path) + 3);
                if (!here)
                        return scion_fail_null("out of memory");
                path = strcat(strcpy(here, "./"), path);
        }
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handle)
                explain_refusal(path);
        free(here);
        return handle;
}

/* The descriptor's symbol and its size, when this very object defines it: dlsym() also looks into the
 * libraries that the object is linked with. */
static const void *find_symbol(void *handle, size_t *bytes)
{
        const void *symbol = dlsym(handle, SYMBOL);
        const ElfW(Sym) *entry = NULL;
        struct link_map *object = NULL, *owner = NULL;
        Dl_info info;

        if (!symbol || dlinfo(handle, RTLD_DI_LINKMAP, &object) != 0 ||
            !dladdr1(symbol, &info, (void **)&owner, RTLD_DL_LINKMAP) || owner != object ||
            !dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) || !entry ||
            ELF64_ST_TYPE(entry->st_info) != STT_OBJECT)
                return scion_fail_null("not a Scion plugin: it has no data called '" SYMBOL
                                       "'; the macros SCION_PLUGIN_... define it");
        *bytes = entry->st_size;
        return symbol;
}

/* Takes over the descriptor, after the checks that must come before anything in it is believed. */
static bool copy_descriptor(const void *symbol, size_t room, union scion_descriptor *descriptor)
{
        struct scion_plugin *plugin = &descriptor->plugin;
        size_t head = offsetof(struct scion_plugin, name);

        if (room < head)
                return scion_fail("not a Scion plugin: its '" SYMBOL "' has only %zu bytes", room);
        memcpy(plugin, symbol, head);
        if (plugin->abi != SCION_ABI)
                return scion_fail("built for plugin interface %u, and this Scion (" SCION_VERSION
                                  ") has %u: %s",
                                  (unsigned)plugin->abi, (unsigned)SCION_ABI,
                                  plugin->abi < SCION_ABI ? "build it again with this Scion's headers"
                                                          : "use a newer Scion, or build it with the headers "
                                                            "of this one");
        if (plugin->bytes < sizeof *plugin || plugin->bytes > room || plugin->bytes % sizeof(void *) != 0)
                return scion_fail("its descriptor says that it has %u bytes, which cannot be (its symbol "
                                  "has %zu): use the macros SCION_PLUGIN_...",
                                  (unsigned)plugin->bytes, room);
        if (plugin->param_bytes != sizeof(struct scion_param))
                return scion_fail("its parameters have %u bytes each, and here they have %zu: build it again "
                                  "with this Scion's headers",
                                  (unsigned)plugin->param_bytes, sizeof(struct scion_param));
        if (!is_kind(plugin->kind))
                return scion_fail("a plugin of kind %u, which this Scion (" SCION_VERSION ") does not know",
                                  (unsigned)plugin->kind);
        if (plugin->bytes > scion_kind_bytes(plugin->kind))
                return scion_fail("its descriptor has %u bytes, and this Scion (" SCION_VERSION
                                  ") knows %zu of them: it was built for a newer one",
                                  (unsigned)plugin->bytes, scion_kind_bytes(plugin->kind));
        memcpy(descriptor, symbol, plugin->bytes);
        return true;
}

static bool check_kind(const struct scion_plugin *plugin, enum scion_kind wanted)
{
        if (wanted && plugin->kind != wanted)
                return scion_fail("'%s' is a plugin of the kind %s, not %s", plugin->name,
                                  scion_kind_name(plugin->kind), scion_kind_name(wanted));
        return true;
}

static bool check_file_name(const struct scion_plugin *plugin, const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *file = slash ? slash + 1 : path;
        size_t length = strlen(plugin->name);

        if (strncmp(file, plugin->name, length) != 0 || strcmp(file + length, ".so") != 0)
                return scion_fail("the plugin in it is called '%s', so the file must be called '%s.so'",
                                  plugin->name, plugin->name);
        return true;
}

static struct opened *open_plugin(const char *path, enum scion_kind kind)
{
        struct opened *opened = calloc(1, sizeof *opened);
        const struct scion_plugin *plugin = opened ? &opened->descriptor.plugin : NULL;
        void *handle = NULL;
        const void *symbol;
        size_t bytes = 0;

        if (!opened || !(opened->path = strdup(path))) {
                scion_fail("out of memory");
                goto failed;
        }
        handle = open_object(path);
        if (!handle || !scion_hash_file(path, opened->hash))
                goto failed;
        symbol = find_symbol(handle, &bytes);
        if (!symbol || !copy_descriptor(symbol, bytes, &opened->descriptor))
                goto failed;
        if (!scion_plugin_name_check(plugin->name) || !check_kind(plugin, kind) ||
            !check_file_name(plugin, path) || !scion_descriptor_check(&opened->descriptor))
                goto failed;
        return opened;

failed:
        /* Before the object goes: a message has been formatted, it does not point into it. */
        if (handle)
                dlclose(handle);
        if (opened)
                free(opened->path);
        free(opened);
        return NULL;
}

const struct scion_plugin *scion_plugin_load(const char *path, enum scion_kind kind)
{
        struct opened *opened;

        pthread_mutex_lock(&lock);
        for (opened = all; opened && strcmp(opened->path, path) != 0; opened = opened->next)
                ;
        if (!opened) {
                opened = open_plugin(path, kind);
                if (opened) {
                        opened->next = all;
                        all = opened;
                }
        } else if (!check_kind(&opened->descriptor.plugin, kind)) {
                opened = NULL;
        }
        pthread_mutex_unlock(&lock);
        if (!opened) {
                scion_fail_prefix("%s", path);
                return NULL;
        }
        return &opened->descriptor.plugin;
}

const struct scion_plugin *scion_plugin_open(const char *path)
{
        return scion_plugin_load(path, (enum scion_kind)0);
}

static struct opened *opened_of(const struct scion_plugin *plugin)
{
        struct opened *opened;

        pthread_mutex_lock(&lock);
        for (opened = all; opened && &opened->descriptor.plugin != plugin; opened = opened->next)
                ;
        pthread_mutex_unlock(&lock);
        return opened;
}

const char *scion_plugin_path(const struct scion_plugin *plugin)
{
        const struct opened *opened = opened_of(plugin);

        return opened ? opened->path : NULL;
}

const char *scion_plugin_hash(const struct scion_plugin *plugin)
{
        const struct opened *opened = opened_of(plugin);

        return opened ? opened->hash : NULL;
}
