"""Understudy learns to write like any text you give it, one character at a time, on your own machine.

model = understudy.train("mybook.txt", minutes=5)
print(model.generate("It was", length=500))

model = understudy.load("runs/mybook")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.api import Model, load, train
    from understudy.errors import UnderstudyError, UserError
    from understudy.samples import Sample, Stream

__all__ = ["Model", "Sample", "Stream", "UnderstudyError", "UserError", "load", "train"]

_HOMES = {"UnderstudyError": "errors", "UserError": "errors", "Sample": "samples", "Stream": "samples"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562), so that `import understudy` does no work."""
    if name not in __all__:
        raise AttributeError(f"module 'understudy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"understudy.{_HOMES.get(name, 'api')}"), name)
