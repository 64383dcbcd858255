/* The runtime as WebAssembly: made by make_wasm.sh into portable.wasm, for pages and whatever else runs that.

   A module without imports. It exports its memory and, beside `portable.h` made flat, stretches of many symbols:

     memory                                    grows; nothing in it moves
     free_from() -> address                    the caller's memory begins here, at a multiple of 64: what is below is the
                                               module's. Grow `memory` to what is put above it
     open_model(packed, bytes) -> code         0, or what `understudy_open` says; one model for each instance. The packed
                                               bytes lie at a multiple of 4 (of 64 is faster), and stay
     stream_bytes() -> bytes                   of one stream; 0 where a page's 4 GB would not hold it
     start(stream, seed_low, seed_high)        the state before any text, in so many bytes at a multiple of 8; the seed's
                                               lower and upper 32 bits. A stream may be copied as it lies: a fork
     read(stream, ids, count)                  reads `count` ids, uint32 each at the address `ids`
     write(stream, ids, count, temperature, top_k, top_p)
                                               draws and reads `count` ids in turn, and leaves them at `ids`; top_k and
                                               top_p are 0 where they are not asked for. Stop between two calls: short
                                               stretches in turn give the text of a long one
     draw(stream, temperature, top_k, top_p) -> id      the id that follows, not yet read
     logits(stream), hidden(stream, layer), carried(stream, layer) -> address of float32 numbers; a GRU's `carried` is 0

   Addresses and numbers are i32, temperature and top_p f64. Views of `memory` must be made anew after it has grown. */

#include "portable.h"

#define EXPORT(name) __attribute__((export_name(#name)))

extern unsigned char __heap_base;
static understudy_model model;

/* What compilers call without being asked; each becomes an instruction of its own. */
void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    return __builtin_memcpy(to, from, count);
}

void *memmove(void *to, const void *from, size_t count)
{
    return __builtin_memmove(to, from, count);
}

void *memset(void *to, int byte, size_t count)
{
    return __builtin_memset(to, byte, count);
}

int memcmp(const void *one, const void *other, size_t count)
{
    const unsigned char *a = one, *b = other;
    for (; count; a++, b++, count--)
        if (*a != *b)
            return *a - *b;
    return 0;
}

EXPORT(free_from) void *free_from(void)
{
    return (void *)(((uintptr_t)&__heap_base + 63) / 64 * 64);
}

EXPORT(open_model) int open_model(const void *packed, uint32_t bytes)
{
    return understudy_open(&model, packed, bytes);
}

EXPORT(stream_bytes) uint32_t stream_bytes(void)
{
    return (uint32_t)understudy_stream_bytes(&model);
}

EXPORT(start) void start(void *stream, uint32_t seed_low, uint32_t seed_high)
{
    understudy_start(&model, stream, (uint64_t)seed_high << 32 | seed_low);
}

EXPORT(read) void read_ids(understudy_stream *stream, const uint32_t *ids, uint32_t count)
{
    uint32_t i;
    for (i = 0; i < count; i++)
        understudy_read(&model, stream, ids[i]);
}

EXPORT(draw) uint32_t draw(understudy_stream *stream, double temperature, uint32_t top_k, double top_p)
{
    const understudy_choice choice = {temperature, top_p, top_k};
    return understudy_draw(&model, stream, &choice);
}

EXPORT(write) void write_ids(understudy_stream *stream, uint32_t *ids, uint32_t count, double temperature,
                             uint32_t top_k, double top_p)
{
    uint32_t i;
    for (i = 0; i < count; i++) {
        ids[i] = draw(stream, temperature, top_k, top_p);
        understudy_read(&model, stream, ids[i]);
    }
}

EXPORT(logits) const float *logits(const understudy_stream *stream)
{
    return understudy_logits(&model, stream);
}

EXPORT(hidden) const float *hidden(const understudy_stream *stream, uint32_t layer)
{
    return understudy_hidden(&model, stream, layer);
}

EXPORT(carried) const float *carried(const understudy_stream *stream, uint32_t layer)
{
    return understudy_carried(&model, stream, layer);
}
