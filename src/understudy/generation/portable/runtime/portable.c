/* The runtime in plain C99; portable.h says what each function does. */

#include "portable.h"

#include "numbers.h"
#include "ngrams.h"
#include "draw.h"
#include "cells.h"
#include "products.h"

enum { HEADER = 64, ALIGNMENT = 64, FORMAT = 1, GRU_GATES = 3, LSTM_GATES = 4 };
enum { MOST_SYMBOLS = 0x110000, MOST_UNITS = 1 << 15, MOST_LAYERS = 64, MOST_ROWS = 1 << 20, MOST_WIDTH = 16 };

/* A stream's memory begins with this; then come, for each layer, h, c and what the product with h gave (its own gates of
   the next step, then the layer above's input or the logits); then what is worked in. */
struct understudy_stream {
    uint64_t seed, drawn;
    uint32_t recent[RECENT + 1];
};

typedef struct {
    float *h, *c, *made;
} Layer;

static uint32_t number_at(const unsigned char *bytes, int place)
{
    uint32_t number;
    memcpy(&number, bytes + place, sizeof number);
    return number;
}

static uint64_t rows_of(const understudy_model *model, uint32_t layer)
{
    const uint64_t own = (uint64_t)model->gates * model->units;
    return own + (layer + 1 < model->layers ? own : model->vocabulary);
}

/* The section at `place`, which then stands behind it. */
static const void *section(const unsigned char *bytes, uint64_t *place, uint64_t size)
{
    const unsigned char *begin = bytes ? bytes + *place : NULL;
    *place += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return begin;
}

/* Where everything lies, in the order of the format; the length of the whole. Without bytes, the length alone. */
static uint64_t find_sections(understudy_model *model, const unsigned char *bytes)
{
    const uint64_t V = model->vocabulary, E = model->embedding, H = model->units, wide = model->gates * H;
    const uint64_t rows = (uint64_t)LENGTHS * model->ngrams, width = model->ngram_width, real = sizeof(float);
    uint64_t place = HEADER;
    uint32_t layer;
    model->inputs = section(bytes, &place, V * (model->embedded ? E : wide));
    model->input_scales = section(bytes, &place, V * real);
    if (model->embedded) {
        model->input_weight = section(bytes, &place, wide * E);
        model->input_weight_scales = section(bytes, &place, wide * real);
        model->input_bias = section(bytes, &place, wide * real);
    }
    if (model->ngrams) {
        model->codes = section(bytes, &place, V * sizeof(uint32_t));
        model->ngram_table = section(bytes, &place, rows * width);
        model->ngram_scales = section(bytes, &place, rows * real);
        model->ngram_weight = section(bytes, &place, width * wide * real);
    }
    for (layer = 0; layer < model->layers; layer++) {
        const uint64_t N = rows_of(model, layer);
        model->layer[layer].weight = section(bytes, &place, N * H);
        model->layer[layer].scales = section(bytes, &place, N * real);
        model->layer[layer].bias = section(bytes, &place, N * real);
    }
    return place;
}

int understudy_open(understudy_model *model, const void *packed, uint64_t size)
{
    const unsigned char *bytes = packed;
    const uint32_t one = 1;
    uint64_t said;
    uint32_t least;
    unsigned char first;
    memset(model, 0, sizeof *model);
    memcpy(&first, &one, 1);
    if (!first)
        return 6;
    if ((uintptr_t)packed % sizeof(float))
        return 5;
    if (size < HEADER || memcmp(bytes, "UNDRSTDY", 8))
        return 1;
    if (number_at(bytes, 8) != FORMAT)
        return 2;
    model->lstm = number_at(bytes, 12);
    model->embedded = number_at(bytes, 16);
    model->vocabulary = number_at(bytes, 20);
    model->embedding = number_at(bytes, 24);
    model->units = number_at(bytes, 28);
    model->layers = number_at(bytes, 32);
    model->ngrams = number_at(bytes, 36);
    model->ngram_width = number_at(bytes, 40);
    model->gates = model->lstm ? LSTM_GATES : GRU_GATES;
    memcpy(&said, bytes + 48, sizeof said);
    if (model->lstm > 1 || model->embedded > 1 || model->vocabulary - 1u >= MOST_SYMBOLS ||
        model->embedding - 1u >= MOST_UNITS || model->units - 1u >= MOST_UNITS || model->layers - 1u >= MOST_LAYERS ||
        model->ngrams > MOST_ROWS || number_at(bytes, 44) || number_at(bytes, 56) || number_at(bytes, 60))
        return 3;
    least = model->embedding < MOST_WIDTH ? model->embedding : MOST_WIDTH;
    if (model->ngram_width != (model->ngrams ? least : 0))
        return 3;
    if (said != size || find_sections(model, NULL) != size)
        return 4;
    find_sections(model, bytes);
    return 0;
}

/* Where a layer's numbers are. */
static Layer layer_of(const understudy_model *model, const understudy_stream *stream, uint32_t layer)
{
    const size_t H = model->units, state = model->lstm ? 2 * H : H, own = model->gates * H;
    float *numbers = (float *)(uintptr_t)(stream + 1) + layer * (state + 2 * own);
    Layer found;
    found.h = numbers;
    found.c = model->lstm ? numbers + H : NULL;
    found.made = numbers + state;
    return found;
}

