/* Prints a page: $build && ./page [SEED] */

#include <stdio.h>
#include <stdlib.h>

#include "$header"

int main(int count, char **words)
{
    static ${name}_stream stream;
    const ${name}_choice choice = {$temperature, 0, 0};
    int i;
    ${name}_start(&stream, count > 1 ? strtoull(words[1], NULL, 10) : 1, "");
    for (i = 0; i < $length; i++) {
        const uint32_t id = ${name}_write(&stream, &choice);
        fwrite(${name}_symbol(id), 1, ${name}_length(id), stdout);
    }
    putchar('\n');
    return 0;
}
