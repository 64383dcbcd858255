/* Understudy's runtime, Portable 1: a packed model reads and writes, one stream at a time.

   C99, no allocation, no library but memcpy and memmove. What it computes is frozen (docs/portable.md of Understudy), so
   that the same seed writes the same text wherever it runs. Nothing here keeps a state of its own: several models and
   streams may be used at once, from several threads, as long as each stream is used by one.

   A stream needs memory of the caller's, `understudy_stream_bytes` of it, aligned to 8 bytes. */

#ifndef UNDERSTUDY_PORTABLE_H
#define UNDERSTUDY_PORTABLE_H

#include <stddef.h>
#include <stdint.h>

#ifndef UNDERSTUDY_API
#define UNDERSTUDY_API
#endif

/* A program that holds one model defines UNDERSTUDY_ONE_MODEL, the number of its layers, and opens nothing. */
#ifdef UNDERSTUDY_ONE_MODEL
#define UNDERSTUDY_LAYERS UNDERSTUDY_ONE_MODEL
#else
#define UNDERSTUDY_LAYERS 64
#endif

/* A packed model, opened: what it is made of, and where in its bytes. */
typedef struct {
    uint32_t lstm, embedded, vocabulary, embedding, units, layers, ngrams, ngram_width, gates;
    const int8_t *inputs;
    const float *input_scales;
    const int8_t *input_weight;
    const float *input_weight_scales, *input_bias;
    const uint32_t *codes;
    const int8_t *ngram_table;
    const float *ngram_scales, *ngram_weight;
    struct {
        const int8_t *weight;
        const float *scales, *bias;
    } layer[UNDERSTUDY_LAYERS];
} understudy_model;

/* How the next symbol is chosen. */
typedef struct {
    double temperature; /* divides the logits; 0 takes the most probable symbol */
    double top_p;       /* only the fewest symbols whose probabilities reach this sum; 0 for all */
    uint32_t top_k;     /* only so many of the most probable symbols; 0 for all */
} understudy_choice;

typedef struct understudy_stream understudy_stream;

#ifndef UNDERSTUDY_ONE_MODEL
/* Look at `size` packed bytes, which stay the caller's and lie at a multiple of 4. 0, or what is wrong with them: 1 it is
   no packed model, 2 its format is not known here, 3 its shape is not allowed, 4 its length is not what its shape asks
   for, 5 it lies at an address that numbers cannot be read from, 6 this machine is big-endian. */
UNDERSTUDY_API int understudy_open(understudy_model *model, const void *packed, uint64_t size);
#endif

/* What one stream needs, in bytes; 0 where this machine could not address it. */
UNDERSTUDY_API uint64_t understudy_stream_bytes(const understudy_model *model);

/* The state before any text, with a seed whose numbers are used from the first on. */
UNDERSTUDY_API understudy_stream *understudy_start(const understudy_model *model, void *memory, uint64_t seed);

/* Read a symbol; an id that is not in the vocabulary counts as its last. */
UNDERSTUDY_API void understudy_read(const understudy_model *model, understudy_stream *stream, uint32_t id);

/* Draw the symbol that follows, without reading it: read it, or another. */
UNDERSTUDY_API uint32_t understudy_draw(const understudy_model *model, understudy_stream *stream,
                                        const understudy_choice *choice);

/* What the model expects next: as many logits as there are symbols. */
UNDERSTUDY_API const float *understudy_logits(const understudy_model *model, const understudy_stream *stream);

/* A layer's h, as many numbers as there are units; and its c, or NULL where the cell has none. */
UNDERSTUDY_API const float *understudy_hidden(const understudy_model *model, const understudy_stream *stream,
                                              uint32_t layer);
UNDERSTUDY_API const float *understudy_carried(const understudy_model *model, const understudy_stream *stream,
                                               uint32_t layer);

#endif
