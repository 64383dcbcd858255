/* Writes with an exported program whose names begin with PREFIX: c_driver SEED LENGTH TEMPERATURE TOP_K TOP_P PROMPT
   Standard output: the bytes. Standard error: how many characters of the prompt were left out. */

#include <stdio.h>
#include <stdlib.h>

#define JOINED(one, other) one##_##other
#define OF(one, other) JOINED(one, other)
#define IT(name) OF(PREFIX, name)

int main(int count, char **words)
{
    static IT(stream) stream, other;
    static uint32_t ids[4096];
    IT(choice) choice;
    size_t left_out, unknown, read, i;
    long length;
    uint32_t id;
    if (count != 7)
        return 90;
    length = strtol(words[2], NULL, 10);
    choice.temperature = strtod(words[3], NULL);
    choice.top_k = (uint32_t)strtoul(words[4], NULL, 10);
    choice.top_p = strtod(words[5], NULL);
    left_out = IT(start)(&stream, strtoull(words[1], NULL, 10), words[6]);
    read = IT(encode)(words[6], ids, 2, &unknown);
    if (left_out != unknown || IT(encode)(words[6], ids, 4096, NULL) != read || read > 4096)
        return 91;
    fprintf(stderr, "%lu\n", (unsigned long)left_out);
    for (i = 0; i < read; i++)
        if (IT(encode)(IT(symbol)(ids[i]), &id, 1, NULL) != 1 || id != ids[i])
            return 92;
    if (IT(length)(UINT32_C(1) << 31) || *IT(symbol)(UINT32_C(1) << 31))
        return 93;
    for (; length > 0; length--) {
        if (length % 5 == 0) {
            other = stream;
            IT(read)(&stream, 0);
            stream = other;
        }
        id = IT(write)(&stream, &choice);
        fwrite(IT(symbol)(id), 1, IT(length)(id), stdout);
    }
    if (!IT(logits)(&stream) || !IT(hidden)(&stream, 0) || IT(carried)(&stream, 0) == IT(hidden)(&stream, 0))
        return 94;
    return 0;
}
