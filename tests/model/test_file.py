"""A model file of a stranger's is read whole, or refused in one line that names it, whatever it says."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.generation.conftest import model_file
from tests.model.mutations import Mutations, nested
from understudy.errors import ModelFileError
from understudy.layout import MODEL
from understudy.model import container, file
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

ALPHABET = "\n abcdefgh"
TRAINING: dict[str, Any] = {
    "recipe": {"units": 24},
    "schedule_steps": 30,
    "corpus": {
        "name": "text",
        "characters": 900,
        "sha256": "0" * 64,
        "train_characters": 800,
        "validation_characters": 100,
        "validation_sha256": None,
    },
    "origin": {"name": "other", "steps": 7},
    "steps": 30,
    "characters_seen": 4000,
    "validation_loss": 1.5,
    "validation_loss_streamed": 1.4,
    "looked_at": 100,
    "temperature": 1.25,
    "held_back": {"steps": 20, "validation_loss": 1.5, "validation_loss_streamed": 1.4, "temperature": 1.0},
    "library_version": "0.1.0",
}


def made(training: dict[str, Any] = TRAINING, card: dict[str, str] | None = None) -> ModelFile:
    """A model with a table of n-grams, and everything that a file can tell."""
    model = model_file("gru", 1, Vocabulary.of_text(ALPHABET), ngrams=10)
    return ModelFile(model.config, model.vocabulary, training, model.tensors, card or {"Data": "rhymes"})


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("intact") / MODEL
    made().write(path)
    return path


def refusal(path: str | Path) -> str:
    """The line that says why a model cannot be read."""
    with pytest.raises(ModelFileError) as raised:
        file.read(path)
    line = str(raised.value)
    assert line.isprintable(), "one line that any terminal may show"
    assert len(line) < 1000
    return line


def rewritten(path: Path, **changes: Any) -> Path:
    """An intact file whose document has other values, with a right checksum."""
    model = made()
    document = {
        "config": model.config.to_document(),
        "vocabulary": model.vocabulary.to_document(),
        "training": model.training,
        "card": dict(model.card),
    }
    container.write(path, "model", document | changes, model.tensors)
    return path


def changed(place: str, value: Any) -> dict[str, Any]:
    """How the model was trained, with another value in one place."""
    training: dict[str, Any] = json.loads(json.dumps(TRAINING))
    *outer, last = place.split(".")
    holder = training
    for name in outer:
        holder = holder[name]
    holder[last] = value
    return training


def test_what_is_written_is_read(intact: Path) -> None:
    model = file.read(intact)
    assert (model.training, model.card, model.vocabulary) == (
        TRAINING,
        {"Data": "rhymes"},
        Vocabulary.of_text(ALPHABET),
    )
    expected = made().tensors
    for name, tensor in model.tensors.items():
        assert tensor.dtype == (np.int64 if name == "ngrams.codes" else np.float32)
        np.testing.assert_allclose(tensor, expected[name], rtol=1e-3 if name == "ngrams.weight" else 0, err_msg=name)


@pytest.mark.parametrize("length", [640, 896, 1152, 1408, 19_280])
def test_a_header_of_any_length_is_read(length: int, tmp_path: Path) -> None:
    """A file begins with that length; these begin as pickles and zips do."""
    path, tensors = tmp_path / "file.safetensors", {"x": np.arange(6, dtype=np.float32)}
    container.write(path, "model", {"told": ""}, tensors)
    short = length - int.from_bytes(path.read_bytes()[:8], "little")
    container.write(path, "model", {"told": "x" * short}, tensors)
    assert int.from_bytes(path.read_bytes()[:8], "little") == length
    document, read = container.read(path, "model", lambda document: {"x": (6,)})
    assert document["told"].strip("x") == ""
    np.testing.assert_array_equal(read["x"], tensors["x"])


def test_a_file_may_tell_nothing_of_its_training_or_more_than_we_know(tmp_path: Path) -> None:
    for training in ({}, {"dataset": {"licence": ["CC0"]}, "steps": 3}):
        assert file.read(rewritten(tmp_path / MODEL, training=training)).training == training


WRONG: dict[str, list[Any]] = {
    "recipe": [None, [], "auto"],
    "schedule_steps": [-1, 1.5, True, "30", None, 10**400],
    "corpus": [None, [], "text", {}],
    "corpus.name": [3, None, ["a"], "a" * 10_000],
    "corpus.characters": [0, "900", None],
    "corpus.sha256": [None, 5, "0" * 100],
    "corpus.train_characters": [0, -5, 901, 1.5],
    "corpus.validation_sha256": [5, "0" * 100],
    "origin": [[], "other", 3],
    "origin.steps": [-1, "7"],
    "steps": ["30", None, {}],
    "characters_seen": [1e9, None],
    "validation_loss": ["1.5", True, [], float("nan"), float("inf"), 10**400, None],
    "validation_loss_streamed": [None, {}],
    "looked_at": [None, -1],
    "temperature": [0, -1.0, None, "1", float("inf")],
    "held_back": [None, [], {}, {"validation_loss": 1.5}],
    "held_back.validation_loss": [None, "1.5"],
    "library_version": [1, None, "0" * 10_000],
}


@pytest.mark.parametrize(
    ("place", "value"), [(place, value) for place in WRONG for value in WRONG[place]], ids=lambda p: str(p)[:20]
)
def test_what_is_told_of_the_training_has_the_types_that_its_readers_expect(
    place: str, value: Any, tmp_path: Path
) -> None:
    path = rewritten(tmp_path / MODEL, training=changed(place, value))
    line = refusal(path)
    assert line.startswith(f"{path}: its training")
    assert place.split(".")[-1] in line or "one loss of two" in line


NO_FIELD: list[Any] = [None, 3, "x", [], [{}], nested(900)]
NO_FIELDS = {"config": [*NO_FIELD, {}, {"cell": []}], "vocabulary": [*NO_FIELD, {"kind": []}], "training": NO_FIELD}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in {**NO_FIELDS, "card": [*NO_FIELD, {"Data": 3}]}.items() for value in values],
    ids=lambda part: str(part)[:12],
)
def test_a_field_of_another_type_is_refused(name: str, value: Any, tmp_path: Path) -> None:
    path = rewritten(tmp_path / MODEL, **{name: value})
    assert refusal(path).startswith(f"{path}: ")


@pytest.mark.parametrize("bomb", [[[]] * 1_000_000, ["x" * 40_000_000]], ids=["parts", "length"])
def test_a_description_beyond_all_bounds_is_refused_before_it_is_read(bomb: list[Any], tmp_path: Path) -> None:
    path = rewritten(tmp_path / MODEL, training={"recipe": {"bomb": bomb}})
    began = time.process_time()
    assert "its description has more than" in refusal(path)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("place", ["corpus.name", "library_version", "origin.name", "note"])
def test_lone_surrogates_are_refused_wherever_they_would_be_printed(place: str, tmp_path: Path) -> None:
    assert "surrogate" in refusal(rewritten(tmp_path / MODEL, training=changed(place, "a\ud800b")))
    assert "surrogate" in refusal(rewritten(tmp_path / MODEL, training=TRAINING | {"\udcff": 1}))
    for card in ({"Data": "\ud800"}, {"\udcff": "rhymes"}):
        assert "surrogate" in refusal(rewritten(tmp_path / MODEL, card=card))


def test_a_name_that_is_not_utf_8_is_kept_as_what_can_be_printed(tmp_path: Path) -> None:
    made(changed("corpus.name", "caf\udce9")).write(tmp_path / MODEL)
    assert file.read(tmp_path / MODEL).training["corpus"]["name"] == r"caf\udce9"


@pytest.mark.parametrize("name", ["embedding.weight", "layers.0.weight_hh", "output.bias", "ngrams.weight"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(name: str, number: float, tmp_path: Path) -> None:
    model = made()
    model.tensors[name].flat[3] = number
    model.write(tmp_path / MODEL)
    assert f"tensor '{name}' has numbers that are not finite" in refusal(tmp_path / MODEL)


def test_weights_as_large_as_numbers_can_be_are_finite(tmp_path: Path) -> None:
    model = made()
    model.tensors["layers.0.weight_hh"][:] = np.finfo(np.float32).max
    model.write(tmp_path / MODEL)
    assert file.read(tmp_path / MODEL).tensors["layers.0.weight_hh"].max() == np.finfo(np.float32).max


def test_a_table_s_numbers_beyond_float16_become_its_largest(tmp_path: Path) -> None:
    model = made()
    model.tensors["ngrams.weight"][:2] = [[1e6] * 12, [-1e30] * 12]
    model.write(tmp_path / MODEL)
    assert file.read(tmp_path / MODEL).tensors["ngrams.weight"][:2, 0].tolist() == [65504, -65504]


@pytest.mark.parametrize("code", [-1, 0, 1, 1 << 24, 1 << 40])
def test_codes_are_distinct_and_fit_a_state(code: int, tmp_path: Path) -> None:
    model = made()
    model.tensors["ngrams.codes"][3] = code  # 1 is the first symbol's
    model.write(tmp_path / MODEL)
    assert "codes" in refusal(tmp_path / MODEL)


@pytest.mark.parametrize(
    ("name", "kind"), [("output.bias", np.int64), ("output.bias", np.float64), ("ngrams.codes", np.float32)]
)
def test_numbers_of_another_type_are_refused(name: str, kind: Any, tmp_path: Path) -> None:
    model = made()
    document = {"config": model.config.to_document(), "vocabulary": model.vocabulary.to_document(), "training": {}}
    container.write(tmp_path / MODEL, "model", document, {**model.tensors, name: model.tensors[name].astype(kind)})
    assert f"tensor '{name}' is" in refusal(tmp_path / MODEL)


def test_a_model_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    """The file has the size that its header says, and no block of the disk."""
    config = made().config.to_document() | {"units": 1 << 15, "ngrams": 0}
    shapes = ModelConfig.from_document(config).shapes()
    document = {"config": config, "vocabulary": Vocabulary.of_text(ALPHABET).to_document(), "training": {}}
    described = json.dumps({**document, "format": 1, "kind": "model", "checksum": "0"})
    header: dict[str, Any] = {"__metadata__": {container.KEY: described}}
    size = 0
    for name, shape in shapes.items():
        length = 4 * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [size, size + length]}
        size += length
    data = json.dumps(header).encode()
    with (tmp_path / MODEL).open("wb") as written:
        written.write(len(data).to_bytes(8, "little") + data)
        written.truncate(8 + len(data) + size)
    program = (
        "import resource, sys; from understudy.errors import ModelFileError; from understudy.model import file\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "try: file.read(sys.argv[1])\nexcept ModelFileError as error: print(error)"
    )
    asked = [sys.executable, "-c", program, str(tmp_path / MODEL)]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"{tmp_path / MODEL}: ")
    assert "memory" in said


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_damage_is_refused_in_one_line_that_names_the_file(count: int, intact: Path, tmp_path: Path) -> None:
    path, mutations = tmp_path / MODEL, Mutations(intact, seed=count)
    read, slowest = 0, 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(count):
        mutations.write(path)
        began = time.process_time()
        try:
            model = file.read(path)
        except ModelFileError as error:
            line = str(error)
            assert line.isprintable()
            assert len(line) < 1000
            assert line.startswith(f"{path}: ")
        else:
            read += 1
            json.dumps([model.training, dict(model.card)], allow_nan=False, ensure_ascii=False).encode()
        slowest = max(slowest, time.process_time() - began)
    assert 0 < read < count
    assert slowest < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000, "kilobytes"
