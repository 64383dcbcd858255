"""Runs of several processes, as a launcher starts them: the same bytes, whatever happens on the way."""

import json
import random
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.runs.conftest import some_text

if TYPE_CHECKING:
    from tests.processes.starting import Sitting
    from tests.ranks.conftest import Group

SMALL = (
    *("--preset", "tiny", "--units", 16, "--batch-size", 8, "--sequence-length", 16),
    *("--evaluate-every", 20, "--checkpoint-every", 10, "--validation", 0.05, "--dropout", 0.1, "--optimizer", "muon"),
)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(some_text(12_000), encoding="utf-8")
    return path


def train(text: Path, *more: object, steps: int = 60) -> list[object]:
    return ["train", text, "--out", "run", *SMALL, "--steps", steps, *more]


def kept(folder: Path) -> dict[str, bytes]:
    """What a run leaves that does not tell of time."""
    run = folder / "run"
    found = {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*.safetensors")}
    found["samples.txt"] = (run / "samples.txt").read_bytes()
    return {name: data for name, data in found.items() if not name.startswith("checkpoint")} | newest(run)


def newest(run: Path) -> dict[str, bytes]:
    """The tensors of the last checkpoint; its document holds seconds."""
    last = max((run / "checkpoint").iterdir(), key=lambda path: int(path.stem.removeprefix("step-")))
    return {f"{last.name} {name}": array.tobytes() for name, array in load_file(last).items()}


@pytest.fixture(scope="module")
def undisturbed(group: "Group", text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "of-2"
    folder.mkdir()
    group.run(folder, *train(text))
    return folder


def made(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def reached(folder: Path, step: int) -> bool:
    """Whether a run has kept a checkpoint of that step or a later one."""
    found = (folder / "run" / "checkpoint").glob("step-*.safetensors")
    return any(int(path.stem.removeprefix("step-")) >= step for path in found)


@pytest.mark.slow
def test_two_ranks_make_the_same_bytes_twice(group: "Group", text: Path, undisturbed: Path, tmp_path: Path) -> None:
    folder = made(tmp_path, "again")
    group.run(folder, *train(text))
    assert kept(folder) == kept(undisturbed)
    assert [path.name for path in sorted(folder.iterdir())] == ["run"]


def test_rank_0_alone_shows_and_writes(undisturbed: Path) -> None:
    first, second = (undisturbed.with_name(f"of-2-{rank}.stdout").read_text() for rank in (0, 1))
    assert "step 60 of 60" in first
    assert second == ""
    assert json.loads((undisturbed / "run" / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 60
    assert (undisturbed / "run" / "report.html").is_file()


@pytest.mark.parametrize(
    ("number", "victim"),
    [
        (signal.SIGKILL, 1),
        (signal.SIGTERM, 0),
        *(
            pytest.param(number, victim, marks=pytest.mark.slow)
            for number, victim in ((signal.SIGKILL, 0), (signal.SIGTERM, 1), (signal.SIGINT, 0), (signal.SIGINT, 1))
        ),
    ],
)
def test_a_run_whose_process_ended_goes_on_to_the_same_bytes(
    group: "Group", text: Path, undisturbed: Path, tmp_path: Path, victim: int, number: signal.Signals
) -> None:
    folder = made(tmp_path, "ended")
    sittings = group.start(folder, *train(text), slow=dict.fromkeys(range(2), 0.005))
    group.launcher.until(lambda: reached(folder, 20))
    sittings[victim].send(number)
    sent = time.monotonic()
    statuses = [sitting.wait() for sitting in sittings]
    assert time.monotonic() - sent < 5
    if number == signal.SIGKILL:
        assert statuses[victim] == -signal.SIGKILL
        assert statuses[1 - victim] == 1
        (line,) = sittings[1 - victim].said.splitlines()
        assert "another process of this run is gone" in line
        assert "--resume" in line
    else:
        assert statuses[victim] == 128 + number
        assert statuses[1 - victim] in (128 + number, 128 + signal.SIGTERM)
        assert "interrupted at step" in sittings[0].said
        assert sittings[1].said == ""
    group.run(folder, *train(text, "--resume"))
    assert kept(folder) == kept(undisturbed)


def test_a_run_goes_on_with_other_numbers_of_processes(
    group: "Group", text: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder = made(tmp_path, "others")
    for of, until in ((2, 15), (1, 35), (3, None)):
        if until is None:
            group.run(folder, "train", "--out", "run", "--resume", of=of)
            break
        more = ["--resume"] if of != 2 else []
        sittings = group.start(folder, *train(text, *more), of=of, slow=dict.fromkeys(range(of), 0.005))
        group.launcher.until(lambda least=until: reached(folder, least))  # type: ignore[misc]
        sittings[0].send(signal.SIGTERM)
        assert {sitting.wait() for sitting in sittings} == {128 + signal.SIGTERM}
    ended, expected = (load_file(where / "run" / "model.safetensors") for where in (folder, undisturbed))
    for name, array in expected.items():
        np.testing.assert_allclose(ended[name], array, atol=2e-3, err_msg=name)
    progress = [json.loads(last_document(where / "run"))["progress"] for where in (folder, undisturbed)]
    assert progress[0]["characters"] == progress[1]["characters"]
    assert "started with processes 2, now 3" in (folder.with_name("others-0.stdout")).read_text()


def last_document(run: Path) -> str:
    from safetensors import safe_open

    last = max((run / "checkpoint").iterdir(), key=lambda path: int(path.stem.removeprefix("step-")))
    with safe_open(last, "np") as file:
        return str(file.metadata()["understudy"])


def test_numbers_that_are_not_finite_on_one_rank_send_all_back(group: "Group", text: Path, tmp_path: Path) -> None:
    folder = made(tmp_path, "poisoned")
    group.run(folder, *train(text), poisoned={1: 27})
    lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    (setback,) = [line for line in lines if "setback" in line]
    assert setback["step"] == 20
    assert "step 27: the loss is nan" in setback["setback"]
    assert lines[-1]["step"] == 60


def test_a_run_of_minutes_ends_in_time_at_the_same_step(group: "Group", text: Path, tmp_path: Path) -> None:
    folder = made(tmp_path, "minutes")
    wanted = ["train", text, "--out", "run", "--minutes", 0.05, "--units", 64, "--from", "none", "--validation", 0.05]
    began = time.monotonic()
    sittings = group.start(folder, *wanted, told={1: str(tmp_path / "last")})
    assert [sitting.wait() for sitting in sittings] == [0, 0], sittings[0].said
    last = json.loads((folder / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert int((tmp_path / "last").read_text()) == last["step"]
    assert time.monotonic() - began < 30


def test_a_checkpoint_that_comes_by_time_comes_once(group: "Group", text: Path, tmp_path: Path) -> None:
    folder, saved = made(tmp_path, "by-time"), tmp_path / "saved"
    often = train(text, "--checkpoint-every", 1000, steps=100)
    group.run(folder, *often, saves={0: str(saved)}, slow=dict.fromkeys(range(2), 0.01))
    first, *by_time, last = map(int, saved.read_text().split())
    assert (first, last) == (0, 100)
    assert len(by_time) > 1
    assert all(after - before > 1 for before, after in pairwise(by_time)), by_time


def test_weights_that_have_drifted_apart_become_rank_0s_and_it_says_so(
    group: "Group", text: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder = made(tmp_path, "drifted")
    group.run(folder, *train(text, steps=12), drifts={1: 9})
    said = (folder.with_name("drifted-0.stdout")).read_text()
    assert "process 1 had drifted from those of process 0 by step 10" in said


def refused(group: "Group", folder: Path, *arguments: object, of: int = 2) -> list["Sitting"]:
    sittings = group.start(folder, *arguments, of=of)
    statuses = [sitting.wait() for sitting in sittings]
    assert statuses[0] == 2
    assert all(len(sitting.said.splitlines()) <= 1 for sitting in sittings), [sitting.said for sitting in sittings]
    return sittings


def test_what_cannot_be_shared_is_refused_in_one_line(group: "Group", text: Path, tmp_path: Path) -> None:
    sittings = refused(group, made(tmp_path, "many"), *train(text, "--batch-size", 2), of=3)
    assert "3 processes for 2 lanes" in sittings[0].said
    sittings = refused(group, made(tmp_path, "stdin"), *train(Path("-")))
    assert "2 processes cannot read one standard input" in sittings[0].said
    sittings = refused(group, made(tmp_path, "missing"), *train(tmp_path / "nowhere.txt"))
    assert "no such file or folder" in sittings[0].said


def test_a_text_that_one_host_lacks_is_told_by_both(group: "Group", text: Path, tmp_path: Path) -> None:
    folder = made(tmp_path, "lacks")
    sittings = group.start(
        folder, *train(Path("here.txt")), inside={rank: f"host-{rank}" for rank in (0, 1)}, texts={0: str(text)}
    )
    assert [sitting.wait() for sitting in sittings] == [2, 2]
    assert "process 1 of 2:" in sittings[0].said
    assert all("here.txt: no such file" in sitting.said for sitting in sittings)
    assert not list(folder.glob("*/run/model.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_kills_at_any_moment_lose_nothing(
    group: "Group", text: Path, undisturbed: Path, tmp_path: Path, seed: int
) -> None:
    chance, folder = random.Random(seed), made(tmp_path, "killed")
    while True:
        sittings = group.start(folder, *train(text, "--resume"), slow=dict.fromkeys(range(2), 0.01))
        time.sleep(chance.uniform(0.2, 1.5))
        for sitting in chance.choice([sittings[:1], sittings[1:], sittings]):
            sitting.send(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        statuses: list[Any] = [sitting.wait() for sitting in sittings]
        if statuses == [0, 0]:
            break
    assert kept(folder) == kept(undisturbed)
