/* The runtime in plain C99; portable.h says what each function does. */

#include "portable.h"

#include "numbers.h"
#include "ngrams.h"
#include "draw.h"
#undef TARGET /* builds may have such words of their own */
#undef NAME
#undef WHOLE
#define WHOLE int16_t
#include "cells.h"
#include "products.h"

/* A stream's memory begins with this; then come, for each layer, h, c and what the product with h gave (its own gates of
   the next step, then the layer above's input or the logits); then what is worked in. */
struct understudy_stream {
    uint64_t seed, drawn;
    uint32_t recent[RECENT + 1];
};

typedef struct {
    float *h, *c, *made;
} Layer;

/* Rows of a layer's matrix. */
static uint64_t rows_of(const understudy_model *model, uint32_t layer)
{
    const uint64_t own = (uint64_t)model->gates * model->units;
    return own + (layer + 1 < model->layers ? own : model->vocabulary);
}

#ifndef UNDERSTUDY_ONE_MODEL
#include "opening.h"
#endif

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
    const uint64_t numbers = reals_of(model) * sizeof(float) + draw + model->units * (uint64_t)sizeof(int16_t);
    const uint64_t bytes = (sizeof(understudy_stream) + numbers + 7) / 8 * 8;
    return bytes <= SIZE_MAX ? bytes : 0;
}

/* The product with a layer's h: see `Layer`. */
static void multiply(const understudy_model *model, uint32_t layer, const Layer *at, int16_t *q)
{
    rounded(at->h, q, 0, 0, model->units);
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
    int16_t *q = (int16_t *)(heap_of(model, stream) + model->vocabulary);
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
    int16_t *q = (int16_t *)(heap_of(model, stream) + model->vocabulary);
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
