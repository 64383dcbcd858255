"""Understudy learns to write like any text you give it, one character at a time, on your own machine.

model = understudy.train("mybook.txt", minutes=5)
print(model.generate("It was", length=500))

model = understudy.load("runs/mybook")

for report in understudy.Run("mybook.txt", minutes=5):  # the figures, as they come
    print(report.step, report.train_loss)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.api import Model, Run, load, train
    from understudy.errors import UnderstudyError, UserError
    from understudy.evaluation.protocols import Score
    from understudy.history.figures import History
    from understudy.runs.keeping import Setback
    from understudy.samples import Sample, Stream
    from understudy.scores import TextScore
    from understudy.training.loop import Report

__all__ = [
    "History",
    "Model",
    "Report",
    "Run",
    "Sample",
    "Score",
    "Setback",
    "Stream",
    "TextScore",
    "UnderstudyError",
    "UserError",
    "load",
    "train",
]

_HOMES = {
    "History": "history.figures",
    "Report": "training.loop",
    "Sample": "samples",
    "Score": "evaluation.protocols",
    "Setback": "runs.keeping",
    "Stream": "samples",
    "TextScore": "scores",
    "UnderstudyError": "errors",
    "UserError": "errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562), so that `import understudy` does no work."""
    if name not in __all__:
        raise AttributeError(f"module 'understudy' has no attribute {name!r}")
    from importlib import import_module

    from understudy.model.cores import wait_briefly

    wait_briefly()
    return getattr(import_module(f"understudy.{_HOMES.get(name, 'api')}"), name)
