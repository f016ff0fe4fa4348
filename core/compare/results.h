/*
 * The runs of any number of results.csv files, joined on their axes: one list of runs over the columns of all
 * files, and for each run where it came from.
 *
 * The axes are `strategy`, `seed`, and the columns after `seed` up to what was measured. With several files
 * there is one more, `task`: the name of the folder that results.csv lies in, which is the experiment's name
 * (of a file of another name: that name without ".csv"). Files of one task are one table: more seeds, or more
 * strategies, of the same experiment.
 */
#ifndef SCION_COMPARE_RESULTS_H
#define SCION_COMPARE_RESULTS_H

#include "compare/notes.h"
#include "table/csv.h"

#define SCION_NO_COLUMN ((size_t)-1)

enum scion_column_kind {
        SCION_COLUMN_ABOUT,   /* run, status, error */
        SCION_COLUMN_AXIS,    /* what was asked for */
        SCION_COLUMN_MEASURE, /* what came out: numbers */
};

struct scion_results_column {
        const char *name;
        enum scion_column_kind kind;
};

struct scion_results_file {
        char *path;   /* of the CSV file, as it was given */
        char *folder; /* its folder: a run's files are FOLDER/RUN/metrics.csv, config.yaml, log.txt */
        char *task;
        struct scion_csv_table table;
        size_t *place; /* for each column of the results: the table's, or SCION_NO_COLUMN */
};

struct scion_result {
        size_t file, row; /* results->file[file].table, its row */
        const char *id;   /* column `run` */
        bool done;        /* column `status` says so; all others are failed runs */
};

/* Starts as { 0 }. */
struct scion_results {
        size_t files;
        struct scion_results_file *file;
        size_t columns;
        struct scion_results_column
                *column;             /* of all files: strategy, task, the other axes, seed come first */
        size_t strategy, seed, task; /* columns; `task` is SCION_NO_COLUMN with one file */
        size_t runs;
        struct scion_result *run; /* in the files' order */
        struct scion_notes notes; /* what was left out, and why */
};

/*
 * Reads the files; a folder stands for the results.csv in it. False, with file and row, for what is no file of
 * results, for a number that is none, and for two rows of one run that say different things. The same run
 * given twice counts once; a run that failed in one file and was done in another counts as done; a last row
 * that a killed process left incomplete is left out: notes say so.
 */
bool scion_results_read(const char *const *paths, size_t count, struct scion_results *results);

void scion_results_finish(struct scion_results *results);

/* What a run has in a column; "" when its file does not have the column. */
const char *scion_results_value(const struct scion_results *results, size_t run, size_t column);

/* The same as a number; NaN for an empty field. */
double scion_results_number(const struct scion_results *results, size_t run, size_t column);

/*
 * The column of that name, or of that last part of a dotted path when no other axis has the same
 * ("per_class"). SCION_NO_COLUMN, with a message that tells near names, when there is none, or when it is not
 * of the kind asked for. `what` says for the message what is looked for ("--by").
 */
size_t scion_results_find(const struct scion_results *results, const char *name, enum scion_column_kind kind,
                          const char *what);

/* A column's name for people: the last part of its path, where no other column ends the same. */
const char *scion_results_heading(const struct scion_results *results, size_t column);

#endif
