#define _GNU_SOURCE /* dladdr1() */

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

/* A loaded plugin. It stays loaded until the process ends, because any object may point into it. */
struct loaded {
        struct loaded *next;
        char *path;
        char hash[SCION_HASH_TEXT];        /* of the file */
        union scion_descriptor descriptor; /* a copy; fields that an older plugin does not have are 0 */
};

static struct loaded *all; /* a list */
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
        [SCION_BACKEND] = { "backend", "backends", sizeof(struct scion_backend_plugin) },
};

#define KINDS (sizeof kinds / sizeof *kinds)

static bool kind_is_known(unsigned kind)
{
        return kind > 0 && kind < KINDS;
}

const char *scion_kind_name(enum scion_kind kind)
{
        return kind_is_known(kind) ? kinds[kind].name : "unknown";
}

const char *scion_kind_folder(enum scion_kind kind)
{
        return kind_is_known(kind) ? kinds[kind].folder : "unknown";
}

size_t scion_kind_bytes(enum scion_kind kind)
{
        return kind_is_known(kind) ? kinds[kind].bytes : 0;
}

enum scion_kind scion_kind_parse(const char *text)
{
        const char *names[KINDS];
        struct scion_text hint = { 0 };

        for (unsigned kind = 1; kind < KINDS; kind++) {
                if (strcmp(text, kinds[kind].name) == 0 || strcmp(text, kinds[kind].folder) == 0)
                        return (enum scion_kind)kind;
                names[kind] = kinds[kind].name;
        }
        scion_suggest(&hint, text, names + 1, KINDS - 1);
        scion_fail("no kind of plugin is called '%s'%s: there are strategy, loss, optimizer, dataset and "
                   "model",
                   text, hint.text ? hint.text : "");
        free(hint.text);
        return (enum scion_kind)0;
}

/* --- Opening -------------------------------------------------------------------------------------------- */

/* Sets a message for an error of dlopen(). */
static void path_fail_dlopen(const char *path)
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

/* Opens the shared object. Puts "./" before a name without a slash, which dlopen() would search for in the
 * system's library directories. */
static void *object_open(const char *path)
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
                path_fail_dlopen(path);
        free(here);
        return handle;
}

/* Returns the descriptor and its size, if the object itself defines it: dlsym() also searches the libraries
 * that the object is linked with. */
static const void *object_find_symbol(void *handle, size_t *bytes)
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

/* Copies the descriptor, after checking the ABI and the sizes on which the meaning of its fields depends. */
static bool descriptor_copy(union scion_descriptor *descriptor, const void *symbol, size_t room)
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
        if (!kind_is_known(plugin->kind))
                return scion_fail("a plugin of kind %u, which this Scion (" SCION_VERSION ") does not know",
                                  (unsigned)plugin->kind);
        if (plugin->bytes > scion_kind_bytes(plugin->kind))
                return scion_fail("its descriptor has %u bytes, and this Scion (" SCION_VERSION
                                  ") knows %zu of them: it was built for a newer one",
                                  (unsigned)plugin->bytes, scion_kind_bytes(plugin->kind));
        memcpy(descriptor, symbol, plugin->bytes);
        return true;
}

static bool plugin_check_kind(const struct scion_plugin *plugin, enum scion_kind wanted)
{
        if (wanted && plugin->kind != wanted)
                return scion_fail("'%s' is a plugin of the kind %s, not %s", plugin->name,
                                  scion_kind_name(plugin->kind), scion_kind_name(wanted));
        return true;
}

static bool plugin_check_file_name(const struct scion_plugin *plugin, const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *file = slash ? slash + 1 : path;
        size_t length = strlen(plugin->name);

        if (strncmp(file, plugin->name, length) != 0 || strcmp(file + length, ".so") != 0)
                return scion_fail("the plugin in it is called '%s', so the file must be called '%s.so'",
                                  plugin->name, plugin->name);
        return true;
}

static struct loaded *plugin_open(const char *path, enum scion_kind kind)
{
        struct loaded *loaded = calloc(1, sizeof *loaded);
        const struct scion_plugin *plugin = loaded ? &loaded->descriptor.plugin : NULL;
        void *handle = NULL;
        const void *symbol;
        size_t bytes = 0;

        if (!loaded || !(loaded->path = strdup(path))) {
                scion_fail("out of memory");
                goto failed;
        }
        handle = object_open(path);
        if (!handle || !scion_hash_file(path, loaded->hash))
                goto failed;
        symbol = object_find_symbol(handle, &bytes);
        if (!symbol || !descriptor_copy(&loaded->descriptor, symbol, bytes))
                goto failed;
        if (!scion_plugin_name_check(plugin->name) || !plugin_check_kind(plugin, kind) ||
            !plugin_check_file_name(plugin, path) || !scion_descriptor_check(&loaded->descriptor))
                goto failed;
        return loaded;

failed:
        /* The message was formatted before, so it does not point into the object. */
        if (handle)
                dlclose(handle);
        if (loaded)
                free(loaded->path);
        free(loaded);
        return NULL;
}

const struct scion_plugin *scion_plugin_load(const char *path, enum scion_kind kind)
{
        struct loaded *loaded;

        pthread_mutex_lock(&lock);
        for (loaded = all; loaded && strcmp(loaded->path, path) != 0; loaded = loaded->next)
                ;
        if (!loaded) {
                loaded = plugin_open(path, kind);
                if (loaded) {
                        loaded->next = all;
                        all = loaded;
                }
        } else if (!plugin_check_kind(&loaded->descriptor.plugin, kind)) {
                loaded = NULL;
        }
        pthread_mutex_unlock(&lock);
        if (!loaded) {
                scion_fail_prefix("%s", path);
                return NULL;
        }
        return &loaded->descriptor.plugin;
}

const struct scion_plugin *scion_plugin_open(const char *path)
{
        return scion_plugin_load(path, (enum scion_kind)0);
}

static struct loaded *loaded_find(const struct scion_plugin *plugin)
{
        struct loaded *loaded;

        pthread_mutex_lock(&lock);
        for (loaded = all; loaded && &loaded->descriptor.plugin != plugin; loaded = loaded->next)
                ;
        pthread_mutex_unlock(&lock);
        return loaded;
}

const char *scion_plugin_path(const struct scion_plugin *plugin)
{
        const struct loaded *loaded = loaded_find(plugin);

        if (plugin == (const struct scion_plugin *)scion_backend_cpu())
                return SCION_PLUGIN_BUILT_IN;
        return loaded ? loaded->path : NULL;
}

const char *scion_plugin_hash(const struct scion_plugin *plugin)
{
        const struct loaded *loaded = loaded_find(plugin);

        return loaded ? loaded->hash : NULL;
}
