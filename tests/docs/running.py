"""A folder in which the commands and the Python of a document are run, with tiny texts and the time cut short.

A line of `understudy` runs in this process; one that needs a shell (pipes, `$'\\n'`, redirections) is given to bash.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import pytest

from tests.docs.blocks import ROOT, Block
from understudy.cli.main import main

_LENGTH = re.compile(r"--(?:minutes|epochs|steps) [\d.]+")
_LENGTH_IN_PYTHON = re.compile(r"\b(?:minutes|epochs|steps)=[\d.]+")
_RUN = re.compile(r"(?<![\w/])runs/([\w-]+)")
_SHELL = re.compile(r"[|<>$*]")
TEXTS = ("mybook.txt", "more.txt", "other.txt", "draft.txt", "app.log", "kanji.txt", "old.txt", "windows.txt", "notes")
LENGTH = 7000
"""What is there when a document begins, and how many characters each has, about."""


def texts_into(folder: Path) -> None:
    """Write the texts: parts of the prose that every Python carries, each of its own."""
    prose = "".join(text for _, text in sorted(topics.items()))
    for number, name in enumerate(TEXTS):
        part = prose[number * LENGTH : (number + 1) * LENGTH].encode("ascii", "ignore").decode()
        if name == "kanji.txt":
            (folder / name).write_text(
                "春はあけぼの。やうやう白くなりゆく山ぎは、少し明かりて。\n" * 100, encoding="utf-8"
            )
        elif name == "old.txt":
            (folder / name).write_text(f"Café à la carte, naïve.\n{part}", encoding="latin-1")
        elif name == "windows.txt":
            (folder / name).write_bytes(f"“Café” — naïve.\n{part}".replace("\n", "\r\n").encode("cp1252"))
        elif name == "notes":
            (folder / name).mkdir()
            (folder / name / "note.md").write_text(part, encoding="utf-8")
        else:
            (folder / name).write_text(f"It was a dark and stormy night.\n{part}", encoding="utf-8")


class Folder:
    """Runs blocks one after the other, in the working folder."""

    def __init__(self, trained: Path, place: Path, capsys: pytest.CaptureFixture[str], *, tiny: bool) -> None:
        """Tiny: a training that names no preset has that of the tests."""
        self._trained, self._root, self._capsys, self._tiny = trained, place, capsys, tiny
        self._places = 0
        self.begin()

    def begin(self) -> None:
        """Go into a new folder with the texts in it; nothing is there that was made before."""
        self._places += 1
        self._place = self._root / str(self._places)
        self._place.mkdir()
        texts_into(self._place)
        os.chdir(self._place)
        self._names: dict[str, Any] = {"__name__": "document"}

    def python(self, block: Block) -> None:
        """Run a block of Python; the names of those before it are there."""
        tiny = 'preset="tiny", ' if self._tiny and "preset=" not in block.text else ""
        text = _LENGTH_IN_PYTHON.sub(f"{tiny}steps=2", block.text)
        if "train(" not in text and "Run(" not in text:
            self._prepare(text)
        exec(compile(text, block.place, "exec"), self._names)

    def shell(self, line: str) -> tuple[int, str]:
        """Run one command, and give its status and what it wrote."""
        short = self._shortened(line)
        self._prepare(re.sub(r"(?:-o|--out) \S+", "", short) if "--resume" not in short else short)
        if short.startswith("understudy import "):
            self._bring_weights()
        if short.startswith("understudy serve"):
            return self._served(short)
        self._capsys.readouterr()
        if short.startswith("understudy ") and not _SHELL.search(short.split(" #")[0]):
            status = main(shlex.split(short, comments=True)[1:])
            return status, "".join(self._capsys.readouterr())
        ended = subprocess.run(["bash", "-c", short], capture_output=True, text=True, env=self._environment())
        return ended.returncode, ended.stdout + ended.stderr

    def _shortened(self, line: str) -> str:
        """The command with two steps in place of any length of training, the usual one too."""
        short = _LENGTH.sub("", line)
        if "understudy train" not in line or "--resume" in line:
            return line
        tiny = ""
        if self._tiny:
            tiny = " --preset tiny" if "--preset" not in line else " --units 64"
        return short.replace("understudy train", f"understudy train --steps 2{tiny}")

    def _prepare(self, text: str) -> None:
        """Have the runs that are named, where none has made them."""
        for name in _RUN.findall(text.split(" #")[0] if "\n" not in text else text):
            if name != "nothing-here" and not (self._place / "runs" / name).exists():
                shutil.copytree(self._trained, self._place / "runs" / name)

    def _bring_weights(self) -> None:
        """Weights that Keras wrote, and a text with as many characters as they know."""
        shutil.copy(ROOT / "tests" / "foreign" / "fixtures" / "keras-tutorial.keras", self._place / "ckpt.keras")
        symbols = "".join(chr(ord("0") + number) for number in range(KERAS_SYMBOLS))
        (self._place / "mybook.txt").write_text(symbols)

    def _environment(self) -> dict[str, str]:
        """With `understudy` and `python` those of this process."""
        bin_folder = self._root / "bin"
        if not bin_folder.exists():
            bin_folder.mkdir()
            for name, command in (("understudy", f"{sys.executable} -m understudy"), ("python", sys.executable)):
                (bin_folder / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
                (bin_folder / name).chmod(0o755)
        path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src")}

    def _served(self, line: str) -> tuple[int, str]:
        """Start a server, ask it how it is, and end it as Ctrl-C does."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = re.sub(r"--port \d+|--open", "", line.split(" #")[0])
        arguments = [sys.executable, "-m", "understudy", *shlex.split(command)[1:], "--port", str(port)]
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._environment()
        ) as process:
            try:
                ends = time.monotonic() + 60
                while True:
                    try:
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                            assert answer.status == 200
                        break
                    except OSError:
                        assert time.monotonic() < ends, "the server does not answer"
                        assert process.poll() is None, process.communicate()[0]
                        time.sleep(0.05)
            finally:
                process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=30)[0]
        return (0 if process.returncode in (0, 130) else process.returncode), told


KERAS_SYMBOLS = 11
"""How many symbols the model in the fixture knows."""
