"""`understudy import`: a model of elsewhere in a folder of its own, with which every command works."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import CommandLine
from tests.foreign.makers import ALPHABET, FIXTURES, computed
from understudy.api import load
from understudy.model import file

CHECKPOINT = FIXTURES / "tf-keras-tutorial-checkpoint"


@pytest.fixture
def symbols(tmp_path: Path) -> Path:
    path = tmp_path / "symbols.json"
    path.write_text(json.dumps(list(ALPHABET)))
    return path


@pytest.fixture
def learned(tmp_path: Path) -> Path:
    path = tmp_path / "learned.txt"
    path.write_text("".join(ALPHABET[number] for number in computed("tf_keras")["ids"]))
    return path


def test_every_command_works_with_what_was_imported(understudy: CommandLine, learned: Path) -> None:
    result = understudy("import", CHECKPOINT, "--text", learned, "-o", "mine")
    assert result.status == 0, result
    first, *notes, last = result.out.splitlines()
    assert first == "TensorFlow checkpoint: GRU, 1 layer of 7 units, 11 characters, 437 parameters"
    assert any("assumed" in note for note in notes)
    assert last == "write with it: understudy generate mine"
    written = understudy("generate", "mine", "--length", "30", "--seed", "1")
    assert (written.status, len(written.out)) == (0, 31)
    assert understudy("evaluate", "mine", learned).status == 0
    told = json.loads(understudy("info", "mine", "--json").out)
    assert told["config"] == {"cell": "gru", "vocabulary": 11, "embedding": 5, "units": 7, "layers": 1}
    shown = understudy("info", "mine").out
    assert "imported     TensorFlow checkpoint\nSHA-256      " in shown
    assert "learned from" not in shown
    small = ("--preset", "tiny", "--batch-size", "2", "--sequence-length", "8", "--steps", "2", "--quiet")
    assert understudy("train", learned, "--from", "mine", "--out", "further", *small).status == 0


def test_the_greedy_text_is_the_makers(understudy: CommandLine, learned: Path) -> None:
    """The characters that the maker's own logits have as the most probable, after what it had read."""
    understudy("import", FIXTURES / "tf-keras-tutorial.h5", "--text", learned, "--out", "mine")
    ids, logits = computed("tf_keras")["ids"], computed("tf_keras")["tf-keras-tutorial"]
    model = load("mine", precision="float32")
    for length in (1, 7, 60, 200):
        prompt = "".join(ALPHABET[number] for number in ids[:length])
        best, second = np.sort(logits[length - 1])[[-1, -2]]
        assert best - second > 1e-4
        assert model.generate(prompt, length=1, temperature=0) == ALPHABET[logits[length - 1].argmax()]


def test_the_model_tells_where_it_came_from(understudy: CommandLine, symbols: Path) -> None:
    result = understudy("import", CHECKPOINT, "--vocabulary", symbols, "-o", "mine", "--json")
    document = json.loads(result.out)
    assert document["model"] == "mine/model.safetensors"
    told = file.read("mine").training["imported"]
    assert told["format"] == document["format"] == "TensorFlow checkpoint"
    assert told["notes"] == document["notes"]
    names = ("ckpt-1.index", "ckpt-1.data-00000-of-00001")
    assert told["files"] == {name: sha256((CHECKPOINT / name).read_bytes()).hexdigest() for name in names}


def test_equal_imports_give_equal_files(understudy: CommandLine, symbols: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        understudy("import", FIXTURES / "keras-lstm2.keras", "--vocabulary", symbols, "-o", name)
    one, two = (tmp_path / name / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert [path.name for path in one.parent.iterdir()] == ["model.safetensors"]


def test_nothing_that_is_there_is_overwritten(refused: Callable[..., str], symbols: Path, tmp_path: Path) -> None:
    given = ("import", CHECKPOINT, "--vocabulary", symbols, "-o")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("Dear all")
    (tmp_path / "link").symlink_to("nowhere")
    assert "--out full: holds letter.txt already" in refused(*given, "full")
    assert "a file is in the way" in refused(*given, "symbols.json")
    assert "a file is in the way" in refused(*given, "symbols.json/inside")
    assert "a link to where nothing is" in refused(*given, "link")


def test_what_is_refused_leaves_no_folder(refused: Callable[..., str], symbols: Path) -> None:
    given = ("--vocabulary", symbols, "-o", "new")
    assert "expected a JSON list" in refused(
        "import", CHECKPOINT, "--vocabulary", CHECKPOINT / "checkpoint", "-o", "new"
    )
    assert "carry no list of them" in refused("import", CHECKPOINT, "-o", "new")
    assert "not allowed with" in refused("import", CHECKPOINT, "--text", "a.txt", *given)
    assert "required: -o/--out" in refused("import", CHECKPOINT, "--vocabulary", symbols)
    assert "no such file" in refused("import", "nowhere.keras", *given)
    assert "resets before the product" in refused("import", FIXTURES / "refused-reset-before.keras", *given)


@pytest.mark.usefixtures("open_files")
def test_no_file_stays_open(symbols: Path) -> None:
    from understudy.errors import ModelFileError
    from understudy.foreign.importing import import_weights

    for path in sorted(FIXTURES.glob("*keras*")):
        if not path.name.startswith(("keras.", "tf_keras.")):
            try:
                import_weights(path, vocabulary=symbols)
            except ModelFileError:
                assert path.name.startswith("refused-")
