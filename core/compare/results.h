/*
 * The runs of one or several results.csv files, joined on their axes: one list of runs over the columns of
 * all files, with the file and row that each run came from.
 *
 * The axes are `strategy`, `seed`, and the columns between `seed` and the first measured one. With several
 * files there is one more axis, `task`: the name of the folder that contains results.csv, which is the
 * experiment's name; for a file with another name, that name without ".csv". Files with the same task are
 * treated as one table with more seeds or strategies of the same experiment.
 */
#ifndef SCION_COMPARE_RESULTS_H
#define SCION_COMPARE_RESULTS_H

#include "compare/notes.h"
#include "table/csv.h"

#define SCION_NO_COLUMN ((size_t)-1)

enum scion_column_kind {
        SCION_COLUMN_ABOUT,   /* run, status, error */
        SCION_COLUMN_AXIS,    /* a setting of the run */
        SCION_COLUMN_MEASURE, /* a measured number */
};

/* A column of the joined results. */
struct scion_results_column {
        const char *name;
        enum scion_column_kind kind;
};

/* A file of results. */
struct scion_results_file {
        char *path;   /* path of the CSV file, as given */
        char *folder; /* its folder, which contains RUN/metrics.csv, RUN/config.yaml and RUN/log.txt */
        char *task;
        struct scion_csv_table table;
        size_t *place; /* for each column of the results, its index in the table, or SCION_NO_COLUMN */
};

/* A run. */
struct scion_result {
        size_t file, row; /* index of the file, and row in its table */
        const char *id;   /* column `run` */
        bool done;        /* column `status` is "done"; all other runs are failed */
};

/* Starts as { 0 }. */
struct scion_results {
        size_t files;
        struct scion_results_file *file;
        size_t columns;
        struct scion_results_column
                *column;             /* of all files: strategy, task, the other axes and seed come first */
        size_t strategy, seed, task; /* column indexes; `task` is SCION_NO_COLUMN for one task */
        size_t runs;
        struct scion_result *run; /* in the order of the files */
        struct scion_notes notes; /* what was left out and why */
};

/*
 * Reads the files; a folder stands for the results.csv in it. Returns false, with file and row in the
 * message, for a file that is not a file of results, for an invalid number, and for two rows of one run that
 * contradict each other. A run that is given twice counts once; a run that failed in one file and was done in
 * another counts as done; an incomplete last row, left by a killed process, is left out. Notes report all
 * three.
 */
bool scion_results_read(const char *const *paths, size_t count, struct scion_results *results);

/* Frees the contents, and resets them to { 0 }. */
void scion_results_finish(struct scion_results *results);

/* Returns a run's value in a column; "" if its file does not have the column. */
const char *scion_results_value(const struct scion_results *results, size_t run, size_t column);

/* Returns the value as a number; NaN for an empty field. */
double scion_results_number(const struct scion_results *results, size_t run, size_t column);

/*
 * Finds the column of the given kind with that name, or with that end of a dotted path if it is unambiguous
 * ("per_class"). On failure returns SCION_NO_COLUMN with a message that lists the columns and a similar name.
 * `what`, such as "--by", begins the message.
 */
size_t scion_results_find(const struct scion_results *results, const char *name, enum scion_column_kind kind,
                          const char *what);

/*
 * Fails with "WHAT: no KIND 'NAME' (did you mean 'NEAR'?); there are A, B". The first `listed` of `names` are
 * listed; a similar name is searched in all `count` of them. Returns false.
 */
bool scion_results_fail_unknown(const char *what, const char *kind, const char *name,
                                const char *const *names, size_t listed, size_t count);

/*
 * Returns a short name for a column: the last component of its path, or the whole path if another column ends
 * the same.
 */
const char *scion_results_heading(const struct scion_results *results, size_t column);

#endif
