$about

#include "$header"

#define UNDERSTUDY_API static
#define UNDERSTUDY_ONE_MODEL $layers

$runtime

/* The weights: whole numbers of eight bits by rows, and what each row is multiplied by. */

$weights

static const understudy_model the_model = {
$fields
};

/* The symbols. */

$spelling

size_t ${name}_encode(const char *text, uint32_t *ids, size_t room, size_t *unknown)
{
    size_t found = 0, left_out = 0, size;
    for (; *text; text += size) {
        const uint32_t id = first_id(text, &size);
        if (id == ${CAPITALS}_SYMBOLS) {
            left_out++;
            continue;
        }
        if (found < room)
            ids[found] = id;
        found++;
    }
    if (unknown)
        *unknown = left_out;
    return found;
}

size_t ${name}_start(${name}_stream *stream, uint64_t seed, const char *prompt)
{
    size_t found = 0, left_out = 0, size;
    understudy_start(&the_model, stream->bytes, seed);
    for (; prompt && *prompt; prompt += size) {
        const uint32_t id = first_id(prompt, &size);
        if (id == ${CAPITALS}_SYMBOLS) {
            left_out++;
            continue;
        }
        ${name}_read(stream, id);
        found++;
    }
    if (!found)
        ${name}_read(stream, ${CAPITALS}_OPENING);
    return left_out;
}

uint32_t ${name}_write(${name}_stream *stream, const ${name}_choice *choice)
{
    const uint32_t id = ${name}_draw(stream, choice);
    ${name}_read(stream, id);
    return id;
}

uint32_t ${name}_draw(${name}_stream *stream, const ${name}_choice *choice)
{
    understudy_choice how;
    how.temperature = choice->temperature;
    how.top_p = choice->top_p;
    how.top_k = choice->top_k;
    return understudy_draw(&the_model, (understudy_stream *)(void *)stream->bytes, &how);
}

void ${name}_read(${name}_stream *stream, uint32_t id)
{
    understudy_read(&the_model, (understudy_stream *)(void *)stream->bytes, id);
}

const float *${name}_logits(const ${name}_stream *stream)
{
    return understudy_logits(&the_model, (const understudy_stream *)(const void *)stream->bytes);
}

const float *${name}_hidden(const ${name}_stream *stream, uint32_t layer)
{
    return understudy_hidden(&the_model, (const understudy_stream *)(const void *)stream->bytes, layer);
}

const float *${name}_carried(const ${name}_stream *stream, uint32_t layer)
{
    return understudy_carried(&the_model, (const understudy_stream *)(const void *)stream->bytes, layer);
}
