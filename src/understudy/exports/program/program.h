$about

#ifndef ${CAPITALS}_H
#define ${CAPITALS}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${CAPITALS}_SYMBOLS $symbols /* V: ids are 0 to V - 1 */
#define ${CAPITALS}_OPENING $opening /* what is read where there is no prompt */
#define ${CAPITALS}_LAYERS $layers
#define ${CAPITALS}_UNITS $units

/* A text under way: all that is remembered of it. It may be copied, which forks the text, and kept for later. */
typedef union {
    unsigned char bytes[$state];
    uint64_t whole;
    double real;
} ${name}_stream;

/* How the next symbol is chosen. `understudy generate` takes $temperature, 0, 0 unless it is told otherwise. */
typedef struct {
    double temperature; /* divides the logits; 0 takes the most probable symbol */
    double top_p;       /* only the fewest symbols whose probabilities reach this sum; 0 for all */
    uint32_t top_k;     /* only so many of the most probable symbols; 0 for all */
} ${name}_choice;

/* Begin a text after a prompt in UTF-8; "" begins as the model's own text begins a line. The seed settles the text. What
   the model never saw is left out of the prompt: returns how many characters that were. */
size_t ${name}_start(${name}_stream *stream, uint64_t seed, const char *prompt);

/* Write one more symbol: draw it, read it, and tell which. */
uint32_t ${name}_write(${name}_stream *stream, const ${name}_choice *choice);

/* A symbol's bytes ($kind), with a zero behind them, and how many they are. */
const char *${name}_symbol(uint32_t id);
size_t ${name}_length(uint32_t id);

/* The ids of a text in UTF-8, as far as there is room for them; returns how many there are. What the model never saw is
   left out, and counted in `unknown` unless that is NULL. */
size_t ${name}_encode(const char *text, uint32_t *ids, size_t room, size_t *unknown);

/* The two halves of writing: draw a symbol without reading it; read one, drawn or not. */
uint32_t ${name}_draw(${name}_stream *stream, const ${name}_choice *choice);
void ${name}_read(${name}_stream *stream, uint32_t id);

/* What the model expects next: V logits. A layer's h, and its c (NULL in a GRU), as many numbers as there are units. */
const float *${name}_logits(const ${name}_stream *stream);
const float *${name}_hidden(const ${name}_stream *stream, uint32_t layer);
const float *${name}_carried(const ${name}_stream *stream, uint32_t layer);

#ifdef __cplusplus
}
#endif

#endif
