"""A run to iterate over: what it gives, and that wherever it is left it can be gone on with."""

import gc
import inspect
import json
import math
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import understudy
from tests.notebook.conftest import SETTINGS, model_bytes, open_below
from tests.runs.test_setbacks import Poison
from understudy import Report, Run, Setback, UserError

STOPPED = 20
"""The step whose report a run is left at."""


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_gives_the_lines_of_its_metrics_and_the_model_at_the_end(text: Path, tmp_path: Path) -> None:
    run = Run(text, out=tmp_path / "run", **SETTINGS)
    assert run.steps is None
    reports = list(run)
    assert [report.to_document() for report in reports] == metrics(run.folder)
    assert [report.step for report in reports] == [10, 15, 20, 30, 40, 45]
    looks = [report for report in reports if report.windowed is not None]
    assert [report.step for report in looks] == [15, 30, 45]
    assert [len(sample) for sample in run.samples] == [200, 200, 200]
    assert [report.seconds for report in reports] == sorted(report.seconds for report in reports)
    assert run.folder == tmp_path / "run"
    assert repr(run) == f"<Run in {run.folder}: done at step {run.steps} of 45>"
    assert run.model.generate(length=40, seed=2) == understudy.load(run.folder).generate(length=40, seed=2)
    assert list(run) == [], "it is done"


