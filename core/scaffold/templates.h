/* The files under templates/, which the build makes into C. */
#ifndef SCION_SCAFFOLD_TEMPLATES_H
#define SCION_SCAFFOLD_TEMPLATES_H

struct scion_template {
        const char *set;  /* "project", of all kinds, or a kind's name */
        const char *path; /* in the project */
        const char *text;
};

/* Ends with a `set` of NULL. */
extern const struct scion_template scion_templates[];

#endif
