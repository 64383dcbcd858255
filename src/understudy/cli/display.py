"""How training looks: a live display on a terminal, plain lines elsewhere, or nothing."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from understudy.checks import named
from understudy.cli.terminal import Outlet, say_text, tell, visible
from understudy.runs.keeping import Setback
from understudy.shell import command_line, path_argument
from understudy.training.loop import Report

if TYPE_CHECKING:
    from understudy.runs.session import Session

_PLAIN_REPORTS = 20


def display(*, quiet: bool, to_stderr: bool) -> "Plain":
    """The display for where the output goes; `to_stderr` keeps standard output free for a result."""
    outlet = Outlet(sys.stderr if to_stderr else sys.stdout)
    if quiet:
        return Quiet(outlet)
    return LiveDisplay(outlet) if outlet.isatty() else Plain(outlet)


class Plain:
    """One line for an evaluation, and for every twentieth of the run."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.session: Session

    def line(self, text: str) -> None:
        """Print one line; where it cannot be printed, as after `| head`, the training goes on in silence."""
        self.outlet.write(visible(text) + "\n")

    def sample(self, text: str) -> None:
        """Print what the model wrote at the end."""
        self.outlet.write(text + "\n")

    @contextmanager
    def training(self, session: "Session") -> Iterator[None]:
        """Show the model that is trained, and then its training."""
        self._begin(session)
        yield

    def _begin(self, session: "Session") -> None:
        self.session = session
        self.line(model_line(session))
        self.line(kernels_line(session))

    def show(self, report: Report | Setback) -> None:
        """Show a report."""
        if isinstance(report, Setback):
            self.line(f"setback: {report.message}")
            return
        steps = self.session.facts.schedule.steps
        every = max(10, steps // _PLAIN_REPORTS // 10 * 10)
        if report.windowed is not None or report.step % every == 0 or report.step == steps:
            width = len(f"{steps:,}")
            figures = "  ".join(f"{name} {value}" for name, value in report_figures(report))
            self.line(f"step {report.step:>{width},} of {steps:,}  {figures}")

    def interrupted(self, session: "Session") -> None:
        """Say where the run stands and how it goes on; this is said even where all else is quiet."""
        step, steps = session.trainer.progress.step, session.facts.schedule.steps
        tell(
            f"interrupted at step {step:,} of {steps:,}; the checkpoint is written; go on with:\n"
            f"  {session.resume_command}"
        )

    def result(self, result: dict[str, Any]) -> None:
        """Show what came of it."""
        seconds = result["seconds"]
        self.line(
            f"done: {result['steps']:,} steps in {duration(seconds)}, "
            f"{result['characters_per_second']:,.0f} characters a second"
        )
        if result["validation_loss"] is not None:
            self.line(
                f"best model: step {result['best_step']:,}, validation {result['validation_loss']:.4f} nats a "
                f"character in windows of 256, {result['validation_loss_streamed']:.4f} streamed "
                f"({result['bits_per_character']:.3f} bits)"
            )
        if "held_back" in result:
            before = result["held_back"]
            self.line(
                f"learned from the whole text; with a part held back, the same recipe came to validation "
                f"{before['validation_loss']:.4f} nats a character in windows of 256, "
                f"{before['validation_loss_streamed']:.4f} streamed"
            )
        if "report" in result:
            self.line(f"how it went: {named(result['report'])}")
        command = command_line(["understudy", "generate", path_argument(run_of(result["model"]))])
        self.line(f"written to {named(result['model'])}; let it write: {command}")
        if "text" in result:
            self.sample(result["text"])


class Quiet(Plain):
    """Nothing, but the sample where one was asked for."""

    def line(self, text: str) -> None:
        """Say nothing."""

    def result(self, result: dict[str, Any]) -> None:
        """Show the sample alone."""
        if "text" in result:
            say_text(result["text"] + "\n")


class LiveDisplay(Plain):
    """Progress, time left, figures and the last sample, redrawn in place."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__(outlet)
        self.console = Console(file=cast("TextIO", outlet), highlight=False)
        self._live: Live | None = None
        self._figures: dict[str, str] = {}
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=self.console,
        )

    def line(self, text: str) -> None:
        """Print one line, above the display where there is one."""
        self.console.print(Text(visible(text)), soft_wrap=True)

    def sample(self, text: str) -> None:
        """Print what the model wrote at the end, as far as a terminal may show it."""
        self.line(text.replace("\r\n", "\n"))

    @contextmanager
    def training(self, session: "Session") -> Iterator[None]:
        """Show the model, and the display for as long as it trains."""
        self._begin(session)
        done = session.trainer.progress.step
        for task in self._progress.task_ids:  # of a session before this one
            self._progress.remove_task(task)
        self._task = self._progress.add_task("", total=session.facts.schedule.steps, completed=done)
        with Live(self._drawn(), console=self.console, refresh_per_second=4, transient=False) as self._live:
            yield

    def show(self, report: Report | Setback) -> None:
        """Redraw with the report's figures."""
        if isinstance(report, Setback):
            super().show(report)
            return
        self._figures.update(report_figures(report))
        self._progress.update(self._task, total=self.session.facts.schedule.steps, completed=report.step)
        if self._live is not None:
            self._live.update(self._drawn())

    def _drawn(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, value in self._figures.items():
            table.add_row(Text(name, style="dim"), Text(visible(value)))
        parts: list[Any] = [self._progress, table]
        if self.session.samples:
            sample = visible(self.session.samples[-1].replace("\r\n", "\n")).strip("\n")
            parts.append(Panel(Text(sample), title="what it writes now", title_align="left"))
        return Group(*parts)


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

    return compiled.path()


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(math.floor(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def run_of(model: str) -> str:
    """The run folder that a model file lies in, as it is typed."""
    return os.path.dirname(model) or os.curdir  # noqa: PTH120 - Path drops a leading ./
