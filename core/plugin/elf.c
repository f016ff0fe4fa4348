#include "plugin/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if UINTPTR_MAX > UINT32_MAX
#define NATIVE_CLASS ELFCLASS64
#else
#define NATIVE_CLASS ELFCLASS32
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ORDER ELFDATA2LSB
#else
#define NATIVE_ORDER ELFDATA2MSB
#endif

static bool file_read_at(int file, void *bytes, size_t size, off_t offset)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(file, (char *)bytes + done, size - done, offset + (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return scion_fail("cannot read it: %s", strerror(errno));
                if (n == 0)
                        return scion_fail("the file is cut off");
                done += (size_t)n;
        }
        return true;
}

static bool header_check(const ElfW(Ehdr) * header)
{
        if (header->e_ident[EI_CLASS] != NATIVE_CLASS || header->e_ident[EI_DATA] != NATIVE_ORDER)
                return scion_fail("a shared object for another kind of machine");
        if (header->e_type == ET_REL)
                return scion_fail("an object file: link it with 'cc -shared'");
        if (header->e_type != ET_DYN)
                return scion_fail("not a shared object: link it with 'cc -shared'");
        if (header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum == 0)
                return scion_fail("a damaged shared object: it has no program headers");
        return true;
}

/* Checks that the file contains every byte that loading it would map. */
static bool file_check_segments(int file, const ElfW(Ehdr) * header, uint64_t size)
{
        for (unsigned i = 0; i < header->e_phnum; i++) {
                uint64_t at = header->e_phoff + (uint64_t)i * sizeof(ElfW(Phdr));
                ElfW(Phdr) segment;

                if (at > size || size - at < sizeof segment)
                        return scion_fail("the file is cut off: its program headers are missing");
                if (!file_read_at(file, &segment, sizeof segment, (off_t)at))
                        return false;
                if (segment.p_type != PT_LOAD && segment.p_type != PT_DYNAMIC)
                        continue;
                if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
                        return scion_fail("the file is cut off: it has %llu bytes, a part of it should be "
                                          "at %llu",
                                          (unsigned long long)size,
                                          (unsigned long long)segment.p_offset + segment.p_filesz);
        }
        return true;
}

bool scion_elf_check(const char *path)
{
        ElfW(Ehdr) header;
        struct stat status;
        bool good = false;
        /* O_NONBLOCK, so that opening a pipe does not wait for its writer. */
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        if (file < 0)
                return scion_fail("%s", strerror(errno));
        if (fstat(file, &status) != 0)
                scion_fail("%s", strerror(errno));
        else if (S_ISDIR(status.st_mode))
                scion_fail("a directory, not a shared object");
        else if (!S_ISREG(status.st_mode))
                scion_fail("not a regular file");
        else if ((size_t)status.st_size < SELFMAG || !file_read_at(file, header.e_ident, SELFMAG, 0) ||
                 memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
                scion_fail("not a shared object");
        else if ((size_t)status.st_size < sizeof header)
                scion_fail("the file is cut off: it has %lld bytes", (long long)status.st_size);
        else
                good = file_read_at(file, &header, sizeof header, 0) && header_check(&header) &&
                       file_check_segments(file, &header, (uint64_t)status.st_size);
        close(file);
        return good;
}
