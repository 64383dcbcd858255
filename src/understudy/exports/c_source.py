"""`--to c`: one C file with the model inside and no needs of its own, its header, and an example that prints a page.

The program is made of `program/` and of the runtime in C (`generation/portable/runtime/`), its files put into one.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path, PurePath
from string import Template
from typing import Any

from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import ConfigError
from understudy.exports.contract import Export
from understudy.generation import portable
from understudy.generation.portable.packing import Matrix, Packed, pack
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan
from understudy.model.config import GATES, STATES, ModelConfig
from understudy.model.file import ModelFile
from understudy.shell import command_line, path_argument
from understudy.text.vocabulary import Vocabulary, opening

LARGEST = 32 << 20
"""Bytes of weights in a program: its source has three times as many, and compilers take a hundred times
as much memory."""
MOST_CODE = 16 * 1024
"""Bytes that gcc and clang make of all but the weights, with -Os or -O3, on x86-64."""
PROMISE = (
    "the program writes the text of understudy generate, in eight bits, for the same seed and settings: whoever "
    "compiles it, on every processor"
)
AS_BYTES = "; the bytes that are drawn, as with --bytes"
_PROGRAM = Path(__file__).with_name("program")
_RUNTIME = Path(portable.__file__).with_name("runtime")
_STREAM, _RECENT = 16, 8
"""Bytes of a stream's seed and place, and numbers kept of its last characters (portable.c)."""


def promise(vocabulary: Vocabulary) -> str:
    """What text the same seed gives there."""
    return PROMISE + (AS_BYTES if vocabulary.kind == "bytes" else "")


def make(model: ModelFile, name: str) -> Export:
    """The files of a model: `name`, its header beside it, and an example.

    Raises:
        ConfigError: the name is none for a C file, or the weights are too many for one.
        ModelFileError: sums of the weights are not finite.
    """
    _check_name(name)
    packed = pack(model)
    weights = list(_arrays(packed))
    size = sum(array.nbytes for _, array in weights) + len(model.vocabulary) * _longest(model.vocabulary)
    if size > LARGEST:
        raise ConfigError(
            f"--to c: the model has {size:,} bytes of weights, packed in eight bits, and a C file holds at most "
            f"{LARGEST:,}; train one with fewer --units, symbols or --ngrams"
        )
    stem = PurePath(name).stem
    header, example = f"{stem}.h", f"{stem}_example.c"
    state = stream_bytes(model.config)
    word = identifier(stem)
    fields = {
        "about": _about(model, name, size, state),
        "name": word,
        "CAPITALS": word.upper(),
        "header": header,
        "build": command_line(["cc", "-O3", path_argument(example), path_argument(name), "-o", "page"]),
        "state": state,
        "symbols": len(model.vocabulary),
        "opening": opening(model.vocabulary),
        "layers": model.config.layers,
        "units": model.config.units,
        "kind": "one byte" if model.vocabulary.kind == "bytes" else "one character in UTF-8",
        "temperature": Sampling().temperature,
        "length": Plan().length,
        "longest": _longest(model.vocabulary),
        "table": _lines([_literal(symbol) for symbol in _spelled(model.vocabulary)], 8),
        "runtime": _runtime(),
        "weights": "\n\n".join(_array(name, array) for name, array in weights),
        "fields": _fields(packed),
    }
    fields["spelling"] = _filled(f"{model.vocabulary.kind}.c", fields)
    files = {name: "program.c", header: "program.h", example: "example.c"}
    made = {file: _filled(template, fields).encode() for file, template in files.items()}
    return Export(made, {"weights": size, "state": state}, promise(model.vocabulary))


def identifier(stem: str) -> str:
    """What the names of a file's functions begin with, made from its own."""
    word = re.sub("[^a-z0-9]+", "_", stem.lower()).strip("_") or "model"
    word = f"model_{word}" if word[0].isdigit() else word
    return "understudy_model" if word == "understudy" else word


