/* Grafts: modules inserted into a model after it was built. */
#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "nn/model.h"

/* A module to be grafted, and its position. */
struct graft {
        struct scion_model *model;
        struct scion_module *at; /* the module before, after or instead of which it runs */
        enum scion_place place;
        struct scion_module *module;
};

static struct scion_modules *graft_list(const struct graft *graft)
{
        return graft->place == SCION_BEFORE ? &graft->at->before : &graft->at->after;
}

/* Exchanges the grafts of two modules. */
static void modules_exchange_grafts(struct scion_module *a, struct scion_module *b)
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

/* Fails when the replacement has a child or a parameter of the same name as a graft, which the replacement inherits. */
static bool replacement_check_names(const struct scion_module *replacement,
                                    const struct scion_modules *grafts)
{
        for (size_t i = 0; i < grafts->count; i++)
                if (!scion_module_check_name(replacement, "graft", grafts->module[i]->name))
                        return false;
        return true;
}

static bool graft_check(const struct graft *graft, const char *name)
{
        const struct scion_module *module = graft->module;

        if (module->built || module->parent)
                return scion_fail("it belongs to another model or module");
        if (graft->model->closed)
                return scion_fail("%s", graft->model->closed);
        if (!scion_module_check(module))
                return false;
        if (graft->place == SCION_INSTEAD)
                return replacement_check_names(module, &graft->at->before) &&
                       replacement_check_names(module, &graft->at->after);
        if (graft->place != SCION_BEFORE && graft->place != SCION_AFTER)
                return scion_fail("unknown place %d: grafts go before, after or instead of a module",
                                  (int)graft->place);
        return scion_module_check_name(graft->at, "graft", name);
}

/* Links the module into the tree. On failure the caller must call graft_undo(). */
static bool graft_link(const struct graft *graft, const char *name)
{
        struct scion_module *module = graft->module, *at = graft->at;
        bool instead = graft->place == SCION_INSTEAD;

        if (instead)
                name = at->name;
        if (name && !(module->name = strdup(name)))
                return scion_fail("out of memory");
        if (!instead) {
                module->parent = at;
                return scion_modules_push(graft_list(graft), module);
        }
        module->parent = at->parent;
        at->replacement = module;
        modules_exchange_grafts(at, module);
        return true;
}

/* Unlinks the module from the tree, if it is linked, and destroys it. */
static void graft_undo(const struct graft *graft)
{
        struct scion_modules *list = graft->place == SCION_INSTEAD ? NULL : graft_list(graft);

        if (!list && graft->at->replacement) {
                modules_exchange_grafts(graft->module, graft->at);
                graft->at->replacement = NULL;
        } else if (list && list->count && list->module[list->count - 1] == graft->module) {
                list->count--;
        }
        scion_module_destroy(graft->module);
}

static bool model_check_head(struct scion_model *model)
{
        const struct scion_module *head = model->part ? NULL : scion_model_look_up_module(model, model->head);

        if (model->part)
                return true;
        if (!head)
                return scion_fail("the model would be left without its head '%s'", model->head);
        return scion_module_has_parameters(head) ||
               scion_fail("the head '%s' would have no parameters", model->head);
}

/* Marks the modules that are only in the earlier layout as removed from the model, and links the new layout. */
static void model_commit_layout(const struct scion_model *before, struct scion_model *model)
{
        for (size_t i = 0; i < before->modules.count; i++) {
                struct scion_module *module = before->modules.module[i];

                module->index = -1;
                module->input = module->output = NULL;
        }
        scion_model_link(model);
}

static bool graft_apply(const struct graft *graft, const char *name)
{
        struct scion_model *model = graft->model, before = *model;

        if (!graft_link(graft, name)) {
                graft_undo(graft);
                return false;
        }
        if (scion_model_lay_out(model) && model_check_head(model) &&
            (model->part || scion_model_try_out(model))) {
                model_commit_layout(&before, model);
                scion_model_finish_layout(&before);
                return true;
        }
        /* Before the new layout is freed, so that it does not free the masks of parameters in both layouts. */
        scion_model_link(&before);
        scion_model_finish_layout(model);
        *model = before;
        graft_undo(graft);
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
        if (graft.at && graft_check(&graft, name)) {
                if (graft_apply(&graft, name))
                        return true;
        } else if (!module->built && !module->parent) {
                scion_module_destroy(module);
        }
        if (!graft.at)
                return false;
        return scion_fail_prefix("%s %s '%s'", place == SCION_INSTEAD || !name ? "a module" : name,
                                 (unsigned)place < 3 ? words[place] : "at", path);
}
