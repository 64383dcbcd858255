/* A packed model is looked at before anything of it is used: its header, and the length that follows from it. */

#ifndef UNDERSTUDY_OPENING_H
#define UNDERSTUDY_OPENING_H

enum { HEADER = 64, ALIGNMENT = 64, FORMAT = 1, GRU_GATES = 3, LSTM_GATES = 4 };
enum { MOST_SYMBOLS = 0x110000, MOST_UNITS = 1 << 15, MOST_LAYERS = 64, MOST_ROWS = 1 << 20, MOST_WIDTH = 16 };

static uint32_t number_at(const unsigned char *bytes, int place)
{
    uint32_t number;
    memcpy(&number, bytes + place, sizeof number);
    return number;
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

#endif
