/*
 * Files read whole, and files that are either the old or the whole new one. Messages name the path.
 */
#ifndef SCION_FILE_FILES_H
#define SCION_FILE_FILES_H

#include <scion/api.h>
#include <sys/types.h>

/*
 * Reads a file whole: its bytes, and a NUL after them that is not counted. The caller frees them. Pipes and
 * the like are read to their end. NULL for a file that cannot be read, a directory, or one of more than
 * `most` bytes.
 */
char *scion_file_read(const char *path, size_t most, size_t *bytes);

/*
 * A file in the making. It lies beside `path` under another name until scion_file_commit() has synced it to
 * the disk and renamed it; a process killed before leaves `path` as it was.
 */
struct scion_file;

/* NULL when the folder cannot be written, or when `path` is there and is no regular file. */
struct scion_file *scion_file_create(const char *path);
/* Appends; false on a full disk and the like, after which only scion_file_discard() is of use. */
bool scion_file_add(struct scion_file *file, const void *data, size_t bytes);
/* Puts the file in its place, for good: the folder is synced too. Frees `file`, also when it fails. */
bool scion_file_commit(struct scion_file *file);
/* Makes the entry of the file `path` in its folder last. */
bool scion_folder_sync(const char *path);
/* Gives up: `path` stays as it was. Frees `file`; takes NULL. */
void scion_file_discard(struct scion_file *file);

/* The same in one call. */
bool scion_file_write(const char *path, const void *data, size_t bytes);

/* Writes all of it to a descriptor, through interruptions. False, with errno set, when not all was taken. */
bool scion_write_all(int descriptor, const void *data, size_t bytes);

/* Reads until all is there or the file ends; how many bytes came. -1, with errno set, when it cannot be read. */
ssize_t scion_read_all(int descriptor, void *data, size_t bytes);

/* A new name in the folder of `path`, for what is to take its place. The caller frees it; NULL when memory is out. */
char *scion_file_beside(const char *path);

/* Removes what killed processes have left in a folder that nobody else writes to now: files of such names. */
void scion_remove_leftovers(const char *folder);

/* Makes a folder and those above it that are missing. One that is there already is good. */
bool scion_make_folders(const char *path);

#endif
