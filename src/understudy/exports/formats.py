"""The formats that a model can be exported to. Nothing that is large is imported until one is made.

A format is one module with one function, which makes files out of a model and touches no disk; `FORMATS` lists it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.exports.contract import Export
    from understudy.model.file import ModelFile


@dataclass(frozen=True)
class Format:
    """What a model can be exported to.

    Attributes:
        suffix: how the name of the file ends, unless another is asked for.
        tells: what it is, in the words of the help.
        make: gives the `Export` of a model whose file is to have that name, for these options; raises `UserError`s.
        options: the names of the options that it takes. One that is None or False was not asked for, and is left out.
    """

    suffix: str
    tells: str
    make: "Callable[..., Export]"
    options: tuple[str, ...] = ()


def _onnx(model: "ModelFile", name: str, **options: Any) -> "Export":
    from understudy.exports.graphs import making

    return making.make(model, name, **options)


def _html(model: "ModelFile", name: str, **options: Any) -> "Export":
    from understudy.exports import html

    return html.make(model, name, **options)


def _c(model: "ModelFile", name: str, **options: Any) -> "Export":
    from understudy.exports import c_source

    return c_source.make(model, name, **options)


FORMATS: Mapping[str, Format] = {
    "c": Format(".c", "a C file with the model inside, which needs nothing else", _c),
    "html": Format(".html", "a page with the model inside, which writes offline in any browser", _html, ("called",)),
    "onnx": Format(".onnx", "a step as an ONNX graph, for any runtime", _onnx, ("loop", "draw", "precision")),
}
"""By the word that `--to` takes."""
