static const char the_symbols[${CAPITALS}_SYMBOLS][$longest] = {
$table
};

const char *${name}_symbol(uint32_t id)
{
    return id < ${CAPITALS}_SYMBOLS ? the_symbols[id] : "";
}

/* The first byte of a character in UTF-8 tells how many it has. */
size_t ${name}_length(uint32_t id)
{
    const unsigned char first = (unsigned char)*${name}_symbol(id);
    if (id >= ${CAPITALS}_SYMBOLS)
        return 0;
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The id of the character that a text begins with, and how many bytes it has; V where the model never saw it. The
   symbols are in the order of their characters, which is that of their bytes. */
static uint32_t first_id(const char *text, size_t *size)
{
    uint32_t least = 0, beyond = ${CAPITALS}_SYMBOLS;
    while (least < beyond) {
        const uint32_t middle = least + (beyond - least) / 2;
        const int order = strncmp(text, the_symbols[middle], ${name}_length(middle));
        if (order < 0) {
            beyond = middle;
        } else if (order > 0) {
            least = middle + 1;
        } else {
            *size = ${name}_length(middle);
            return middle;
        }
    }
    for (*size = 1; ((unsigned char)text[*size] & 0xc0) == 0x80;)
        ++*size;
    return ${CAPITALS}_SYMBOLS;
}
