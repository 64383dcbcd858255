"""The library says what it was given: every public argument is checked, with the command line's words."""

import copy
import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import understudy
from tests.generation.conftest import model_file
from understudy.api import Model
from understudy.cli.main import main
from understudy.errors import ConfigError, UserError
from understudy.generation.stream import Plan
from understudy.text.vocabulary import Vocabulary

ALPHABET = "\n !,.abcdefghijklmnopqrstuvwxyz"
TINY: dict[str, Any] = {"preset": "tiny", "steps": 3, "units": 8, "embedding": 4, "precision": "float32"}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(model_file("gru", 1, Vocabulary.of_text(ALPHABET)), precision="float32")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    model_file("gru", 1, Vocabulary.of_text(ALPHABET)).write(path)
    return path


WRITING: list[tuple[dict[str, Any], str]] = [
    *(
        ({"length": value}, f"--length {shown}: expected a whole number from 0")
        for value, shown in [(2.5, "2.5"), ("5", "'5'"), (None, "None"), (True, "True"), (-1, "-1"), ([3], "[3]")]
    ),
    *(
        ({"temperature": value}, f"--temperature {shown}: expected a number from 0")
        for value, shown in [("x", "'x'"), (None, "None"), (-0.5, "-0.5"), (float("nan"), "nan"), (True, "True")]
    ),
    *(
        ({"top_k": value}, f"--top-k {shown}: expected a whole number from 1")
        for value, shown in [(0, "0"), (1.5, "1.5"), ("3", "'3'"), (True, "True")]
    ),
    *(
        ({"top_p": value}, f"--top-p {shown}: expected a number above 0 and at most 1")
        for value, shown in [(0.0, "0.0"), (2, "2"), ("x", "'x'"), (float("nan"), "nan")]
    ),
    *(
        ({"seed": value}, f"--seed {shown}: expected a whole number from 0 to 18,446,744,073,709,551,615")
        for value, shown in [(-1, "-1"), (1 << 64, str(1 << 64)), (1.0, "1.0"), ("a", "'a'"), (True, "True")]
    ),
    ({"stop": None}, "--stop None: expected a text or a sequence of texts"),
    ({"stop": b"END"}, "--stop b'END': expected a text or a sequence of texts"),
    ({"stop": ["END", 3]}, "--stop 3: expected a text"),
    ({"stop": ""}, "--stop '': expected at least one character"),
    ({"unknown": "ignore"}, "--unknown ignore: expected one of error, skip"),
    *(
        ({"prompt": value}, f"--start {value!r}: expected a text, or a state to go on from")
        for value in (None, b"ab", 3, ["ab"])
    ),
]


@pytest.mark.parametrize(("given", "line"), WRITING, ids=lambda part: str(part)[:30])
def test_what_a_text_is_asked_for_with_is_checked(given: dict[str, Any], line: str, model: Model) -> None:
    for write in (model.generate, model.stream, model.samples):
        with pytest.raises(ConfigError) as raised:
            write(**given)
        assert str(raised.value) == line


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True, None])
def test_several_texts_are_at_least_one(count: Any, model: Model) -> None:
    state = model.start("a")
    for write in (lambda: model.samples("a", count), lambda: model.writing(state, count, Plan(3))):
        with pytest.raises(ConfigError, match=rf"^--samples {count!r}: expected a whole number from 1$"):
            write()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"text": None}, "TEXT None: expected a text"),
        ({"text": b"ab"}, "TEXT b'ab': expected a text"),
        ({"protocol": "stream"}, "--protocol stream: expected one of streamed, windowed"),
        ({"protocol": None}, "--protocol None: expected one of streamed, windowed"),
        ({"window": 0}, "--window 0: expected a whole number from 1"),
        ({"window": 2.5, "protocol": "windowed"}, "--window 2.5: expected a whole number from 1"),
    ],
)
def test_what_a_score_is_asked_for_with_is_checked(given: dict[str, Any], line: str, model: Model) -> None:
    with pytest.raises(ConfigError) as raised:
        model.evaluate(**{"text": "a text", **given})
    assert str(raised.value) == line


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"precision": "fp32"}, "--precision fp32: expected one of int8, float32"),
        ({"precision": ""}, "--precision '': expected one of int8, float32"),
        ({"device": "gpu"}, "--device gpu: expected one of cpu, cuda"),
        ({"device": None}, "--device None: expected one of cpu, cuda"),
        ({"device": "cuda", "precision": "int8"}, "--precision int8: it is for CPUs; a GPU writes in float32"),
    ],
)
def test_how_a_model_is_to_write_is_checked_when_it_is_loaded(given: dict[str, Any], line: str, saved: Path) -> None:
    file = model_file("gru", 1, Vocabulary.of_text("ab"))
    makes: tuple[Callable[[], Model], ...] = (lambda: understudy.load(saved, **given), lambda: Model(file, **given))
    for make in makes:
        with pytest.raises(ConfigError) as raised:
            make()
        assert str(raised.value) == line


