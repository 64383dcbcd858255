"""What a trained model tells of itself: its history, a picture of it, and what a notebook or a prompt shows of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from understudy.errors import ConfigError
from understudy.model.file import ModelFile

if TYPE_CHECKING:
    from understudy.history.curves import Curves
    from understudy.history.figures import History


class Told:
    """What a trained model tells of itself."""

    _file: ModelFile
    _run: Path | None = None

    @property
    def history(self) -> "History":
        """The figures of its run, as far as the run has come by now.

        Raises:
            ConfigError: the model was not loaded from a run folder, or that holds no figures.
        """
        from understudy.history.figures import History

        if self._run is None:
            raise ConfigError(
                "this model has no history: it is not in a run folder, whose metrics.jsonl tells it; load the folder, "
                "as in understudy.load('runs/NAME')"
            )
        return History(self._run)

    def plot(self) -> "Curves":
        """Training and held-back losses against steps and minutes: a matplotlib Figure, which a notebook shows.

        Raises:
            ConfigError: the model has no history.
            MissingExtraError: matplotlib is not installed.
        """
        return self.history.plot()

    def __repr__(self) -> str:
        lines = (f"\n  {name:<11} {value}" for name, value in facts(self._file))
        return f"<Model{''.join(lines)}>"

    def _repr_html_(self) -> str:
        from understudy.pages import cells

        return cells.framed(cells.titled("Understudy model"), cells.table(facts(self._file)))


def facts(model: ModelFile) -> list[tuple[str, str]]:
    """What a person wants to see of a model, each in a few words that fit a line."""
    from understudy.checks import named

    config, training = model.config, model.training
    layers = f"{config.layers} × " if config.layers > 1 else ""
    told = [
        (
            "network",
            f"{layers}{config.cell.upper()} {config.units}, embedding {config.embedding}, "
            f"{config.parameters:,} parameters",
        ),
        ("vocabulary", f"{len(model.vocabulary):,} {model.vocabulary.kind}"),
    ]
    corpus = training.get("corpus", {})
    if "characters" in corpus:
        told.append(("text", f"{named(str(corpus.get('name')))}, {corpus['characters']:,} {model.vocabulary.kind}"))
    if "imported" in training:
        told.append(("imported", named(training["imported"]["format"])))
    if training.get("steps"):
        told.append(("trained", f"{training['steps']:,} steps"))
    if training.get("validation_loss") is not None:
        told.append(
            (
                "held back",
                f"{training['validation_loss']:.4f} nats a character in windows of 256, "
                f"{training['validation_loss_streamed']:.4f} streamed",
            )
        )
    return told
