static const char the_symbols[${CAPITALS}_SYMBOLS][2] = {
$table
};

const char *${name}_symbol(uint32_t id)
{
    return id < ${CAPITALS}_SYMBOLS ? the_symbols[id] : "";
}

size_t ${name}_length(uint32_t id)
{
    return id < ${CAPITALS}_SYMBOLS;
}

/* The id of the byte that a text begins with. */
static uint32_t first_id(const char *text, size_t *size)
{
    *size = 1;
    return (unsigned char)*text;
}
