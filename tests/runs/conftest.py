"""What the tests of training share: a text, runs in this process, and runs in processes of their own."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes.starting import Launcher
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session

SMALL: dict[str, Any] = {
    "units": 12,
    "embedding": 8,
    "batch_size": 4,
    "sequence_length": 16,
    "precision": "float32",
    "validation": 0.05,
    "evaluate_every": 15,
    "steps": 30,
}


def some_text(characters: int, seed: int = 5) -> str:
    """Sentences of invented words: something to learn, and the same on every machine."""
    chance = random.Random(seed)
    letters = "aabcdeeefghiiklmnooprsttuuvwy"
    words = ["".join(chance.choices(letters, k=chance.randint(1, 8))) for _ in range(300)]
    text = ""
    while len(text) < characters:
        sentence = " ".join(chance.choices(words, k=chance.randint(3, 12)))
        text += sentence.capitalize() + chance.choice([". ", "!\n", ", so ", "?\n\n"])
    return text[:characters]


@pytest.fixture(scope="session")
def launcher(cache: Path) -> Iterator[Launcher]:
    started = Launcher(Path(__file__).with_name("prepared_process.py"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of 20,000 characters."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(some_text(20_000), encoding="utf-8")
    return path


Opener = Callable[..., Session]


def prepared(out: Path, *texts: Path, request: dict[str, Any] | None = None, **settings: Any) -> Session:
    """A session in this process, ready to train; the caller closes it."""
    wanted = Request(TextOptions(tuple(map(str, texts))), "tiny", SMALL | settings, out, **(request or {}))
    session = Session(wanted)
    for _ in session.prepare():
        pass
    return session


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, text: Path) -> Path:
    """The folder of a finished run with two checkpoints, of 28 and of 30 steps; not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    session = prepared(out, text, checkpoint_every=7, evaluate_every=10, layers=2, dropout=0.1)
    for _ in session.reports():
        pass
    session.close()
    return out


@pytest.fixture
def opened(tmp_path: Path, text: Path) -> Iterator[Opener]:
    """Sessions in this process, ready to train, in a folder of `tmp_path`; closed at the end of the test."""
    sessions: list[Session] = []

    def opener(*texts: Path, name: str = "run", **settings: Any) -> Session:
        sessions.append(prepared(tmp_path / name, *(texts or (text,)), **settings))
        return sessions[-1]

    yield opener
    for session in sessions:
        session.close()
