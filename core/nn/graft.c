/* Modules put into a model that is built. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "nn/model.h"

/* What is to be put where. */
struct graft {
        struct scion_model *model;
        struct scion_module *at; /* what is there */
        enum scion_place place;
        struct scion_module *module;
};

static struct scion_modules *list_of(const struct graft *graft)
{
        return graft->place == SCION_BEFORE ? &graft->at->before : &graft->at->after;
}

/* Exchanges what was grafted onto the one and the other. */
static void exchange_grafts(struct scion_module *a, struct scion_module *b)
{
        struct scion_modules before = a->before, after = a->after;

        a->before = b->before;
        a->after = b->after;
        b->before = before;
        b->after = after;
        for (size_t i = 0; i < b->before.count; i++)
                b->before.module[i]->parent = b;
        for (size_t i = 0; i < b->after.count; i++)
                b->after.module[i]->parent = b;
}

/* A substitute's own names must leave those of the grafts alone that stay. */
static bool check_names(const struct scion_module *substitute, const struct scion_modules *grafts)
{
        for (size_t i = 0; i < grafts->count; i++)
                if (!scion_module_check_name(substitute, "graft", grafts->module[i]->name))
                        return false;
        return true;
}

static bool check(const struct graft *graft, const char *name)
{
        const struct scion_module *module = graft->module;

        if (module->built || module->parent)
                return scion_fail("it belongs to another model or module");
        if (graft->model->closed)
                return scion_fail("%s", graft->model->closed);
        if (!scion_module_check(module))
                return false;
        if (graft->place == SCION_INSTEAD)
                return check_names(module, &graft->at->before) && check_names(module, &graft->at->after);
        if (graft->place != SCION_BEFORE && graft->place != SCION_AFTER)
                return scion_fail("no place has the number %d", (int)graft->place);
        return scion_module_check_name(graft->at, "graft", name);
}

/* Ties the module into the tree. */
static bool tie(const struct graft *graft, const char *name)
{
        struct scion_module *module = graft->module, *at = graft->at;
        bool instead = graft->place == SCION_INSTEAD;

        if (instead)
                name = at->name;
        if (name && !(module->name = strdup(name)))
                return scion_fail("out of memory");
        if (!instead) {
                module->parent = at;
                return scion_modules_push(list_of(graft), module);
        }
        module->parent = at->parent;
        at->substitute = module;
        exchange_grafts(at, module);
        return true;
}

/* The tree is as it was before; the module is its maker's last sight of it. */
static void untie(const struct graft *graft)
{
        struct scion_modules *list = graft->place == SCION_INSTEAD ? NULL : list_of(graft);

        if (!list && graft->at->substitute) {
                exchange_grafts(graft->module, graft->at);
                graft->at->substitute = NULL;
        } else if (list && list->count && list->module[list->count - 1] == graft->module) {
                list->count--;
        }
        scion_module_destroy(graft->module);
}

static bool check_head(struct scion_model *model)
{
        const struct scion_module *head = model->part ? NULL : scion_model_look_up_module(model, model->head);

        if (model->part)
                return true;
        if (!head)
                return scion_fail("the model would be left without its head '%s'", model->head);
        return scion_module_has_parameters(head) ||
               scion_fail("the head '%s' would have no parameters", model->head);
}

/* What is only in the old layout is the model's no more. */
static void leave(const struct scion_model *before, struct scion_model *model)
{
        for (size_t i = 0; i < before->modules.count; i++) {
                struct scion_module *module = before->modules.module[i];

                module->index = -1;
                module->input = module->output = NULL;
        }
        scion_model_link(model);
}

static bool put(const struct graft *graft, const char *name)
{
        struct scion_model *model = graft->model, before = *model;

        if (!tie(graft, name)) {
                untie(graft);
                return false;
        }
        if (scion_model_lay_out(model) && check_head(model) && (model->part || scion_model_try_out(model))) {
                leave(&before, model);
                scion_model_finish_layout(&before);
                return true;
        }
        scion_model_link(&before); /* first: what both layouts share stays this one's */
        scion_model_finish_layout(model);
        *model = before;
        untie(graft);
        return false;
}

bool scion_model_graft(struct scion_model *model, const char *path, enum scion_place place, const char *name,
                       struct scion_module *module)
{
        static const char *const words[] = { "before", "after", "instead of" };
        struct graft graft = { .model = model, .place = place, .module = module };

        if (!module)
                return false;
        graft.at = scion_model_module(model, path);
        if (graft.at && check(&graft, name)) {
                if (put(&graft, name))
                        return true;
        } else if (!module->built && !module->parent) {
                scion_module_destroy(module);
        }
        if (!graft.at)
                return false;
        return scion_fail_prefix("%s %s '%s'", place == SCION_INSTEAD || !name ? "a module" : name,
                                 (unsigned)place < 3 ? words[place] : "at", path);
}