@pytest.mark.parametrize("name", [None, 3, b"run", "", "a\0b", ["run"]])
def test_a_model_s_name_is_a_path(name: Any) -> None:
    with pytest.raises(ConfigError, match=r"^MODEL .*: expected a path$"):
        understudy.load(name)


def test_a_path_is_no_model() -> None:
    with pytest.raises(ConfigError, match=r"understudy\.load takes a path"):
        Model("run")  # type: ignore[arg-type]


TRAINING: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((), {}, "name a TEXT to learn from"),
    ((3,), {}, "TEXT 3: expected a path"),
    ((b"text.txt",), {}, "TEXT b'text.txt': expected a path"),
    ((["text.txt"],), {}, "TEXT ['text.txt']: expected a path"),
    (("",), {}, "TEXT '': expected a path"),
    (("text.txt",), {"unit": 3}, "unit: no such setting"),
    ((), {"unit": 3, "resume": True, "out": "run"}, "unit: no such setting"),
    (("text.txt",), {"units": "8"}, "--units '8': expected a whole number from 1 to 32,768"),
    (("text.txt",), {"dropout": True}, "--dropout True: expected a number from 0 to 0.95"),
    (("text.txt",), {"device": "gpu"}, "--device gpu: expected one of auto, cpu, cuda"),
    (("text.txt",), {"precision": "fp32"}, "--precision fp32: expected one of auto, float32, bfloat16"),
    (("text.txt",), {"preset": "nonsense"}, "--preset nonsense: expected one of auto, tutorial, tiny"),
    (("text.txt",), {"preset": []}, "--preset []: expected one of auto, tutorial, tiny"),
    (("text.txt",), {"preset": ""}, "--preset '': expected one of auto, tutorial, tiny"),
    (("text.txt",), {"vocabulary": "words"}, "--vocabulary words: expected one of characters, bytes"),
    (("text.txt",), {"newlines": "crlf"}, "--newlines crlf: expected one of keep, lf"),
    (("text.txt",), {"encoding": 8}, "--encoding 8: expected a text"),
    (("text.txt",), {"encoding": "klingon"}, "--encoding klingon"),
    (("text.txt",), {"globs": 3}, "--glob 3: expected a text or a sequence of texts"),
    (("text.txt",), {"globs": [""]}, "--glob '': expected at least one character"),
    (("text.txt",), {"out": 3}, "--out 3: expected a path"),
    (("text.txt",), {"out": ""}, "--out '': expected a path"),
    (("text.txt",), {"validation_file": 0.1}, "--validation 0.1: expected a path"),
    (("text.txt",), {"validation_file": "a", "validation": 0.2}, "--validation: give a share or a file"),
    (("text.txt",), {"start_from": 3}, "--from 3: expected a path"),
    (("text.txt",), {"resume": 1}, "--resume 1: expected True or False"),
    (("text.txt",), {"overwrite": "yes"}, "--overwrite 'yes': expected True or False"),
    (("text.txt",), {"use_all_text": None}, "--use-all-text None: expected True or False"),
    (("text.txt",), {"minutes": 1, "steps": 3}, "--minutes and --steps: give only one of them"),
    ((), {"resume": True, "overwrite": True, "out": "run"}, "--resume goes on with a run; --overwrite starts one"),
    ((), {"resume": True}, "--resume: name the run folder with --out"),
]


