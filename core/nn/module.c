/* The tree of modules: names, parameters, ownership. */
#include "nn/module.h"

#include <scion/error.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/text.h"
#include "nn/model.h"
#include "tensor/tape.h"

/* Marks the module as unusable and keeps the message of scion_error(), unless it is unusable already. */
static void module_set_unusable(struct scion_module *module)
{
        if (!module->unusable)
                module->error = strdup(scion_error());
        module->unusable = true;
}

struct scion_module *scion_nn_module(const struct scion_module_impl *impl, size_t bytes)
{
        if (!impl || !impl->kind || !impl->forward)
                return scion_fail_null("a module needs a kind and a forward function");
        if (bytes > (size_t)1 << 40)
                return scion_fail_null("%s: a state of %zu bytes is too large", impl->kind, bytes);
        struct scion_module *module = calloc(1, sizeof *module + bytes);

        if (!module)
                return scion_fail_null("out of memory");
        module->impl = impl;
        module->index = -1;
        module->input_shape.ndim = module->output_shape.ndim = -1;
        return module;
}

static void modules_destroy(struct scion_modules *list)
{
        for (size_t i = 0; i < list->count; i++)
                scion_module_destroy(list->module[i]);
        free(list->module);
}

void scion_module_destroy(struct scion_module *module)
{
        if (!module)
                return;
        if (module->impl->finish)
                module->impl->finish(module->self);
        modules_destroy(&module->child);
        modules_destroy(&module->refused);
        modules_destroy(&module->before);
        modules_destroy(&module->after);
        scion_module_destroy(module->replacement);
        for (int i = 0; i < module->declared; i++)
                free(module->parameter[i].name);
        free(module->parameter);
        free(module->path);
        free(module->error);
        free(module->name);
        free(module);
}

void *scion_nn_self(struct scion_module *module)
{
        return module ? module->self : NULL;
}

/* Children and parameters share one set of names, because their paths must be unique. */
bool scion_module_check_name(const struct scion_module *module, const char *what, const char *name)
{
        const char *kind = module->impl->kind;
        const struct scion_module *below;

        if (!name || !*name)
                return scion_fail("%s: a %s must have a name", kind, what);
        if (strchr(name, '.'))
                return scion_fail("%s: the name of a %s must not contain a dot, got '%s'", kind, what, name);
        for (size_t i = 0; (below = scion_module_below(module, i)); i++)
                if (strcmp(below->name, name) == 0)
                        return scion_fail("%s: there is a child called '%s' already", kind, name);
        for (int i = 0; i < module->declared; i++)
                if (strcmp(module->parameter[i].name, name) == 0)
                        return scion_fail("%s: there is a %s called '%s' already", kind,
                                          module->parameter[i].buffer ? "buffer" : "parameter", name);
        return true;
}

/* Checks that the child has no parent, and that it is not the parent itself or one of the parent's ancestors. */
static bool child_check(const struct scion_module *parent, const struct scion_module *child)
{
        if (child->parent)
                return scion_fail("%s: the appended module already has a parent", parent->impl->kind);
        for (const struct scion_module *above = parent; above; above = above->parent)
                if (above == child)
                        return scion_fail("%s: a module cannot be its own descendant", parent->impl->kind);
        return true;
}

static bool parent_check(const struct scion_module *parent)
{
        if (parent->built)
                return scion_fail("%s: nothing can be added once the model is built", parent->impl->kind);
        return !parent->leaf || scion_fail("%s: takes no children", parent->impl->kind);
}

bool scion_modules_push(struct scion_modules *list, struct scion_module *module)
{
        struct scion_module **longer = realloc(list->module, (list->count + 1) * sizeof *longer);

        if (!longer)
                return scion_fail("out of memory");
        list->module = longer;
        longer[list->count++] = module;
        return true;
}

/* Marks the parent as unusable and moves the child to its refused ones. The child is not destroyed before the parent,
 * because the caller may still use the pointer. Returns NULL. */
static struct scion_module *child_refuse(struct scion_module *parent, struct scion_module *child)
{
        module_set_unusable(parent);
        child->parent = parent;
        if (!scion_modules_push(&parent->refused, child))
                scion_module_destroy(child);
        return NULL;
}

struct scion_module *scion_nn_append(struct scion_module *parent, const char *name,
                                     struct scion_module *child)
{
        if (!parent) {
                if (child && !child->parent)
                        scion_module_destroy(child);
                return NULL;
        }
        if (!child) {
                scion_fail_prefix("%s", name ? name : "a child");
                module_set_unusable(parent);
                return NULL;
        }
        if (!child_check(parent, child)) {
                module_set_unusable(parent);
                return NULL;
        }
        if (!parent_check(parent) || !scion_module_check_name(parent, "child", name))
                return child_refuse(parent, child);
        char *copy = strdup(name);

