"""The library in a real Jupyter kernel: the bar moves, an interrupt leaves what can be gone on with."""

import base64
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

from tests.notebook.conftest import SETTINGS, model_bytes

PATIENCE_SECONDS = 120
PLACE = re.compile(r"step ([\d,]+) of ([\d,]+)")


class Notebook:
    """A kernel, and what its cells show."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manager = KernelManager(transport="ipc", ip=str(folder / "kernel"))
        self._manager._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        )
        self._manager.start_kernel(cwd=str(folder))
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE_SECONDS)

    def run(self, code: str, during: Callable[[dict[str, Any]], bool] | None = None) -> list[dict[str, Any]]:
        """Run a cell: what it shows, each with its kind and time; it is interrupted when `during` says so."""
        asked, shown = self._client.execute(code), list[dict[str, Any]]()
        while True:
            message = self._client.get_iopub_msg(timeout=PATIENCE_SECONDS)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked or kind == "execute_input":
                continue
            if kind == "status":
                if content["execution_state"] == "idle":
                    return shown
                continue
            shown.append({"kind": kind, "at": message["header"]["date"].timestamp(), **content})
            if during is not None and during(shown[-1]):
                during = None
                self._manager.interrupt_kernel()

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


@pytest.fixture(scope="module")
def notebook(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    opened = Notebook(tmp_path_factory.mktemp("notebook"))
    opened.run("import understudy")
    yield opened
    opened.close()


def training(text: Path, out: str, **more: object) -> str:
    given = ", ".join(f"{name}={value!r}" for name, value in (SETTINGS | {"out": out} | more).items())
    return f"model = understudy.train({str(text)!r}, {given})"


def test_the_bar_moves_in_one_output_and_not_too_often(notebook: Notebook, text: Path) -> None:
    shown = notebook.run(training(text, "moving", steps=200))
    assert [output["kind"] for output in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert len({output["transient"]["display_id"] for output in shown}) == 1
    places = [PLACE.search(output["data"]["text/plain"]) for output in shown]
    steps = [int(place[1]) for place in places if place is not None]
    assert steps == sorted(steps)
    assert len(set(steps)) > 3, "it moves"
    assert steps[-1] == 200
    widths = [re.search(r"width:([\d.]+)%", output["data"]["text/html"]) for output in shown[-3:]]
    assert [width and float(width[1]) for width in widths][-1] == 100
    assert len(shown) < 4 * (shown[-1]["at"] - shown[0]["at"]) + 6
    between = [output["data"]["text/html"] for output in shown if "left</div>" in output["data"]["text/html"]]
    for part in ("train loss", "characters a second", "validation loss", "what it writes now"):
        assert any(part in html for html in between), part
    assert "best model" in shown[-1]["data"]["text/html"]


def tells_a_loss(output: dict[str, Any]) -> bool:
    return "train loss" in output.get("data", {}).get("text/plain", "")


def test_an_interrupt_leaves_a_checkpoint_that_is_gone_on_with_to_the_same_bytes(
    notebook: Notebook, text: Path, undisturbed: Path
) -> None:
    notebook.run(
        "import time, understudy.training.update as update\n"
        "take = update.EagerUpdates.take\n"
        "def slowly(*given): time.sleep(0.03); return take(*given)\n"
        "update.EagerUpdates.take = slowly"
    )
    shown = notebook.run(training(text, "interrupted"), during=tells_a_loss)
    notebook.run("update.EagerUpdates.take = take")
    assert shown[-1]["kind"] == "error"
    assert shown[-1]["ename"] == "KeyboardInterrupt"
    (said,) = [output["text"] for output in shown if output["kind"] == "stream"]
    told = re.fullmatch(r"interrupted at step (\d+) of 45; the checkpoint is written; go on with: (.*)\n", said)
    assert told is not None
    assert 10 <= int(told[1]) < 45
    folder = notebook.folder / "interrupted"
    assert (folder / f"checkpoint/step-{int(told[1]):012d}.safetensors").is_file()
    (opened,) = notebook.run(
        "import contextlib, os\n"
        "opened = []\n"
        "for number in os.listdir('/proc/self/fd'):\n"
        "    with contextlib.suppress(FileNotFoundError):  # the kernel's other threads close theirs meanwhile\n"
        "        opened.append(os.readlink(f'/proc/self/fd/{number}'))\n"
        "print([path for path in opened if 'interrupted' in path])"
    )
    assert opened["text"] == "[]\n"
    notebook.run(told[2])
    assert model_bytes(folder) == model_bytes(undisturbed)


def test_quiet_shows_nothing_and_an_interrupt_still_says_how_to_go_on(notebook: Notebook, text: Path) -> None:
    assert notebook.run(training(text, "quiet", quiet=True)) == []
    asking = f"import signal\nrun = understudy.Run({str(text)!r}, out='left', **{SETTINGS!r})"
    assert notebook.run(f"{asking}\nfor report in run:\n    break") == []
    (shown,) = notebook.run("run")
    assert "stopped at step 10 of 45" in shown["data"]["text/plain"]


def test_what_a_cell_ends_with_is_seen(notebook: Notebook, text: Path, undisturbed: Path) -> None:
    notebook.run(f"model = understudy.load({str(undisturbed)!r}); run = understudy.Run({str(text)!r})")
    for value in ("model", "model.samples('A', length=20)[0]", "model.score('letters')", "model.history", "run"):
        (shown,) = notebook.run(value)
        assert shown["kind"] == "execute_result", value
        assert shown["data"]["text/html"].startswith("<div"), value
    (figure,) = notebook.run("model.plot()")
    assert base64.b64decode(figure["data"]["image/png"]).startswith(b"\x89PNG")
    notebook.run("from matplotlib import pyplot")
    again = notebook.run("model.plot()")
    assert ["image/png" in output["data"] for output in again] == [True], "once, also beside pyplot"


def test_a_run_of_two_parts_has_a_bar_for_each(notebook: Notebook, text: Path) -> None:
    began = time.monotonic()
    shown = notebook.run(training(text, "both", use_all_text=True, steps=30))
    names = list(dict.fromkeys(output["transient"]["display_id"] for output in shown))
    assert len(names) == 2
    assert time.monotonic() - began < PATIENCE_SECONDS
    last = [[output for output in shown if output["transient"]["display_id"] == name][-1] for name in names]
    assert "step 30 of 30" in last[0]["data"]["text/plain"]
    assert "learned from the whole text" in last[1]["data"]["text/plain"]