@pytest.mark.parametrize(("texts", "given", "line"), TRAINING, ids=lambda part: str(part)[:40])
def test_what_a_run_is_asked_for_with_is_checked_before_anything_is_written(
    texts: tuple[Any, ...], given: dict[str, Any], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("row your boat " * 100)
    with pytest.raises(ConfigError) as raised:
        understudy.train(*texts, **given)
    assert str(raised.value).startswith(line)
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize(
    ("flags", "library"),
    [
        (("generate", "MODEL", "--length", "-1"), lambda model: model.generate(length=-1)),
        (("generate", "MODEL", "--temperature", "-1"), lambda model: model.generate(temperature=-1.0)),
        (("generate", "MODEL", "--top-k", "0"), lambda model: model.generate(top_k=0)),
        (("generate", "MODEL", "--top-p", "2"), lambda model: model.generate(top_p=2.0)),
        (("generate", "MODEL", "--seed", "-1"), lambda model: model.generate(seed=-1)),
        (("generate", "MODEL", "--samples", "0"), lambda model: model.samples(count=0)),
        (("generate", "MODEL", "--stop", ""), lambda model: model.generate(stop="")),
        (("evaluate", "MODEL", "text.txt", "--window", "0"), lambda model: model.evaluate("text", window=0)),
        (("train", "text.txt", "--units", "0"), lambda model: understudy.train("text.txt", units=0)),
        (("train", "text.txt", "--preset", "x"), lambda model: understudy.train("text.txt", preset="x")),
        (("train", "text.txt", "--encoding", "x"), lambda model: understudy.train("text.txt", encoding="x")),
        (("train",), lambda model: understudy.train()),
        (
            ("train", "--resume", "--overwrite", "--out", "x"),
            lambda model: understudy.train(resume=True, overwrite=True, out="x"),
        ),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_the_library_has_the_words_of_the_command_line(
    flags: tuple[str, ...],
    library: Callable[[Model], object],
    saved: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("row your boat " * 100)
    assert main([str(saved) if part == "MODEL" else part for part in flags]) == 2
    with pytest.raises(UserError) as raised:
        library(understudy.load(saved))
    assert capsys.readouterr().err == f"understudy: error: {raised.value}\n"


def test_numpy_s_whole_numbers_ask_for_the_same(model: Model) -> None:
    plain = model.samples("a", 2, length=20, top_k=5, top_p=0.5, seed=7)
    numbers: dict[str, Any] = {"length": np.int32(20), "top_k": np.uint8(5), "top_p": np.float64(0.5)}
    counts: dict[str, Any] = {"count": np.int64(2), "seed": np.uint64(7)}
    numpy = model.samples("a", **counts, **numbers)
    assert [sample.text for sample in numpy] == [sample.text for sample in plain]
    assert [sample.seed for sample in numpy] == [7, 8]
    assert all(type(sample.seed) is int for sample in numpy)
    windows = [model.evaluate("a text to score", protocol="windowed", window=window) for window in (4, np.int16(4))]  # type: ignore[arg-type]
    assert windows[0] == windows[1]
    assert type(windows[1].window) is int


def test_a_run_takes_settings_of_numpy_s_and_one_name_for_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Füße " * 300, encoding="utf-8")
    (tmp_path / "b.txt").write_text("XYZ " * 300, encoding="utf-8")
    settings = TINY | {"steps": np.int64(3), "units": np.uint16(8), "dropout": np.float32(0.5)}
    model = understudy.train(tmp_path, globs="*.md", out=tmp_path / "run", **settings)
    assert model.vocabulary.characters == " Feßü"
    assert (model.training["recipe"]["units"], model.training["recipe"]["dropout"]) == (8, 0.5)
    assert understudy.train(out=tmp_path / "run", resume=True, units=np.int8(8)).training["steps"] == 3
    for asked, line in [
        ({"unit": 8}, "unit: no such setting"),
        ({"encoding": "latin-1"}, "--encoding utf-8, not latin-1"),
    ]:
        with pytest.raises(UserError, match=line):
            understudy.train(out=tmp_path / "run", resume=True, **asked)  # type: ignore[arg-type]


def test_a_stop_text_alone_is_one_stop_text(model: Model) -> None:
    text = model.generate("a", length=200, seed=3)
    end = text[40:44]
    assert model.generate("a", length=200, seed=3, stop=end) == text[: text.index(end)]
    assert model.generate("a", length=200, seed=3, stop=[end]) == text[: text.index(end)]


def test_a_sample_s_seed_gives_its_text_again_also_after_a_state_that_has_drawn(model: Model) -> None:
    (before,) = model.samples("a", length=30, seed=5)
    samples = model.samples(before.state, 3, length=30)
    assert [sample.seed for sample in samples] == [5, 6, 7]
    assert len({sample.text for sample in samples}) == 3
    assert before.text + samples[0].text == model.generate("a", length=60, seed=5)
    for sample in samples:
        assert model.generate(before.state, length=30, seed=sample.seed) == sample.text
    assert [one.text for one in model.samples(before.state, 3, length=30, seed=5)] == [one.text for one in samples]


def test_a_state_serves_the_model_that_made_it_alone(model: Model) -> None:
    other = Model(model_file("lstm", 2, Vocabulary.of_text("abc")), precision="float32")
    state = model.start("a", seed=1)
    damaged = [
        other.start("a"),
        dataclasses.replace(state, layers=()),
        dataclasses.replace(state, logits=state.logits[:-1]),
        dataclasses.replace(state, layers=tuple(part.astype(np.float64) for part in state.layers)),
        dataclasses.replace(state, seed=-1),
        dataclasses.replace(state, drawn=1.5),  # type: ignore[arg-type]
        dataclasses.replace(state, pending=(len(ALPHABET),)),
    ]
    for wrong in damaged:
        for write in (lambda: model.generate(wrong), lambda: model.writing(wrong, 1, Plan(3))):  # noqa: B023
            with pytest.raises(ConfigError, match=r"^--(start|seed)"):
                write()
    with pytest.raises(ConfigError, match="expected a state to go on from"):
        model.writing("a", 1, Plan(3))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected a Plan"):
        model.writing(state, 1, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["copy", "deep", "pickle"],
)
def test_a_model_that_has_written_can_be_copied(copied: Callable[[Model], Model], model: Model) -> None:
    state = model.start("a", seed=4)
    written = model.generate(state, length=50)
    assert copied(model).generate(pickle.loads(pickle.dumps(state)), length=50) == written