/* Numbers in float32 before the scratch memory; an even number of them, so that float64 may follow. */
static uint64_t reals_of(const understudy_model *model)
{
    const uint64_t H = model->units, own = model->gates * H;
    const uint64_t layers = model->layers * ((model->lstm ? 2 * H : H) + own) + (model->layers - 1) * own;
    return (layers + model->vocabulary + own + 1) / 2 * 2;
}

uint64_t understudy_stream_bytes(const understudy_model *model)
{
    const uint64_t draw = model->vocabulary * (uint64_t)(sizeof(double) + sizeof(uint32_t));
    const uint64_t bytes = sizeof(understudy_stream) + reals_of(model) * sizeof(float) + draw + model->units + 8;
    return (bytes + 7) / 8 * 8 <= SIZE_MAX ? (bytes + 7) / 8 * 8 : 0;
}

/* The product with a layer's h: see `Layer`. */
static void multiply(const understudy_model *model, uint32_t layer, const Layer *at, int8_t *q)
{
    rounded(at->h, (uint8_t *)q, 0, 0, model->units);
    product(model->layer[layer].weight, model->layer[layer].scales, model->layer[layer].bias, q,
            (size_t)rows_of(model, layer), model->units, at->made);
}

static double *weights_of(const understudy_model *model, const understudy_stream *stream)
{
    return (double *)(uintptr_t)((float *)(uintptr_t)(stream + 1) + reals_of(model));
}

static uint32_t *heap_of(const understudy_model *model, const understudy_stream *stream)
{
    return (uint32_t *)(uintptr_t)(weights_of(model, stream) + model->vocabulary);
}

understudy_stream *understudy_start(const understudy_model *model, void *memory, uint64_t seed)
{
    understudy_stream *stream = memory;
    int8_t *q = (int8_t *)(heap_of(model, stream) + model->vocabulary);
    uint32_t layer;
    memset(memory, 0, (size_t)understudy_stream_bytes(model));
    stream->seed = seed;
    for (layer = 0; layer < model->layers; layer++) {
        const Layer at = layer_of(model, stream, layer);
        multiply(model, layer, &at, q);
    }
    return stream;
}

/* What the symbol gives the first layer. */
static void inputs_of(const understudy_model *model, uint32_t id, float *x)
{
    const size_t wide = (size_t)model->gates * model->units, E = model->embedding;
    size_t n;
    if (!model->embedded) {
        looked_up(model->inputs + id * wide, model->input_scales[id], x, 0, wide);
        return;
    }
    for (n = 0; n < wide; n++) {
        const float sum = (float)dot(model->input_weight + n * E, model->inputs + id * E, E);
        x[n] = (sum * model->input_weight_scales[n]) * model->input_scales[id] + model->input_bias[n];
    }
}

static void add_ngrams(const understudy_model *model, understudy_stream *stream, uint32_t id, float *x)
{
    const size_t wide = (size_t)model->gates * model->units, D = model->ngram_width;
    uint32_t rows[LENGTHS];
    size_t d;
    int length;
    ngram_rows(stream->recent, model->codes[id], model->ngrams, rows);
    remember(stream->recent, model->codes[id]);
    for (d = 0; d < D; d++) {
        float v = 0.0f;
        for (length = 0; length < LENGTHS; length++)
            v += model->ngram_scales[rows[length]] * (float)model->ngram_table[rows[length] * D + d];
        with_ngram(v, model->ngram_weight + d * wide, x, 0, wide);
    }
}

void understudy_read(const understudy_model *model, understudy_stream *stream, uint32_t id)
{
    const size_t H = model->units, own = model->gates * H;
    const Layer last = layer_of(model, stream, model->layers - 1);
    float *x = last.made + own + model->vocabulary;
    int8_t *q = (int8_t *)(heap_of(model, stream) + model->vocabulary);
    uint32_t layer;
    id = id < model->vocabulary ? id : model->vocabulary - 1;
    inputs_of(model, id, x);
    if (model->ngrams)
        add_ngrams(model, stream, id, x);
    for (layer = 0; layer < model->layers; layer++) {
        const Layer at = layer_of(model, stream, layer);
        if (model->lstm)
            lstm(x, at.made, at.h, at.c, H, 0, H);
        else
            gru(x, at.made, at.h, H, 0, H);
        multiply(model, layer, &at, q);
        x = at.made + own;
    }
}

uint32_t understudy_draw(const understudy_model *model, understudy_stream *stream, const understudy_choice *choice)
{
    const Choice how = {choice->temperature, choice->top_p, choice->top_k};
    const double u = uniform_at(stream->seed, stream->drawn++);
    return drawn(understudy_logits(model, stream), model->vocabulary, &how, u, weights_of(model, stream),
                 heap_of(model, stream));
}

const float *understudy_logits(const understudy_model *model, const understudy_stream *stream)
{
    return layer_of(model, stream, model->layers - 1).made + (size_t)model->gates * model->units;
}

const float *understudy_hidden(const understudy_model *model, const understudy_stream *stream, uint32_t layer)
{
    return layer_of(model, stream, layer).h;
}

const float *understudy_carried(const understudy_model *model, const understudy_stream *stream, uint32_t layer)
{
    return layer_of(model, stream, layer).c;
}
