/* Fuzzes the reader of safetensors files: what it takes can be read to the last value, and goes together. */
#include "state/safetensors.c" /* included, so that it is instrumented for coverage */

#include <scion/error.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct scion_safetensors file;
        char *copy = malloc(size + 1); /* the parser's, as what scion_file_read() gives */
        volatile float sum = 0;
        size_t taken = 0;

        if (!copy)
                abort();
        if (size)
                memcpy(copy, data, size);
        copy[size] = '\0';
        scion_error_clear();
        if (!scion_safetensors_parse("fuzz", copy, size, &file)) {
                if (!scion_error()[0] || file.memory || file.count)
                        abort(); /* refused without a reason, or half taken */
                return 0;
        }
        for (size_t i = 0; i < file.count; i++) {
                int64_t elements = scion_shape_size(&file.tensor[i].shape);

                if ((uintptr_t)file.tensor[i].values % sizeof(float) || !file.tensor[i].name)
                        abort();
                for (int64_t j = 0; file.tensor[i].values && j < elements; j++)
                        sum = sum + file.tensor[i].values[j];
                taken += file.tensor[i].values ? (size_t)elements * sizeof(float) : 0;
        }
        for (size_t i = 0; i < 2 * file.metadata_count; i++)
                taken += 0 * strlen(file.metadata[i]);
        if (taken > size)
                abort();
        scion_safetensors_finish(&file);
        return 0;
}