def stream_bytes(config: ModelConfig) -> int:
    """The memory of a stream, as `understudy_stream_bytes` has it."""
    H, own = config.units, GATES[config.cell] * config.units
    reals = config.layers * (STATES[config.cell] * H + own) + (config.layers - 1) * own + config.vocabulary + own
    whole = _STREAM + 4 * _RECENT + 4 * ((reals + 1) // 2 * 2) + 12 * config.vocabulary + 2 * H
    return (whole + 7) // 8 * 8


def _check_name(name: str) -> None:
    """Hold a name against what `#include "NAME"` may say.

    Raises:
        ConfigError: it would not do.
    """
    if PurePath(name).suffix != ".c" or not name.isprintable() or set('"\\?*') & set(name):
        raise ConfigError(
            f"--out {named(name)}: expected the name of a C file: it ends in .c, and its header can be included "
            f'by its own, which has none of " \\ ? *; {named(identifier(PurePath(name).stem))}.c say'
        )


def _arrays(packed: Packed) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays of a model, each with its name."""
    yield from _parts("inputs", packed.inputs)
    if packed.input_weight is not None:
        yield from _parts("input_weight", packed.input_weight)
    if packed.ngrams is not None:
        yield "codes", packed.ngrams.codes
        yield from _parts("ngram_table", packed.ngrams.table)
        yield "ngram_weight", packed.ngrams.weight
    for layer, matrix in enumerate(packed.layers):
        yield from _parts(f"layer_{layer}", matrix)


def _parts(name: str, matrix: Matrix) -> Iterator[tuple[str, NDArray[Any]]]:
    yield name, matrix.rows
    if matrix.scales is not None:
        yield f"{name}_scales", matrix.scales
    if matrix.bias is not None:
        yield f"{name}_bias", matrix.bias


def _fields(packed: Packed) -> str:
    """The members of an `understudy_model`, in their order."""
    config, tables = packed.config, packed.ngrams
    sizes = [config.cell == "lstm", packed.input_weight is not None, config.vocabulary, config.embedding, config.units]
    sizes += [config.layers, config.ngrams, config.ngram_width if config.ngrams else 0, GATES[config.cell]]
    members = [", ".join(str(int(size)) for size in sizes), "inputs, inputs_scales"]
    within = "input_weight, input_weight_scales, input_weight_bias"
    members.append(within if packed.input_weight is not None else "NULL, NULL, NULL")
    members.append("codes, ngram_table, ngram_table_scales, ngram_weight" if tables else "NULL, NULL, NULL, NULL")
    layers = [f"{{layer_{layer}, layer_{layer}_scales, layer_{layer}_bias}}" for layer in range(config.layers)]
    members.append(f"{{{', '.join(layers)}}}")
    return ",\n".join(f"    {member}" for member in members)


def _array(name: str, array: NDArray[Any]) -> str:
    kind, spell, together = _SPELLINGS[array.dtype.name]
    numbers = [spell(number) for number in array.reshape(-1).tolist()]
    return f"static const {kind} {name}[{len(numbers)}] = {{\n{_lines(numbers, together)}\n}};"


def _real(number: float) -> str:
    """A float32 to the last bit."""
    digits, power = number.hex().split("p")
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}p{int(power)}f"


_SPELLINGS: dict[str, tuple[str, Callable[[Any], str], int]] = {
    "int8": ("int8_t", [*map(str, range(128)), *map(str, range(-128, 0))].__getitem__, 26),
    "uint32": ("uint32_t", str, 12),
    "float32": ("float", _real, 7),
}
"""The type of an array in C, how its numbers are written, and how many of them come in a line."""


def _lines(items: Sequence[str], together: int) -> str:
    """Items with commas between them, so many in a line."""
    return ",\n".join(",".join(items[place : place + together]) for place in range(0, len(items), together))


def _spelled(vocabulary: Vocabulary) -> list[bytes]:
    if vocabulary.kind == "bytes":
        return [bytes([byte]) for byte in range(256)]
    return [character.encode() for character in vocabulary.characters]


def _longest(vocabulary: Vocabulary) -> int:
    """Bytes of the longest symbol, and the zero behind them."""
    return max(map(len, _spelled(vocabulary))) + 1


def _literal(symbol: bytes) -> str:
    """A string of C: what is no plain sign of ASCII, or could mean something else, by its number."""
    plain = set(b" !#$%&'()*+,-./0123456789:;<=>@[]^_`{|}~") | set(range(65, 91)) | set(range(97, 123))
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in symbol) + '"'


def _runtime() -> str:
    """The runtime in one piece."""
    text = re.sub(r"^#if[^\n]*\n#endif\n", "", _whole("portable.c", {"opening.h"}), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _whole(name: str, seen: set[str]) -> str:
    """A file of the runtime, with those that it includes in their places: once each, and without their guards."""
    if name in seen:
        return ""
    seen.add(name)
    text = (_RUNTIME / name).read_text(encoding="utf-8")
    if guard := re.search(r"^#ifndef (UNDERSTUDY_\w+_H)\n#define \1\n", text, re.MULTILINE):
        text = text.replace(guard[0], "").rstrip().removesuffix("#endif")
    return re.sub(r'^#include "(.+)"\n', lambda found: f"{_whole(found[1], seen)}\n", text, flags=re.MULTILINE)


def _about(model: ModelFile, name: str, size: int, state: int) -> str:
    """The first comment of a file."""
    config, corpus = model.config, model.training.get("corpus")
    learned = corpus.get("name") if isinstance(corpus, Mapping) else None
    symbols = f"{len(model.vocabulary):,} {'bytes' if model.vocabulary.kind == 'bytes' else 'characters'}"
    layers = f"{config.layers} layers" if config.layers > 1 else "a layer"
    paragraphs = [
        f"{name}: a recurrent network that writes, made by Understudy {version('understudy')}",
        f"The model: {layers} of {config.units:,} {config.cell.upper()} units, {symbols}"
        + (f"; it learned from {learned}." if learned else "."),
        f"Sizes: {size:,} bytes of weights, which are constant; {state:,} bytes for each text under way, in memory of "
        f"the caller's; at most {MOST_CODE:,} bytes of code as gcc and clang make it for x86-64.",
        f"The same seed: {promise(model.vocabulary)}.",
        "C99, or C++ through the header. It allocates nothing, keeps nothing, prints nothing, and calls nothing but "
        "memcpy, memmove, memset and strncmp. Compile it with -O2 or -O3, and without -ffast-math; clang without "
        "-ffp-contract=fast.",
        "The program is Understudy's runtime, under the Apache License 2.0, and the model.",
        *(f"{heading}: {text}" for heading, text in model.card.items()),
    ]
    indent = " " * 3
    wrapped = [
        textwrap.fill(
            _in_comment(paragraph), 117, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
        for paragraph in paragraphs
    ]
    return "/* " + "\n\n".join(wrapped).strip() + " */"


def _in_comment(text: str) -> str:
    """A text as it may stand in a comment: it ends none, and is what it looks like."""
    shown = "".join(sign if sign.isprintable() else " " if sign.isspace() else f"U+{ord(sign):04X}" for sign in text)
    return (
        shown.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("??", "? ?").replace("\\", "\\ ")
    )


def _filled(template: str, fields: Mapping[str, Any]) -> str:
    return Template((_PROGRAM / template).read_text(encoding="utf-8")).substitute(fields)
