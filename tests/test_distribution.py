"""What is handed out has all that README's two commands need, and what is installed has all that it reads."""

import email
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from understudy.model.file import BOX

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "understudy"
NEEDED = (
    *("Makefile", "constraints.txt", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"),
    *("CONTRIBUTING.md", "CHANGELOG.md", "docs", "tests", "benchmarks", "scripts", "src"),
)
MADE = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so", "*.egg-info", ".*")
READ = (
    *(BOX, SOURCE / "exports" / "page", SOURCE / "exports" / "program", SOURCE / "reporting" / "page"),
    *(
        SOURCE / "generation" / "portable" / name
        for name in ("arithmetic.js", "portable.js", "portable.wasm", "runtime")
    ),
)
"""Files and folders beside the modules that the program reads: models, pages, and what exports are made of."""
COMPILED = ("understudy/generation/portable/_engine", "understudy/model/recurrence/_kernels")


@dataclass(frozen=True)
class Built:
    """A source distribution's files, and the wheel that was made beside it."""

    source: set[str]
    wheel: Path

    @property
    def files(self) -> set[str]:
        """The wheel's."""
        with zipfile.ZipFile(self.wheel) as opened:
            return set(opened.namelist())

    def text(self, ending: str) -> str:
        """What is in the one file of the wheel whose name ends so."""
        (name,) = (name for name in self.files if name.endswith(ending))
        with zipfile.ZipFile(self.wheel) as opened:
            return opened.read(name).decode()


def built(place: Path, compiler: str | None = None) -> Built:
    """Build from a copy, so that nothing comes in that is merely lying about."""
    pytest.importorskip("setuptools", reason="no setuptools here to build with")
    copy = place / "understudy"
    copy.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=MADE)
        else:
            shutil.copy(ROOT / name, copy)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "sdist", "--formats", "gztar", "bdist_wheel"],
        cwd=copy,
        env=os.environ if compiler is None else {**os.environ, "CC": compiler},
        check=True,
        capture_output=True,
    )
    (archive,) = (copy / "dist").glob("*.tar.gz")
    (wheel,) = (copy / "dist").glob("*.whl")
    with tarfile.open(archive) as opened:
        source = {Path(*Path(member.name).parts[1:]).as_posix() for member in opened if member.isfile()}
    return Built(source, wheel)


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built where there is no C compiler."""
    return built(tmp_path_factory.mktemp("project"), compiler="false")


def test_everything_that_the_two_commands_need_is_in_the_source_distribution(handed_out: Built) -> None:
    for name in NEEDED:
        whole = [ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*")
        for path in whole:
            relative = path.relative_to(ROOT)
            if path.is_dir() or any(MADE("", [part]) for part in relative.parts):
                continue
            assert relative.as_posix() in handed_out.source


def test_nothing_that_was_built_is_in_the_source_distribution(handed_out: Built) -> None:
    assert not [name for name in handed_out.source if name.endswith((".so", ".pyc"))]


def test_every_header_that_is_compiled_is_known_to_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that changes has the extension built again."""
    setuptools = pytest.importorskip("setuptools", reason="no setuptools here to build with")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **settings: asked.update(settings))
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    assert len(asked["ext_modules"]) == len(COMPILED)
    for extension in asked["ext_modules"]:
        waiting, seen = [Path(name) for name in extension.sources], set()
        while waiting:
            path = waiting.pop()
            for name in re.findall(r'^\s*#\s*include "(.+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
                header = Path(os.path.normpath(path.parent / name))
                if header not in seen:
                    seen.add(header)
                    waiting.append(header)
        assert seen
        assert seen <= {Path(name) for name in extension.depends}
        assert extension.optional


def test_what_the_program_reads_is_in_the_wheel(handed_out: Built) -> None:
    looked_at = 0
    for place in READ:
        for path in [place] if place.is_file() else place.iterdir():
            if path.suffix in (".safetensors", ".js", ".wasm", ".html", ".css", ".c", ".h"):
                assert path.relative_to(SOURCE.parent).as_posix() in handed_out.files
                looked_at += 1
    assert looked_at > 15
    modules = {path.relative_to(SOURCE.parent).as_posix() for path in SOURCE.rglob("*.py")}
    assert modules <= handed_out.files


def test_installing_brings_neither_onnx_nor_its_runtime_unless_the_extra_is_asked_for(handed_out: Built) -> None:
    told = email.message_from_string(handed_out.text("METADATA"))
    needed = told.get_all("Requires-Dist", [])
    onnx = [line for line in needed if line.startswith("onnx")]
    assert len(onnx) == 2
    assert all("extra ==" in line and "onnx" in line.split("extra ==")[1] for line in onnx)
    assert "onnx" in told.get_all("Provides-Extra", [])
    always = {re.split(r"[^A-Za-z0-9_]", line)[0] for line in needed if "extra ==" not in line}
    assert {"numpy", "safetensors", "torch"} <= always


def test_without_a_compiler_the_wheel_writes_the_same_page_and_says_that_it_is_slower(
    handed_out: Built, tmp_path: Path
) -> None:
    assert not [name for name in handed_out.files if name.startswith(COMPILED)]
    with zipfile.ZipFile(handed_out.wheel) as opened:
        opened.extractall(tmp_path)
    command = [sys.executable, "-m", "understudy", "generate", "--length", "12", "--seed", "5"]
    pages = {}
    for name, path in {"wheel": tmp_path, "here": SOURCE.parent}.items():
        pages[name] = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(path)}, capture_output=True, check=True
        )
    assert pages["wheel"].stdout == pages["here"].stdout
    (line,) = pages["wheel"].stderr.decode().splitlines()
    assert "NumPy: nothing was compiled on installing" in line


@pytest.mark.slow
def test_with_a_compiler_the_wheel_has_both_libraries(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    made = built(tmp_path)
    for name in COMPILED:
        assert len([found for found in made.files if found.startswith(name) and found.endswith(".so")]) == 1
