"""Nothing leaves the machine, and no file is written that Understudy does not name.

The real commands and every dependency run in a process that the kernel kills at the first socket to the outside
(`sealed.py`), with an empty home, an empty folder for temporary files and an empty working folder; where there is
strace, every system call of that process is looked at too.
"""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import sealed
from tests.extras import HAS_ONNX, needs_onnx
from understudy import layout

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WATCHED = "%network,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
HARMLESS = re.compile(r"/dev/(null|tty)|/proc/self/.*")
"""What may be opened for writing and keeps nothing: also how a process tells the kernel about itself."""

COMMANDS = """
from understudy.cli.main import main
tiny = ["--preset", "tiny", "--units", "8", "--embedding", "4", "--batch-size", "4", "--sequence-length", "8"]
commands = [
    ["train", "text.txt", "--out", "run", *tiny, "--steps", "3", "--evaluate-every", "2", "--quiet", "--tensorboard"],
    ["generate", "run", "--length", "20", "--samples", "2"],
    ["generate", "@shakespeare", "--length", "20", "--top-p", "0.9", "--json"],
    ["evaluate", "run", "text.txt"],
    ["score", "run", "text.txt", "--top", "3"],
    ["info", "run"],
    ["info", "@shakespeare"],
    ["info", "text.txt"],
]
for command in commands:
    assert main(command) == 0, command
import sys
assert not {"requests", "urllib3", "s3fs", "gcsfs", "huggingface_hub", "pyarrow"} & set(sys.modules)
"""
FETCHING = ("requests", "urllib3", "s3fs", "gcsfs", "huggingface_hub")
"""What is imported only where a text is named that lies elsewhere. As it is imported, urllib3 asks the kernel for a
socket, to find out whether the machine has IPv6."""
IMPORTS_OF_FETCHING = f"""
import sys
def refuse(event, what):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        raise SystemExit(f"{{event}}: {{what}}")
    if event == "socket.bind" and what[1][0] not in ("::1", "127.0.0.1"):
        raise SystemExit(f"{{event}}: {{what}}")
sys.addaudithook(refuse)
import importlib, importlib.util
for name in {FETCHING}:
    if importlib.util.find_spec(name) is not None:
        importlib.import_module(name)
"""
WRITING = """
import sys
import understudy
assert len(understudy.load('@shakespeare').generate(length=5, seed=1)) == 5
assert not {"onnx", "onnxruntime"} & {name.split(".")[0] for name in sys.modules}
"""
DOOR = "from understudy.exports.graphs.runtime import onnxruntime"
CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import onnxruntime'], check=True)"
UNGUARDED = f"""
import os
kept = type(os.environ).__setitem__
def forgetful(self, name, value):
    if name != "ORT_DISABLE_TELEMETRY":
        kept(self, name, value)
type(os.environ).__setitem__ = forgetful
{DOOR}
"""

DRAWING = """
import pathlib, understudy
for name in ("picture", "run"):
    pathlib.Path(name).mkdir()
pathlib.Path("run/metrics.jsonl").write_text('{"step": 10, "train_loss": 2.0}\\n{"step": 20, "train_loss": 1.5}')
figure = understudy.History(pathlib.Path("run")).plot()
figure.savefig("picture/curves.png")
figure._repr_png_()
"""

why_not = sealed.refusal()
pytestmark = pytest.mark.skipif(why_not is not None, reason=why_not or "")


@dataclass(frozen=True)
class Ended:
    """What a sealed program came to: its status, what it said, where it ran, and its system calls, if they were seen.

    `place` holds the folders home, temporary and work.
    """

    status: int
    said: str
    place: Path
    calls: Sequence[str]

    @property
    def files(self) -> set[Path]:
        return {path.relative_to(self.place) for path in self.place.rglob("*") if not path.is_dir()}


def tracer(record: Path) -> list[str]:
    """The beginning of a command whose system calls are to be written down; nothing where that cannot be."""
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        return []
    return [found, "-f", "--seccomp-bpf", "-qq", "-y", "-s", "256", "-e", f"trace={WATCHED}", "-o", str(record)]


