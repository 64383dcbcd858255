"""`--to html`: one page with the model inside, which writes offline in any browser of the last five years.

The page is made of `page/`, the runtime as WebAssembly, and its mirror in JavaScript (`generation/portable/`), for
browsers without WebAssembly's SIMD. Its policy lets it run its own script and nothing else, and ask for nothing.
"""

import base64
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from understudy import checks
from understudy.errors import ConfigError
from understudy.exports.contract import Export
from understudy.generation import portable
from understudy.generation.portable.packing import pack
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan
from understudy.model.file import ModelFile, boxed
from understudy.pages import escaped, json_in_page, page
from understudy.shell import path_argument
from understudy.text.vocabulary import opening

LARGEST = 64 << 20
"""Bytes of a packed model in a page: it is held as text and once more as numbers, and telephones give a page little."""
PAGE = Path(__file__).with_name("page")
RUNTIME = Path(portable.__file__).parent
UNNAMED = "MODEL"
PROMISE = (
    "the page writes the text of understudy generate, in eight bits, for the same seed and settings: in every browser, "
    "on every processor. It shows the command"
)


def make(model: ModelFile, name: str, *, called: str | None = None) -> Export:
    """The page of a model.

    Args:
        model: the model.
        name: of the page's file.
        called: what the command in the page calls the model; where nothing is given, a word to be replaced.

    Raises:
        ConfigError: the packed model is too large for a page, or `called` is no name.
    """
    called = UNNAMED if called is None else checks.text("--called", called)
    packed = pack(model)
    if packed.size > LARGEST:
        raise ConfigError(
            f"--to html: the model has {packed.size:,} bytes, packed in eight bits, and a page holds at most "
            f"{LARGEST:,}; export it --to c, or train one with fewer --units, symbols or --ngrams"
        )
    data = packed.to_bytes()
    page = _page(model, name, called, data)
    state = 4 * sum(width for part in model.config.state_widths for width in part)
    return Export({name: page.encode()}, {"weights": len(data), "state": state}, PROMISE)


def calling(model: str) -> str:
    """What a page is to call a model that was named so: a page is shown to others, so it tells of no folders.

    A name that begins at the root, or at the home folder of somebody, is cut to its last part.
    """
    if model in boxed():
        return model
    path = Path(model)
    return path_argument(path.name if path.is_absolute() or ".." in path.parts else model) or UNNAMED


def _page(model: ModelFile, name: str, called: str, data: bytes) -> str:
    texts = {
        "title": _title(model, called),
        "what": _what(model),
        "symbols": "bytes" if model.vocabulary.kind == "bytes" else "characters",
        "length": str(Plan().length),
        "temperature": str(Sampling().temperature),
        "file": name,
        "version": version("understudy"),
        "size": f"{len(data):,}",
    }
    wasm = RUNTIME / "portable.wasm"
    parts = {
        "card": _card(model),
        "model": json_in_page(_told(model, name, called, data)),
        "program": base64.b64encode(wasm.read_bytes()).decode() if wasm.is_file() else "",
        "weights": base64.b64encode(data).decode(),
    }
    return page(_piece("page.html"), _piece("page.css"), _script(), texts, parts, wasm=True)


def _told(model: ModelFile, name: str, called: str, data: bytes) -> dict[str, Any]:
    """What the script must know of the model."""
    vocabulary = model.vocabulary
    return {
        "kind": vocabulary.kind,
        "characters": vocabulary.characters,
        "symbols": len(vocabulary),
        "opening": opening(vocabulary),
        "bytes": len(data),
        "called": called,
        "saved": f"{Path(name).stem}.txt",
    }


def _title(model: ModelFile, called: str) -> str:
    learned = _learned(model)
    return f"Writes like {learned or called.removeprefix('@')}" if learned or called != UNNAMED else "It writes"


def _what(model: ModelFile) -> str:
    learned = _learned(model)
    return f"A recurrent network of {_shape(model)}{f' that learned from {learned}' if learned else ''}."


def _shape(model: ModelFile) -> str:
    config = model.config
    layers = f"{config.layers} layers of " if config.layers > 1 else ""
    return f"{layers}{config.units:,} {config.cell.upper()} unit{'' if config.units == 1 else 's'}"


def _learned(model: ModelFile) -> str | None:
    corpus = model.training.get("corpus")
    name = corpus.get("name") if isinstance(corpus, Mapping) else None
    return name if isinstance(name, str) and name else None


def _card(model: ModelFile) -> str:
    """The model's card as a list of terms, and its shape before it."""
    kind = "bytes" if model.vocabulary.kind == "bytes" else "characters"
    facts = {"Shape": f"{_shape(model)}; {len(model.vocabulary):,} {kind}"}
    if learned := _learned(model):
        facts["Learned from"] = learned
    lines = (facts | dict(model.card)).items()
    return "\n".join(f"<dt>{escaped(heading)}</dt>\n<dd>{escaped(text)}</dd>" for heading, text in lines)


def _script() -> str:
    """The program of the page, as browsers read it: its hash is of that."""
    runtime = [(RUNTIME / name).read_text(encoding="utf-8") for name in ("arithmetic.js", "portable.js")]
    pieces = [_piece(name) for name in ("engines.js", "text.js", "page.js")]
    return "\n".join(["", *runtime, "(() => {", "'use strict';", *pieces, "})();", ""])


def _piece(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")
