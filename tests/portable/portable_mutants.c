/* Packed models that may be damaged, opened and run in memory of the size that each asks for: portable_mutants FILE

   FILE: for each its size (uint64), then its bytes. Prints how many were refused and how many ran. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portable.h"

static void run(const understudy_model *model)
{
    static const understudy_choice choices[] = {{0, 0, 0}, {0.8, 0, 0}, {1.2, 0, 3}, {0.9, 0.7, 0}, {1, 0.5, 40000000}};
    const size_t size = (size_t)understudy_stream_bytes(model);
    understudy_stream *stream = understudy_start(model, malloc(size), UINT64_C(0xfedcba9876543210));
    size_t i;
    understudy_read(model, stream, 0);
    understudy_read(model, stream, UINT32_C(0xffffffff));
    for (i = 0; i < sizeof choices / sizeof *choices; i++) {
        const uint32_t id = understudy_draw(model, stream, &choices[i]);
        if (id >= model->vocabulary)
            exit(95);
        understudy_read(model, stream, id);
    }
    free(stream);
}

int main(int count, char **words)
{
    FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
    unsigned long refused = 0, ran = 0;
    uint64_t size;
    if (!file)
        return 94;
    while (fread(&size, sizeof size, 1, file) == 1) {
        understudy_model model;
        unsigned char *bytes = malloc(size ? (size_t)size : 1);
        if (!bytes || fread(bytes, 1, (size_t)size, file) != size)
            return 91;
        if (understudy_open(&model, bytes, size)) {
            refused++;
        } else {
            run(&model);
            ran++;
        }
        free(bytes);
    }
    fclose(file);
    printf("%lu %lu\n", refused, ran);
    return 0;
}
