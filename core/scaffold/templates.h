/* The files in templates/, which the build converts into C. */
#ifndef SCION_SCAFFOLD_TEMPLATES_H
#define SCION_SCAFFOLD_TEMPLATES_H

/* A template of a file. */
struct scion_template {
        const char *set;  /* "project" for all kinds, or the name of a kind */
        const char *path; /* path in the project */
        const char *text;
};

/* Ends with an entry whose `set` is NULL. */
extern const struct scion_template scion_templates[];

#endif
