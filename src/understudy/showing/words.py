"""What is said of a run while it trains and when it is done, wherever it is shown."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from understudy.checks import named
from understudy.showing.times import duration
from understudy.training.loop import Report

if TYPE_CHECKING:
    from understudy.runs.session import Session


def report_figures(report: Report) -> Iterator[tuple[str, str]]:
    """What a report says, in the order in which it is read."""
    yield "train loss", f"{report.train_loss:.4f}"
    if report.windowed is not None and report.streamed is not None:
        best = ", best so far" if report.best else ""
        yield "validation loss", f"{report.windowed.loss:.4f} (streamed {report.streamed.loss:.4f}{best})"
        yield "bits a character", f"{report.streamed.bits_per_character:.3f}"
    yield "characters a second", f"{report.characters_per_second:,.0f}"
    yield "rate", f"{report.learning_rate:.2e}"
    yield "epoch", f"{report.epoch:.2f}"


def model_line(session: "Session") -> str:
    """The model in one line."""
    config, recipe = session.facts.config, session.facts.recipe
    folder = named(session.folder.path)
    layers = f"{config.layers} × " if config.layers > 1 else ""
    return (
        f"model: {layers}{config.cell.upper()} {config.units}, embedding {config.embedding}, "
        f"{config.parameters:,} parameters, {recipe.precision} on {recipe.device}; run folder {folder}"
    )


def kernels_line(session: "Session") -> str:
    """What computes the recurrences, so that a slow way is never a silent one."""
    if session.facts.recipe.device == "cuda":
        import torch

        return f"PyTorch's kernels on {torch.cuda.get_device_name()}"
    from understudy.model.recurrence import compiled

    return compiled.described()


def done_lines(result: dict[str, Any]) -> Iterator[str]:
    """What came of a run, out of its figures."""
    yield (
        f"done: {result['steps']:,} steps in {duration(result['seconds'])}, "
        f"{result['characters_per_second']:,.0f} characters a second"
    )
    if result["validation_loss"] is not None:
        yield (
            f"best model: step {result['best_step']:,}, validation {result['validation_loss']:.4f} nats a "
            f"character in windows of 256, {result['validation_loss_streamed']:.4f} streamed "
            f"({result['bits_per_character']:.3f} bits)"
        )
    if "held_back" in result:
        before = result["held_back"]
        yield (
            f"learned from the whole text; with a part held back, the same recipe came to validation "
            f"{before['validation_loss']:.4f} nats a character in windows of 256, "
            f"{before['validation_loss_streamed']:.4f} streamed"
        )


def run_of(model: str) -> str:
    """The run folder that a model file lies in, as it is typed."""
    return os.path.dirname(model) or os.curdir  # noqa: PTH120 - Path drops a leading ./
