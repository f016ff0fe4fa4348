/*
 * Reading and writing complete files. A file that is written here has either its old or its new contents,
 * whatever happens meanwhile. Messages begin with the path.
 */
#ifndef SCION_FILE_FILES_H
#define SCION_FILE_FILES_H

#include <scion/api.h>
#include <sys/types.h>

/*
 * Reads a complete file. Returns its bytes, followed by a NUL that `bytes` does not count; the caller frees
 * them. Pipes are read to their end; devices as well, up to 16 MiB. Returns NULL if the file cannot be read, is a directory, or has more
 * than `most` bytes.
 */
char *scion_file_read(const char *path, size_t most, size_t *bytes);

/*
 * Opens a regular file that this program writes in place, such as a lock or a log; `flags` are those of
 * open(). Fails, with a message, at a symbolic link, so that nothing outside the folder is overwritten, and at
 * a pipe or a device. Never waits. Returns a descriptor, or -1 with errno set.
 */
int scion_file_open_regular(const char *path, int flags);

/*
 * A file that is being written. The data go to a temporary file in the folder of `path`, which
 * scion_file_commit() syncs to the disk and renames. A process that is killed earlier leaves `path`
 * unchanged.
 */
struct scion_file;

/* Returns NULL if the folder cannot be written, or if `path` exists and is not a regular file. */
struct scion_file *scion_file_create(const char *path);
/* Appends data. Returns false on failure, such as a full disk; the caller must then discard the file. */
bool scion_file_add(struct scion_file *file, const void *data, size_t bytes);
/* Replaces `path` by the temporary file, and syncs the folder. Frees `file`, also on failure. */
bool scion_file_commit(struct scion_file *file);
/* Deletes the temporary file; `path` is unchanged. Frees `file`; takes NULL. */
void scion_file_discard(struct scion_file *file);

/* Creates, writes and commits a file. */
bool scion_file_write(const char *path, const void *data, size_t bytes);

/* Syncs the folder that contains `path`, so that the file's name survives a power failure. */
bool scion_folder_sync(const char *path);

/* Writes all bytes to a descriptor, also when signals interrupt it. Returns false, with errno set, on
 * failure. */
bool scion_write_all(int descriptor, const void *data, size_t bytes);

/* Reads `bytes` bytes, or fewer if the file ends before. Returns the number of bytes read, or -1 with errno
 * set. */
ssize_t scion_read_all(int descriptor, void *data, size_t bytes);

/* Returns a new name for a temporary file in the folder of `path`. The caller frees it; NULL, without a
 * message, when memory runs out. */
char *scion_file_temporary_name(const char *path);

/* Removes temporary files that killed processes have left in a folder. No other process may be writing to
 * it. */
void scion_remove_leftovers(const char *folder);

/* Returns "FOLDER/NAME". The caller frees it; NULL, with a message, when memory runs out. */
char *scion_path_join(const char *folder, const char *name);

/* Returns the length in bytes of the folder in a path, with the last slash; 0 if the path has no slash. */
size_t scion_path_folder_length(const char *path);

/* Creates a folder and its missing parents. Succeeds if the folder exists already. */
bool scion_make_folders(const char *path);

#endif
