#define _GNU_SOURCE /* dladdr1: which shared object an address is in */
#include "base/refuse.h"

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <link.h>
#include <scion/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#define TEXT_BYTES 2048

/* The innermost stack frame that belongs to a plugin. */
struct caller {
        struct link_map *object; /* the plugin; NULL if no frame belongs to one */
        const void *address;     /* inside the call instruction */
        struct link_map *passed; /* the last object found not to be a plugin, so that it is tested once */
};

/* Returns whether the object itself, not a library that it is linked with, defines a plugin's descriptor. */
static bool object_is_plugin(struct link_map *object)
{
        struct link_map *owner = NULL;
        Dl_info info;

        if (!*object->l_name) /* the program itself */
                return false;
        void *handle = dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD);

        if (!handle)
                return false;
        void *symbol = dlsym(handle, "scion_plugin");
        bool found = symbol && dladdr1(symbol, &info, (void **)&owner, RTLD_DL_LINKMAP) && owner == object;

        dlclose(handle); /* RTLD_NOLOAD only added a reference */
        return found;
}

static _Unwind_Reason_Code frame_visit(struct _Unwind_Context *context, void *data)
{
        struct caller *caller = data;
        struct link_map *object = NULL;
        int before = 0;
        /* A return address may already belong to the next source line. */
        uintptr_t address = _Unwind_GetIPInfo(context, &before);
        Dl_info info;

        address -= address > 0 && !before;
        if (!dladdr1((const void *)address, &info, (void **)&object, RTLD_DL_LINKMAP) || !object ||
            object == caller->passed)
                return _URC_NO_REASON;
        if (!object_is_plugin(object)) {
                caller->passed = object;
                return _URC_NO_REASON;
        }
        caller->object = object;
        caller->address = (const void *)address;
        return _URC_END_OF_STACK;
}

static int debug_file_none(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                           const char *file, const char *link, GElf_Word sum, char **found)
{
        (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)sum, (void)found;
        return -1;
}

/* Returns the path relative to the current folder if it is below it, else the path itself, as the compiler
 * got it. */
static const char *path_shorten(const char *path)
{
        char here[TEXT_BYTES];
        size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;

        return length > 1 && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                                     : path;
}

/* Returns the source file of an address and its line number, or NULL. Searches every compilation unit,
 * because not every compiler writes the table that maps addresses to units. */
static const char *line_find(Dwfl_Module *module, Dwarf_Addr address, int *number)
{
        Dwarf_Addr bias = 0;
        Dwarf_Die *unit = NULL;

        while ((unit = dwfl_module_nextcu(module, unit, &bias))) {
                Dwarf_Line *line =
                        dwarf_haspc(unit, address - bias) > 0 ? dwarf_getsrc_die(unit, address - bias) : NULL;

                if (line && dwarf_lineno(line, number) == 0)
                        return dwarf_linesrc(line, NULL, NULL);
        }
        return NULL;
}

/* Writes the beginning of the message, "FILE:LINE: ", and sets the hint for its end. */
static void location_write(const struct caller *caller, Dwfl_Module *module, char *location,
                           const char **hint)
{
        Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)caller->address;
        const char *path = caller->object->l_name, *slash = strrchr(path, '/');
        const char *function;
        int number = 0;
        const char *file = module ? line_find(module, address, &number) : NULL;

        if (file) {
                snprintf(location, TEXT_BYTES, "%s:%d: ", path_shorten(file), number);
                return;
        }
        path = slash ? slash + 1 : path;
        function = module ? dwfl_module_addrname(module, address) : NULL;
        if (function)
                snprintf(location, TEXT_BYTES, "%s: %s(): ", path, function);
        else
                snprintf(location, TEXT_BYTES, "%s+0x%llx: ", path,
                         (unsigned long long)(address - caller->object->l_addr));
        *hint = " (compile the plugin with -g to get the line)";
}

/* Writes the location in the plugin's source of the call that failed; "" if no plugin is on the stack. */
static void location_find(char *location, const char **hint)
{
        static const Dwfl_Callbacks callbacks = { .find_debuginfo = debug_file_none };
        struct caller caller = { 0 };

        location[0] = '\0';
        *hint = "";
        _Unwind_Backtrace(frame_visit, &caller);
        if (!caller.object)
                return;
        Dwfl *dwfl = dwfl_begin(&callbacks);
        const char *path = caller.object->l_name;
        Dwfl_Module *module =
                dwfl ? dwfl_report_elf(dwfl, path, path, -1, caller.object->l_addr, true) : NULL;

        if (dwfl)
                dwfl_report_end(dwfl, NULL, NULL);
        location_write(&caller, module, location, hint);
        dwfl_end(dwfl);
}

static void location_fail(const char *format, va_list arguments)
{
        char location[TEXT_BYTES], text[TEXT_BYTES];
        const char *hint;

        vsnprintf(text, sizeof text, format, arguments);
        location_find(location, &hint);
        scion_fail("%s%s%s", location, text, hint);
}

bool scion_refuse(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        location_fail(format, arguments);
        va_end(arguments);
        return false;
}

void *scion_refuse_null(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        location_fail(format, arguments);
        va_end(arguments);
        return NULL;
}