def test_what_train_leaves_is_what_iterating_leaves(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    run = Run(text, out=tmp_path / "run", **SETTINGS)
    for _ in run:
        pass
    assert model_bytes(run.folder) == model_bytes(undisturbed)
    names = [{path.name for path in folder.iterdir()} for folder in (run.folder, undisturbed)]
    assert names[0] == names[1] >= {"report.html", "samples.txt", "metrics.jsonl"}


def test_setbacks_are_among_what_it_gives(text: Path, tmp_path: Path) -> None:
    run = Run(text, out=tmp_path / "run", **(SETTINGS | {"checkpoint_every": 10}))
    given: list[Report] = []
    for report in run:
        if not given:
            assert run._sittings.session is not None
            Poison(run._sittings.session.trainer, {16: 1})
        given.append(report)
    (setback,) = [report for report in given if isinstance(report, Setback)]
    assert (setback.step, setback.failed_step, setback.windowed, setback.best) == (10, 16, None, False)
    assert math.isnan(setback.train_loss)
    assert [report.to_document() for report in given] == metrics(run.folder)
    assert run.model.history.setbacks == [setback.message]
    assert run.model.history.step == [10, 15, 20, 30, 40, 45]


class BangError(Exception):
    """Something goes wrong in the loop."""


def by_break(run: Run) -> None:
    for report in run:
        if report.step == STOPPED:
            break


def until(run: Run, then: Callable[[Run], None]) -> None:
    """Iterate, and do something in the loop at the report of that step."""
    for report in run:
        if report.step == STOPPED:
            then(run)


def bang(run: Run) -> None:
    raise BangError


def control_c(run: Run) -> None:
    signal.raise_signal(signal.SIGINT)


def by_exception(run: Run) -> object:
    with pytest.raises(BangError) as raised:
        until(run, bang)
    return raised


def by_control_c_in_the_loop(run: Run) -> object:
    with pytest.raises(KeyboardInterrupt) as raised:
        until(run, control_c)
    return raised


def by_control_c_in_a_step(run: Run) -> object:
    with pytest.raises(KeyboardInterrupt) as raised:
        until(run, interrupt_in_the_next_step)
    return raised


def by_dropping_it(run: Run) -> None:
    reports = iter(run)
    while next(reports).step < STOPPED:
        pass
    del reports
    gc.collect()


def by_closing_it(run: Run) -> None:
    reports = iter(run)
    while next(reports).step < STOPPED:
        pass
    run.close()
    assert list(reports) == []


def by_a_with_block(run: Run) -> None:
    with run as entered:
        reports = iter(entered)
        while next(reports).step < STOPPED:
            pass


def interrupt_in_the_next_step(run: Run) -> None:
    """Let Ctrl-C come when the weights of the next step are made, and the step is not counted yet."""
    assert run._sittings.session is not None
    updates = run._sittings.session.trainer.updates
    take = updates.take

    def taken(*given: Any) -> Any:
        del updates.take
        made = take(*given)
        signal.raise_signal(signal.SIGINT)
        return made

    updates.take = taken  # type: ignore[method-assign, assignment]


WAYS: list[Callable[[Run], object]] = [
    by_break,
    by_exception,
    by_control_c_in_the_loop,
    by_control_c_in_a_step,
    by_dropping_it,
    by_closing_it,
    by_a_with_block,
]


@pytest.mark.parametrize("leave", WAYS, ids=lambda leave: leave.__name__)
def test_a_run_that_is_left_lets_all_go_and_comes_to_the_same_bytes(
    leave: Callable[[Run], object], text: Path, undisturbed: Path, cache: Path, tmp_path: Path
) -> None:
    gc.collect()  # what other tests have left
    before = signal.getsignal(signal.SIGINT)
    run = Run(text, out=tmp_path / "run", **SETTINGS)
    traceback = leave(run)  # whoever keeps it, as a notebook does, keeps nothing open
    assert signal.getsignal(signal.SIGINT) is before
    step = STOPPED + (leave is by_control_c_in_a_step)
    assert (run.folder / f"checkpoint/step-{step:012d}.safetensors").is_file()
    assert open_below(tmp_path, cache) == []
    del traceback
    with FileLock(run.folder / ".lock", blocking=False):
        pass
    assert (run.folder / "report.html").is_file()
    assert run.model.history.step[-1] == STOPPED
    understudy.train(out=run.folder, resume=True, quiet=True)
    assert model_bytes(run.folder) == model_bytes(undisturbed)


def test_iterating_again_goes_on_from_where_it_stopped(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    run = Run(text, out=tmp_path / "run", **SETTINGS)
    by_break(run)
    assert "stopped at step 20 of 45" in repr(run)
    assert [report.step for report in run] == [30, 40, 45]
    assert len(run.samples) == 3
    assert "done at step 45 of 45" in repr(run)
    assert model_bytes(run.folder) == model_bytes(undisturbed)
    assert [line["step"] for line in metrics(run.folder)] == [10, 15, 20, 30, 40, 45]


def test_nobody_iterates_over_a_run_twice_at_once(text: Path, tmp_path: Path) -> None:
    run = Run(text, out=tmp_path / "run", **SETTINGS)
    first = iter(run)
    next(first)
    with pytest.raises(UserError, match="iterated over already"):
        iter(run)
    first.close()  # type: ignore[attr-defined]
    assert next(iter(run)).step > 10


def test_both_runs_of_use_all_text_are_gone_on_with(text: Path, tmp_path: Path, cache: Path) -> None:
    settings = SETTINGS | {"steps": 30}
    run = Run(text, out=tmp_path / "run", use_all_text=True, **settings)
    by_break(run)
    assert open_below(tmp_path, cache) == []
    rest = []
    for report in run:  # to the end of the first run, and a little into the second
        rest.append(report.step)
        if len(rest) == 3:
            break
    assert open_below(tmp_path, cache) == []
    rest += [report.step for report in run]
    first, *second = rest
    assert first == 30, "the first run goes on from step 20"
    assert second == sorted(second), "and then the second, from its beginning"
    assert second[0] == 10
    understudy.train(text, out=tmp_path / "at once", use_all_text=True, quiet=True, **settings)
    assert model_bytes(run.folder) == model_bytes(tmp_path / "at once")
    before = run.model.history.held_back
    assert before is not None
    assert before.step == [10, 15, 20, 30]
    assert set(run.model.history.validation_loss) == {None}


@pytest.fixture
def own_handler() -> Iterator[list[int]]:
    """A program's own handler of Ctrl-C, which does no more than take note."""
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    yield heard
    signal.signal(signal.SIGINT, before)


def test_a_program_with_a_handler_of_its_own_decides_itself(
    own_handler: list[int], text: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run = Run(text, out=tmp_path / "run", **SETTINGS)
    for report in run:
        if report.step == STOPPED:
            interrupt_in_the_next_step(run)
    assert own_handler == [signal.SIGINT]
    assert model_bytes(run.folder) == model_bytes(undisturbed)


def test_a_thread_may_train_too(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    trained = threading.Thread(
        target=lambda: understudy.train(text, out=tmp_path / "run", quiet=True, **SETTINGS), name="training"
    )
    trained.start()
    trained.join()
    assert model_bytes(tmp_path / "run") == model_bytes(undisturbed)


def test_what_is_not_there_yet_is_said(text: Path, tmp_path: Path) -> None:
    run = Run(text, **SETTINGS)
    with pytest.raises(UserError, match="no folder yet"):
        _ = run.folder
    with pytest.raises(UserError, match="no model yet"):
        _ = run.model
    with pytest.raises(UserError, match="--units"):
        Run(text, units=0)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_refused_says_so_when_it_begins_and_lets_its_folder_go(text: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "nothing.txt", out=tmp_path / "run", **SETTINGS)
    with pytest.raises(UserError, match=r"nothing\.txt"):
        next(iter(run))
    assert list(tmp_path.iterdir()) == []
    text_again = Run(text, out=tmp_path / "run", **SETTINGS)
    assert next(iter(text_again)).step == 10


def test_train_and_run_take_the_same() -> None:
    train, run = (dict(inspect.signature(taker).parameters) for taker in (understudy.train, Run))
    assert train.pop("quiet").default is False
    assert list(train.items()) == list(run.items())
