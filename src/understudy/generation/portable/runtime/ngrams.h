/* What the last characters, taken together, add: a row for the hash of each n-gram that ends here. */

#ifndef UNDERSTUDY_NGRAMS_H
#define UNDERSTUDY_NGRAMS_H

#include "numbers.h"

#define HASH_PRIME UINT64_C(2147483647)
#define HASH_BASE UINT64_C(1540483477)

/* The codes of the last characters, oldest first, go on by one. */
static inline void remember(uint32_t *recent, uint32_t code)
{
    memmove(recent, recent + 1, (RECENT - 1) * sizeof *recent);
    recent[RECENT - 1] = code;
}

/* The rows of the n-grams of 3, 4, 5, 6 and 8 characters that end with `code`; R rows for each length. Codes
   under 2^24 give the sum as it is; those of a damaged model wrap around, and give some row too. */
static inline void ngram_rows(const uint32_t *recent, uint32_t code, uint32_t R, uint32_t *rows)
{
    uint64_t sum = 0, factor = 1;
    uint32_t length = 0;
    int back;
    for (back = 0; back < LONGEST; back++) {
        sum += (uint64_t)(back ? recent[RECENT - back] : code) * factor;
        factor = factor * HASH_BASE % HASH_PRIME;
        if (back == 2 || back == 3 || back == 4 || back == 5 || back == 7) {
            rows[length] = (uint32_t)(sum % HASH_PRIME % R + (uint64_t)length * R);
            length++;
        }
    }
}

#endif
