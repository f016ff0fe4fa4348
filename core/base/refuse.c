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

#define LONGEST 2048

/* A call on the stack. */
struct caller {
        struct link_map *object; /* a plugin; NULL: none was found */
        const void *address;     /* within the call */
        struct link_map *passed; /* the last object that is no plugin */
};

/* Does this very object, and none that it is linked with, define a plugin's descriptor? */
static bool is_plugin(struct link_map *object)
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

        dlclose(handle); /* it stays open as before */
        return found;
}

static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *context, void *data)
{
        struct caller *caller = data;
        struct link_map *object = NULL;
        int before = 0;
        /* Where the call returns to may be another line already. */
        uintptr_t address = _Unwind_GetIPInfo(context, &before);
        Dl_info info;

        address -= address > 0 && !before;
        if (!dladdr1((const void *)address, &info, (void **)&object, RTLD_DL_LINKMAP) || !object ||
            object == caller->passed)
                return _URC_NO_REASON;
        if (!is_plugin(object)) {
                caller->passed = object;
                return _URC_NO_REASON;
        }
        caller->object = object;
        caller->address = (const void *)address;
        return _URC_END_OF_STACK;
}

static int no_other_file(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                         const char *file, const char *link, GElf_Word sum, char **found)
{
        (void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)sum, (void)found;
        return -1;
}

/* Paths as the compiler was given them; those below the current folder without it. */
static const char *shorten(const char *path)
{
        char here[LONGEST];
        size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;

        return length > 1 && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                                     : path;
}

/* All of a plugin's files are asked: not every compiler writes a table of which one an address belongs to. */
static const char *find_line(Dwfl_Module *module, Dwarf_Addr address, int *number)
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

/* Writes the beginning of a message, and what is to stand at its end. */
static void describe(const struct caller *caller, Dwfl_Module *module, char *place, const char **hint)
{
        Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)caller->address;
        const char *path = caller->object->l_name, *slash = strrchr(path, '/');
        const char *function;
        int number = 0;
        const char *file = module ? find_line(module, address, &number) : NULL;

        if (file) {
                snprintf(place, LONGEST, "%s:%d: ", shorten(file), number);
                return;
        }
        path = slash ? slash + 1 : path;
        function = module ? dwfl_module_addrname(module, address) : NULL;
        if (function)
                snprintf(place, LONGEST, "%s: %s(): ", path, function);
        else
                snprintf(place, LONGEST, "%s+0x%llx: ", path,
                         (unsigned long long)(address - caller->object->l_addr));
        *hint = " (built with -g, the plugin would say in which line)";
}

/* The line of the plugin that called what failed; "" when no plugin did. */
static void find_place(char *place, const char **hint)
{
        static const Dwfl_Callbacks callbacks = { .find_debuginfo = no_other_file };
        struct caller caller = { 0 };

        place[0] = '\0';
        *hint = "";
        _Unwind_Backtrace(look_at_frame, &caller);
        if (!caller.object)
                return;
        Dwfl *dwfl = dwfl_begin(&callbacks);
        const char *path = caller.object->l_name;
        Dwfl_Module *module =
                dwfl ? dwfl_report_elf(dwfl, path, path, -1, caller.object->l_addr, true) : NULL;

        if (dwfl)
                dwfl_report_end(dwfl, NULL, NULL);
        describe(&caller, module, place, hint);
        dwfl_end(dwfl);
}

static void refuse(const char *format, va_list arguments)
{
        char place[LONGEST], text[LONGEST];
        const char *hint;

        vsnprintf(text, sizeof text, format, arguments);
        find_place(place, &hint);
        scion_fail("%s%s%s", place, text, hint);
}

bool scion_refuse(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        refuse(format, arguments);
        va_end(arguments);
        return false;
}

void *scion_refuse_null(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        refuse(format, arguments);
        va_end(arguments);
        return NULL;
}