def run_sealed(program: str, place: Path) -> Ended:
    """Run a program of Python, sealed."""
    for name in ("home", "temporary", "work"):
        (place / name).mkdir()
    (place / "work" / "text.txt").write_text("to be or not to be, that is the question\n" * 30, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    record = place / "calls"
    ended = subprocess.run(
        [*tracer(record), sys.executable, sealed.__file__, sys.executable, "-c", program],
        cwd=place / "work",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    calls = record.read_text(encoding="utf-8", errors="replace").splitlines() if record.exists() else []
    record.unlink(missing_ok=True)
    return Ended(ended.returncode, ended.stdout + ended.stderr, place, calls)


def imports_of_all_dependencies() -> str:
    """A program that imports what pyproject.toml names, whatever is written for TensorBoard among it."""
    named = [*PROJECT["dependencies"], *(name for extra in PROJECT["optional-dependencies"].values() for name in extra)]
    modules = [re.split(r"[^A-Za-z0-9_]", requirement)[0] for requirement in named]
    assert {"torch", "onnxruntime", "tensorboard"} <= set(modules)
    lines = ["import torch.utils.tensorboard"]
    apart = ("onnx", "onnxruntime", "matplotlib", *FETCHING)
    lines += [f"import {module}" for module in modules if module not in apart]
    return "\n".join([*lines, *([DOOR, "import onnx"] if HAS_ONNX else [])])


def owned(path: Path) -> bool:
    """Whether Understudy names the file: it lies in its cache, or is a part of the run folder; or it is the text."""
    text = path.as_posix()
    board = rf"work/run/{layout.BOARD}/events\.out\.tfevents\.[^/]*"
    if text == "work/text.txt" or text.startswith("home/.cache/understudy/") or re.fullmatch(board, text):
        return True
    if path.parent.as_posix() == f"work/run/{layout.CHECKPOINTS}":
        return layout.is_checkpoint_name(path.name)
    return path.parent.as_posix() == "work/run" and path.name in {
        *(layout.MODEL, layout.METRICS, layout.SAMPLES, layout.REPORT, layout.LOCK)
    }


def trespasses(ended: Ended) -> list[str]:
    """The system calls that ask for a socket to the outside, or would write outside of the folders that are named."""
    named = (f"{ended.place}/work/run", f"{ended.place}/home/.cache/understudy")
    found = []
    for call in ended.calls:
        name = re.match(r"\d+ +(\w+)\(", call)
        if name is None or re.search(r"= -1 E(EXIST|NOENT) ", call):
            continue
        if re.match("socket|connect|bind|send|recv|listen|accept", name[1]):
            if not re.search("AF_UNIX", call):
                found.append(call)
            continue
        if name[1].startswith("open") and not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)", call):
            continue
        for folder, path in re.findall(r'(?:\w+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"', call):
            whole = os.path.normpath(Path(folder or ended.place / "work", path))
            inside = any(f"{whole}/".startswith(f"{place}/") for place in named)
            if not inside and whole != f"{ended.place}/home/.cache" and not HARMLESS.fullmatch(whole):
                found.append(call)
    return found


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Everything that people do with Understudy, in one process."""
    program = "\n".join([COMMANDS, WRITING, imports_of_all_dependencies(), CHILD if HAS_ONNX else ""])
    return run_sealed(program, tmp_path_factory.mktemp("sealed"))


def test_no_command_and_no_dependency_asks_for_the_network(ordinary: Ended) -> None:
    assert ordinary.status == 0, ordinary.said


def test_no_file_is_left_that_understudy_does_not_name(ordinary: Ended) -> None:
    assert {path for path in ordinary.files if not owned(path)} == set()
    assert any(path.is_relative_to("home/.cache/understudy") for path in ordinary.files)
    assert Path("work/run", layout.MODEL) in ordinary.files


def test_no_system_call_leaves_the_machine_or_the_named_folders(ordinary: Ended) -> None:
    if not tracer(Path(os.devnull)):
        pytest.skip("no strace here, or it may trace nothing")
    assert any(layout.MODEL in call for call in ordinary.calls)
    assert trespasses(ordinary) == []


def test_what_fetches_connects_to_nothing_and_leaves_no_file_as_it_is_imported(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", IMPORTS_OF_FETCHING]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_picture_asks_for_no_network_and_leaves_what_matplotlib_keeps_for_itself_alone(tmp_path: Path) -> None:
    """matplotlib, which only `plot()` imports, keeps a list of the machine's fonts in folders of its own."""
    pytest.importorskip("matplotlib")
    ended = run_sealed(DRAWING, tmp_path)
    assert ended.status == 0, ended.said
    others = {path for path in ended.files if not owned(path)}
    assert {path.parent for path in others} <= {Path("home/.cache/matplotlib"), Path("work/picture")}
    assert Path("work/picture/curves.png") in others


@needs_onnx
@pytest.mark.parametrize("program", ["import onnxruntime", UNGUARDED], ids=["imported", "unguarded"])
def test_without_the_guard_that_would_be_noticed(program: str, tmp_path: Path) -> None:
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    libraries = Path(spec.origin).parent.joinpath("capi").glob("*.so")
    if not any(b"ORT_DISABLE_TELEMETRY" in path.read_bytes() for path in libraries):
        pytest.skip("this build of ONNX Runtime has no telemetry to be turned off")
    ended = run_sealed(program, tmp_path)
    assert ended.status or any(not owned(path) for path in ended.files), ended.files
    assert not ended.calls or trespasses(ended)


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_UNIX"])
def test_the_seal_holds(family: str) -> None:
    program = f"import socket; socket.socket(socket.{family})"
    command = [sys.executable, sealed.__file__, sys.executable, "-c", program]
    status = subprocess.run(command, capture_output=True, check=False).returncode
    assert status == (0 if family == "AF_UNIX" else -signal.SIGSYS)


def test_the_runtime_is_imported_in_one_place_where_its_telemetry_is_off() -> None:
    found = set()
    for folder in ("src", "tests", "benchmarks", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(name.split(".")[0] == "onnxruntime" for name in names):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == {"src/understudy/exports/graphs/runtime.py"}
