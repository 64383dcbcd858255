"""Learning from the page: real processes, begun, watched, stopped and gone on with over a real server."""

import json
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.running import Running, serving
from understudy.layout import METRICS, SAMPLES
from understudy.serving import shelf

TEXT = "".join(random.Random(3).choices("abcdefghij klmno\n", k=6000))
LONG = 20.0
"""Minutes of a run that is stopped long before."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def server(models: list[Path], folder: Path, tmp_path: Path) -> Iterator[Running]:
    with serving([models[0]], "--runs", str(folder), cwd=tmp_path) as running:
        yield running
        end_all(running)


def end_all(server: Running) -> None:
    for run in server.ask("GET", "/studio/runs").document["runs"]:
        if run["state"] == "learning":
            server.post(f"/studio/runs/{run['name']}/stop")
            until(server, run["name"], lambda told: told["run"]["state"] not in ("learning", "stopping"))


def told(server: Running, name: str) -> Any:
    answered = server.ask("GET", f"/studio/runs/{name}")
    assert answered.status == 200, answered.body
    return answered.document


def until(server: Running, name: str, so: Callable[[Any], bool], seconds: float = 90) -> Any:
    ends = time.monotonic() + seconds
    while not so(found := told(server, name)):
        assert time.monotonic() < ends, found
        time.sleep(0.1)
    return found


def begun(server: Running, name: str = "a text.txt", text: str = TEXT, minutes: float = LONG) -> str:
    answered = server.post("/studio/runs", name=name, text=text, minutes=minutes)
    assert answered.status == 201, answered.body
    return str(answered.document["name"])


def learns(found: Any) -> bool:
    return bool(found["journal"]["lines"])


def test_a_survey_tells_what_info_sees(server: Running) -> None:
    seen = server.post("/studio/survey", name="x.txt", text="aab\r\n" * 100 + "ü").document
    assert seen["characters"] == 501
    assert seen["distinct"] == 5
    assert seen["common"][0] == ["a", 200]
    assert seen["rare"]["shown"] == ["ü"]
    assert seen["carriage_returns"] == 100
    assert "very few" in seen["advice"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/studio/survey", {"text": ""}),
        ("/studio/survey", {"text": "a\0b"}),
        ("/studio/survey", {"text": "a\ud800b"}),
        ("/studio/survey", {"text": "\ufeff"}),
        ("/studio/survey", {"text": 3}),
        ("/studio/survey", {}),
        ("/studio/runs", {"text": "abc", "name": "x"}),
        ("/studio/runs", {"text": "abc", "name": "x", "minutes": 0}),
        ("/studio/runs", {"text": "abc", "name": "x", "minutes": "5"}),
        ("/studio/runs", {"text": "abc", "name": 4, "minutes": 5}),
        ("/studio/runs", {"text": "abc", "name": "x", "minutes": 5, "newlines": "crlf"}),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(
    server: Running, folder: Path, path: str, fields: dict[str, Any]
) -> None:
    answered = server.post(path, **fields)
    assert answered.status == 400
    assert "\n" not in answered.message
    assert not folder.exists()


@pytest.mark.parametrize("name", ["..", "..%2F..%2Fetc", "%2Fetc%2Fpasswd", ".%2F", "nobody", "%00"])
def test_a_request_names_no_place_on_the_disk(server: Running, name: str) -> None:
    for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/resume")):
        body = b"{}" if method == "POST" else None
        answered = server.ask(method, f"/studio/runs/{name}{path}", body, content_type="application/json")
        assert answered.status == 404, (method, path)


def test_a_run_learns_is_stopped_goes_on_and_is_the_only_one(server: Running, folder: Path) -> None:
    name = begun(server, "../../A text & more.txt")
    assert name == "A-text-more"
    found = until(server, name, learns)
    assert found["run"]["state"] == "learning"
    assert {"step", "epoch", "train_loss", "characters_per_second"} <= set(found["journal"]["lines"][0])
    second = server.post("/studio/runs", name="b", text=TEXT, minutes=1)
    assert second.status == 409
    assert name in second.message
    assert server.post(f"/studio/runs/{name}/resume").status == 409

    assert server.post(f"/studio/runs/{name}/stop").status == 202
    server.post(f"/studio/runs/{name}/stop")  # twice is once
    stopped = until(server, name, lambda told: told["run"]["state"] not in ("learning", "stopping"))["run"]
    assert stopped["state"] == "stopped"
    assert stopped["resumable"]
    assert stopped["step"] > 0
    assert server.post(f"/studio/runs/{name}/stop").status == 409

    assert server.post(f"/studio/runs/{name}/resume").status == 202
    until(server, name, lambda told: learns(told) and told["journal"]["lines"][-1]["step"] > stopped["step"])
    end_all(server)
    again = told(server, name)["run"]
    assert again["step"] > stopped["step"]
    assert (folder / name / f"{name}.txt").read_text() == TEXT
    assert "abcdef" not in (folder / name / shelf.LOG).read_text(), "texts are in no log"


@pytest.mark.slow
def test_a_run_that_is_done_tells_its_loss_and_a_name_is_taken_once(server: Running, folder: Path) -> None:
    first = begun(server, minutes=0.1)
    done = until(server, first, lambda told: told["run"]["state"] != "learning")
    assert done["run"]["state"] == "done", done["run"]
    assert done["run"]["loss"] > 0
    assert done["run"]["model"]
    assert done["samples"]
    assert not done["run"]["resumable"]
    again = begun(server, minutes=LONG)
    assert again == f"{first}-2"
    listed = server.ask("GET", "/studio/runs").document["runs"]
    assert {run["name"] for run in listed} == {first, again}


def test_a_text_that_cannot_be_learned_says_why(server: Running) -> None:
    name = begun(server, text="ab")
    failed = until(server, name, lambda told: told["run"]["state"] != "learning")["run"]
    assert failed["state"] == "failed"
    assert failed["trouble"].startswith("a-text: 2 characters are too few")


@pytest.mark.slow
def test_a_servers_end_ends_no_training_and_the_next_one_can_stop_it(
    models: list[Path], folder: Path, tmp_path: Path
) -> None:
    with serving([models[0]], "--runs", str(folder), cwd=tmp_path) as running:
        name = begun(running)
        until(running, name, learns)
        running.process.send_signal(signal.SIGINT)
        running.process.wait(30)
    with serving([models[0]], "--runs", str(folder), cwd=tmp_path) as running:
        assert told(running, name)["run"]["state"] == "learning"
        assert running.post("/studio/runs", name="b", text=TEXT, minutes=1).status == 409
        assert running.post(f"/studio/runs/{name}/stop").status == 202
        stopped = until(running, name, lambda told: told["run"]["state"] not in ("learning", "stopping"))["run"]
        assert stopped["state"] == "stopped"


@pytest.mark.slow
def test_another_process_of_that_number_is_left_alone(server: Running, folder: Path) -> None:
    name = begun(server)
    until(server, name, learns)
    end_all(server)
    record = json.loads((folder / name / shelf.SITTING).read_text())
    (folder / name / shelf.SITTING).write_text(json.dumps({**record, "process": server.process.pid}))
    assert server.post(f"/studio/runs/{name}/stop").status == 409
    assert server.process.poll() is None


def test_a_journal_is_read_in_pieces_and_a_half_written_line_waits(tmp_path: Path) -> None:
    path = tmp_path / METRICS
    path.write_bytes(b'{"step": 10, "train_loss": 2.5}\nno JSON\n[1]\n{"step": 20, "tra')
    first = shelf.journal(tmp_path, 0, "")
    assert first.lines == [{"step": 10, "train_loss": 2.5}]
    with path.open("ab") as file:
        file.write(b'in_loss": NaN, "best": true}\n')
    second = shelf.journal(tmp_path, first.since, first.mark)
    assert second.lines == [{"step": 20, "best": True}], "numbers that are none are left out"
    assert shelf.journal(tmp_path, second.since, second.mark).lines == []
    other = tmp_path / "other"
    other.write_bytes(b'{"step": 10}\n')
    other.replace(path)
    assert shelf.journal(tmp_path, second.since, second.mark).lines == [{"step": 10}], "another file begins anew"
    assert shelf.journal(tmp_path / "none", 5, "x").lines == []


def test_samples_are_whole_ones(tmp_path: Path) -> None:
    (tmp_path / SAMPLES).write_text("--- step 10 ---\none\n\ntwo\n\n--- step 20 ---\nthree\n\n--- step 30 ---\nfo")
    assert shelf.samples(tmp_path) == [{"step": 10, "text": "one\n\ntwo"}, {"step": 20, "text": "three"}]