        if (!copy || !scion_modules_push(&parent->child, child)) {
                free(copy);
                scion_fail("out of memory");
                return child_refuse(parent, child);
        }
        child->name = copy;
        child->parent = parent;
        return parent;
}

struct scion_module *scion_module_effective(struct scion_module *module)
{
        while (module && module->replacement)
                module = module->replacement;
        return module;
}

struct scion_module *scion_module_below(const struct scion_module *module, size_t index)
{
        const struct scion_modules *lists[] = { &module->before, &module->child, &module->after };

        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
                if (index < lists[i]->count)
                        return scion_module_effective(lists[i]->module[index]);
                index -= lists[i]->count;
        }
        return NULL;
}

bool scion_module_has_parameters(const struct scion_module *module)
{
        const struct scion_module *below;

        for (int i = 0; i < module->declared; i++)
                if (!module->parameter[i].buffer)
                        return true;
        for (size_t i = 0; (below = scion_module_below(module, i)); i++)
                if (scion_module_has_parameters(below))
                        return true;
        return false;
}

static int module_push_declared(struct scion_module *module, const char *name, struct scion_shape shape,
                                struct scion_init init, bool buffer)
{
        struct scion_declared *longer =
                realloc(module->parameter, ((size_t)module->declared + 1) * sizeof *longer);
        char *copy = longer ? strdup(name) : NULL;

        if (longer)
                module->parameter = longer;
        if (!copy) {
                scion_fail("out of memory");
                return -1;
        }
        longer[module->declared] =
                (struct scion_declared){ .name = copy, .shape = shape, .init = init, .buffer = buffer };
        return module->declared++;
}

static bool module_check_unbuilt(const struct scion_module *module)
{
        return !module->built ||
               scion_fail("%s: nothing can be added once the model is built", module->impl->kind);
}

static int module_declare(struct scion_module *module, const char *name, struct scion_shape shape,
                          struct scion_init init, bool buffer)
{
        const char *what = buffer ? "buffer" : "parameter";
        int slot = -1;

        if (!module)
                return -1;
        if (module_check_unbuilt(module) && scion_module_check_name(module, what, name)) {
                if (scion_check_shape(&shape) && scion_init_check(&init, &shape))
                        slot = module_push_declared(module, name, shape, init, buffer);
                else
                        scion_fail_prefix("%s: %s '%s'", module->impl->kind, what, name);
        }
        if (slot < 0)
                module_set_unusable(module);
        return slot;
}

int scion_nn_parameter(struct scion_module *module, const char *name, struct scion_shape shape,
                       struct scion_init init)
{
        return module_declare(module, name, shape, init, false);
}

int scion_nn_buffer(struct scion_module *module, const char *name, struct scion_shape shape,
                    struct scion_init init)
{
        return module_declare(module, name, shape, init, true);
}

/* Returns the declaration of the module's parameter of that name. If there is none, or if the model is already built,
 * marks the module as unusable and returns NULL. */
static struct scion_declared *module_find_declared(struct scion_module *module, const char *name)
{
        if (!module)
                return NULL;
        for (int i = 0; i < module->declared && !module->built; i++)
                if (strcmp(module->parameter[i].name, name) == 0 && !module->parameter[i].buffer)
                        return &module->parameter[i];
        if (!module->built)
                scion_fail("%s: there is no parameter called '%s'", module->impl->kind, name);
        else
                scion_fail("%s: nothing can be changed once the model is built", module->impl->kind);
        module_set_unusable(module);
        return NULL;
}

struct scion_module *scion_nn_init(struct scion_module *module, const char *name, struct scion_init init)
{
        struct scion_declared *declared = module_find_declared(module, name);

        if (declared && scion_init_check(&init, &declared->shape)) {
                declared->init = init;
        } else if (declared) {
                scion_fail_prefix("%s: parameter '%s'", module->impl->kind, name);
                module_set_unusable(module);
        }
        return module;
}

struct scion_module *scion_nn_no_decay(struct scion_module *module, const char *name)
{
        struct scion_declared *declared = module_find_declared(module, name);

        if (declared)
                declared->no_decay = true;
        return module;
}

