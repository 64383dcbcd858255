/* Streams that the portable runtime writes: portable_driver MODEL JOBS > RESULTS. All numbers lie as this machine has them.

   JOBS: for each stream the seed (uint64), temperature and top-p (float64), top-k, the number of ids of its prompt, the
   number of ids that it draws (uint32 each), 0 (uint32), the prompt (uint32 each).
   RESULTS: for each stream what it drew (uint32 each); after each step a sum of the bits of logits and h (uint32); at
   its end h and c of every layer, and the logits (float32).

   The streams go on in turn, a symbol at a time, and move to other memory now and then: nothing may be left behind. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portable.h"

typedef struct {
    uint64_t seed;
    double temperature, top_p;
    uint32_t top_k, prompt, length, zero;
} Job;

typedef struct {
    Job job;
    uint32_t *given, *ids, *sums;
    understudy_stream *stream;
} Writer;

static void *whole_file(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    void *bytes;
    if (!file || fseek(file, 0, SEEK_END))
        exit(90);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size ? *size : 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        exit(91);
    fclose(file);
    return bytes;
}

/* Each number's bits times an odd number that belongs to its place: one that differs is seen for sure. */
static uint32_t sum_of(const float *numbers, size_t count, uint32_t sum, uint32_t *place)
{
    size_t i;
    for (i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, numbers + i, sizeof bits);
        sum += bits * ((++*place * UINT32_C(2654435761)) | 1);
    }
    return sum;
}

static void step(const understudy_model *model, Writer *writer, size_t place, size_t size)
{
    const Job *job = &writer->job;
    const understudy_choice choice = {job->temperature, job->top_p, job->top_k};
    uint32_t sum, count = 0, layer;
    if (place < job->prompt) {
        understudy_read(model, writer->stream, writer->given[place]);
    } else {
        writer->ids[place - job->prompt] = understudy_draw(model, writer->stream, &choice);
        understudy_read(model, writer->stream, writer->ids[place - job->prompt]);
    }
    sum = sum_of(understudy_logits(model, writer->stream), model->vocabulary, 0, &count);
    for (layer = 0; layer < model->layers; layer++)
        sum = sum_of(understudy_hidden(model, writer->stream, layer), model->units, sum, &count);
    writer->sums[place] = sum;
    if (place % 7 == 3) {
        void *other = malloc(size);
        if (!other)
            exit(92);
        memcpy(other, writer->stream, size);
        memset(writer->stream, 0xff, size);
        free(writer->stream);
        writer->stream = other;
    }
}

static void put(const void *numbers, size_t count)
{
    if (fwrite(numbers, 4, count, stdout) != count)
        exit(93);
}

int main(int count, char **words)
{
    understudy_model model;
    size_t size, length, streams = 0, place, longest = 0, i;
    uint32_t layer;
    unsigned char *packed, *jobs;
    Writer *writers;
    int refused;
    if (count != 3)
        return 94;
    packed = whole_file(words[1], &size);
    jobs = whole_file(words[2], &length);
    refused = understudy_open(&model, packed, size);
    if (refused)
        return refused;
    size = (size_t)understudy_stream_bytes(&model);
    writers = calloc(length / sizeof(Job) + 1, sizeof *writers);
    for (place = 0; place < length; streams++) {
        Writer *writer = &writers[streams];
        memcpy(&writer->job, jobs + place, sizeof(Job));
        writer->given = (uint32_t *)(void *)(jobs + place + sizeof(Job));
        place += sizeof(Job) + writer->job.prompt * sizeof(uint32_t);
        writer->ids = calloc(writer->job.length + 1, sizeof *writer->ids);
        writer->sums = calloc(writer->job.prompt + writer->job.length + 1, sizeof *writer->sums);
        writer->stream = understudy_start(&model, malloc(size), writer->job.seed);
        if (writer->job.prompt + writer->job.length > longest)
            longest = writer->job.prompt + writer->job.length;
    }
    for (place = 0; place < longest; place++)
        for (i = 0; i < streams; i++)
            if (place < writers[i].job.prompt + writers[i].job.length)
                step(&model, &writers[i], place, size);
    for (i = 0; i < streams; i++) {
        put(writers[i].ids, writers[i].job.length);
        put(writers[i].sums, writers[i].job.prompt + writers[i].job.length);
        for (layer = 0; layer < model.layers; layer++) {
            put(understudy_hidden(&model, writers[i].stream, layer), model.units);
            if (model.lstm)
                put(understudy_carried(&model, writers[i].stream, layer), model.units);
        }
        put(understudy_logits(&model, writers[i].stream), model.vocabulary);
        free(writers[i].ids);
        free(writers[i].sums);
        free(writers[i].stream);
    }
    free(writers);
    free(jobs);
    free(packed);
    return 0;
}