bool scion_nn_set_buffer(struct scion_module *module, int slot, struct scion_tensor *x)
{
        char is[96], wanted[96];

        if (!module || !x)
                return false;
        const char *kind = module->impl->kind;
        struct scion_tensor *buffer = scion_nn_tensor(module, slot);

        if (!buffer)
                return false;
        if (!module->parameter[slot].buffer)
                return scion_fail("%s: '%s' is a parameter, not a buffer", kind,
                                  module->parameter[slot].name);
        if (x->dtype != SCION_F32 || !scion_shape_equal(&x->shape, &buffer->shape))
                return scion_fail("%s: the buffer '%s' takes floats of shape %s, got %s of %s", kind,
                                  module->parameter[slot].name,
                                  scion_shape_text(&buffer->shape, wanted, sizeof wanted),
                                  x->dtype == SCION_F32 ? "floats" : "integers",
                                  scion_shape_text(&x->shape, is, sizeof is));
        return scion_tensor_copy(x, buffer);
}

/* Returns the tensor that is used in this step: the parameter's substitute if it has one, else its values. */
static struct scion_tensor *declared_step_tensor(const struct scion_declared *declared)
{
        struct scion_parameter *parameter = declared->parameter;

        return parameter && parameter->substitute ? parameter->substitute : scion_parameter_tensor(parameter);
}

bool scion_nn_training(const struct scion_module *module)
{
        const struct scion_tape *tape = scion_tape_current();
        bool any = false, trained = false;

        if (!module || !tape || !scion_tape_training(tape))
                return false;
        for (int i = 0; i < module->declared; i++) {
                const struct scion_tensor *tensor = declared_step_tensor(&module->parameter[i]);

                if (module->parameter[i].buffer || !tensor)
                        continue;
                any = true;
                trained = trained || tensor->requires_grad;
        }
        return trained || !any;
}

struct scion_tensor *scion_nn_tensor(struct scion_module *module, int slot)
{
        if (!module)
                return NULL;
        if (slot < 0 || slot >= module->declared)
                return scion_fail_null("%s: there is no parameter in slot %d", module->impl->kind, slot);
        struct scion_tensor *tensor = declared_step_tensor(&module->parameter[slot]);

        return tensor ? tensor
                      : scion_fail_null("%s: parameters have no values before the model is built",
                                        module->impl->kind);
}

const char *scion_module_path(const struct scion_module *module)
{
        return module ? module->path : NULL;
}

const char *scion_module_kind(const struct scion_module *module)
{
        return module ? module->impl->kind : NULL;
}

struct scion_module *scion_module_parent(const struct scion_module *module)
{
        return module ? module->parent : NULL;
}

struct scion_parameter *scion_module_parameter(const struct scion_module *module, const char *name)
{
        for (int i = 0; module && i < module->declared; i++)
                if (strcmp(module->parameter[i].name, name) == 0)
                        return module->parameter[i].parameter;
        return NULL;
}

void scion_module_write_path(const struct scion_module *module, struct scion_text *text)
{
        if (!module->parent)
                return;
        scion_module_write_path(module->parent, text);
        scion_text_add(text, text->length ? ".%s" : "%s", module->name ? module->name : "?");
}

/* Prefixes the current message with the module's path. */
static void module_prefix_path(const struct scion_module *module)
{
        struct scion_text path = { 0 };

        scion_module_write_path(module, &path);
        if (path.length)
                scion_fail_prefix("%s", path.text);
        free(path.text);
}

bool scion_module_check(const struct scion_module *module)
{
        for (size_t i = 0; i < module->child.count; i++)
                if (!scion_module_check(module->child.module[i]))
                        return false;
        if (!module->unusable)
                return true;
        scion_fail("%s", module->error ? module->error : "out of memory");
        module_prefix_path(module);
        return false;
}

/*
 * The message of a failure begins with the path of the innermost module that failed. `reported` is true while a failure
 * whose message has a path already is returned through the enclosing modules. Each call begins with false, so that
 * modules that run later, on another input, report their own failures.
 */
struct scion_tensor *scion_nn_forward(struct scion_module *module, struct scion_tensor *x)
{
        static _Thread_local bool reported;

        module = scion_module_effective(module);
        if (!module || !x)
                return NULL;
        struct scion_tensor *y;
        bool before = reported;

        reported = false;
        for (size_t i = 0; i < module->before.count; i++)
                x = scion_nn_forward(module->before.module[i], x);
        y = x ? module->impl->forward(module->self, module, x) : NULL;
        module->input = x;
        module->output = y;
        for (size_t i = 0; i < module->after.count; i++)
                y = scion_nn_forward(module->after.module[i], y);
        if (!y && !reported)
                module_prefix_path(module);
        reported = before || !y;
        return y;
}
