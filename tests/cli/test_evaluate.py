"""What `understudy evaluate` puts beside the model's own figure."""

import io
import json
import lzma
import math
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SMALL
from tests.generation.conftest import model_file
from understudy.cli.main import main
from understudy.evaluation import baselines
from understudy.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_a_run_folder_tells_what_its_baselines_may_know(understudy: "CommandLine", model: Path, text: Path) -> None:
    document = json.loads(understudy("evaluate", model, text, "--json").out)
    assert set(document["baselines"]) == {"xz", "kneser_ney_6", "ppmd"}
    assert 0 < document["baselines"]["kneser_ney_6"] < math.log2(18)
    shown = understudy("evaluate", model, text).out
    assert f"xz {document['baselines']['xz']:.4f}" in shown
    assert f"{document['baselines']['kneser_ney_6']:.4f} bits a character" in shown
    assert json.loads(understudy("evaluate", model, text, "--json", "--no-baselines").out)["baselines"] is None


def test_nothing_is_advised_that_would_be_refused(understudy: "CommandLine", text: Path, tmp_path: Path) -> None:
    """A model that came in from elsewhere does not tell its text, so that no text can be held against it."""
    known = Vocabulary.of_text(text.read_text(encoding="utf-8"))
    model_file("gru", 1, known).write(tmp_path / "elsewhere.safetensors")
    shown = understudy("evaluate", "elsewhere.safetensors", text)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines()[-1].endswith("the model does not tell which text it learned from")
    refused = understudy("evaluate", "elsewhere.safetensors", text, "--trained-on", text)
    assert refused.status == 2
    assert "leave it out" in refused.err


def test_a_model_file_needs_to_be_told(understudy: "CommandLine", model: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "alone.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    shown = understudy("evaluate", "alone.safetensors", text)
    assert shown.status == 0
    assert "--trained-on TEXT" in shown.out
    told = json.loads(understudy("evaluate", "alone.safetensors", text, "--trained-on", text, "--json").out)
    assert told["baselines"] == json.loads(understudy("evaluate", model, text, "--json").out)["baselines"]


def test_another_text_than_the_one_learned_from_is_refused(
    understudy: "CommandLine", model: Path, text: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("something else\n" * 50)
    result = understudy("evaluate", model, text, "--trained-on", "other.txt")
    assert result.status == 2
    assert "not the text that the model learned from" in result.err
    assert len(result.err.splitlines()) == 1


def test_the_score_is_shown_before_the_baselines_are_begun(
    model: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has left the process's own buffers by then."""
    came, seen = io.BytesIO(), []

    def begun(*arguments: object) -> None:
        seen.append(came.getvalue().decode())
        raise KeyboardInterrupt

    monkeypatch.setattr(baselines, "compressed", begun)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(came, 1 << 16), "utf-8"))
    assert main(["evaluate", str(model), str(text)]) == 130
    assert "bits a character" in seen[0].splitlines()[0]
    assert "5,999 characters predicted" in seen[0].splitlines()[1]


def test_xz_reads_the_bytes_that_a_model_of_bytes_has_learned(understudy: "CommandLine", tmp_path: Path) -> None:
    chance = random.Random(4)
    words = [bytes(chance.choices(range(128, 256), k=5)) + b" " for _ in range(200)]  # none of it is UTF-8
    content = b"".join(chance.choices(words, k=1000))
    (tmp_path / "bytes.txt").write_bytes(content)
    how = ("--vocabulary", "bytes", "--validation", "0.25", "--steps", "2", "--quiet")
    assert understudy("train", "bytes.txt", "--out", "run", *SMALL, *how).status == 0
    told = json.loads(understudy("evaluate", "run", "bytes.txt", "--json").out)["baselines"]
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 20}]
    known = content[: len(content) * 3 // 4]
    sizes = [len(lzma.compress(part, lzma.FORMAT_RAW, filters=filters)) for part in (known + content, known)]
    assert told["xz"] == pytest.approx(8 * (sizes[0] - sizes[1]) / len(content), abs=0.01)


def test_how_far_back_xz_looks_is_said_where_it_is_not_everything(
    understudy: "CommandLine", model: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "MiB" not in understudy("evaluate", model, text).out
    monkeypatch.setattr(baselines, "compressed", lambda *texts: baselines.Compressed(6000.0, 64 << 20))
    assert (
        "xz 1.0000 (it goes on learning as it reads, and looks 64 MiB back)" in understudy("evaluate", model, text).out
    )


def test_damaged_checkpoints_do_not_keep_an_intact_model_from_being_evaluated(
    understudy: "CommandLine", model: Path, text: Path
) -> None:
    intact = json.loads(understudy("evaluate", model, text, "--json").out)
    for path in (model / "checkpoint").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    result = understudy("evaluate", model, text, "--json")
    assert (result.status, result.err) == (0, "")
    document = json.loads(result.out)
    assert document.pop("baselines") is None
    assert document.items() <= intact.items()
    (line,) = [line for line in understudy("evaluate", model, text).out.splitlines() if "no baselines" in line]
    assert "no checkpoint is intact" in line
    assert "--trained-on TEXT" in line
    assert json.loads(understudy("evaluate", model, text, "--json", "--trained-on", text).out) == intact


@pytest.mark.parametrize("how", ["gone", "changed", "a folder without a text", "unreadable"])
def test_a_text_that_is_not_there_as_it_was_leaves_the_baselines_out(
    how: str, understudy: "CommandLine", trained: Path, long_text: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.txt").write_bytes(long_text.read_bytes())
    assert understudy("train", "own.txt", "--out", "run", *SMALL, "--steps", "2", "--quiet").status == 0
    (tmp_path / "own.txt").unlink()
    if how == "changed":
        (tmp_path / "own.txt").write_bytes(long_text.read_bytes()[:-1] + b"a")
    elif how == "a folder without a text":
        (tmp_path / "own.txt").mkdir()
    elif how == "unreadable":
        (tmp_path / "own.txt").write_bytes(b"\xff\xfe" + long_text.read_bytes())
    result = understudy("evaluate", "run", long_text)
    assert result.status == 0
    assert (
        result.out.splitlines()[-1]
        == "no baselines for scale: name the text that the model learned from with --trained-on TEXT"
    )


def test_dynamic_evaluation_has_its_own_figure(understudy: "CommandLine", model: Path, text: Path) -> None:
    plain = json.loads(understudy("evaluate", model, text, "--json").out)
    document = json.loads(understudy("evaluate", model, text, "--json", "--dynamic").out)
    assert document["loss"] == plain["loss"]
    assert document["dynamic"]["loss"] != plain["loss"]
    assert document["dynamic"]["bits_per_character"] == pytest.approx(document["dynamic"]["loss"] / math.log(2))
    shown = understudy("evaluate", model, text, "--dynamic", "--no-baselines").out.splitlines()
    assert f"{plain['loss']:.4f} nats" in shown[0]
    assert shown[-1].startswith("dynamic evaluation")
    assert f"{document['dynamic']['loss']:.4f} nats" in shown[-1]


def test_calibration_is_a_table_and_a_plot(understudy: "CommandLine", model: Path, text: Path) -> None:
    found = json.loads(understudy("evaluate", model, text, "--json", "--calibration").out)["calibration"]
    characters = json.loads(understudy("info", model, "--json").out)["config"]["vocabulary"]
    assert sum(entry["predictions"] for entry in found["bins"]) == characters * 5999
    assert sum(entry["predictions"] * entry["came"] for entry in found["bins"]) == pytest.approx(5999)
    shown = understudy("evaluate", model, text, "--calibration", "--no-baselines").out
    rows = [line for line in shown.splitlines() if "●" in line and " to " in line]
    assert len(rows) == len(found["bins"])


@pytest.mark.parametrize(
    ("protocol", "own", "other"), [("streamed", "streams", "window"), ("windowed", "window", "streams")]
)
def test_evaluate_json_is_one_document_with_the_keys_of_its_protocol(
    protocol: str, own: str, other: str, understudy: "CommandLine", model: Path, text: Path
) -> None:
    result = understudy("evaluate", model, text, "--protocol", protocol, "--json")
    document = json.loads(result.out)
    assert set(document) == {
        "loss",
        "bits_per_character",
        "characters",
        "protocol",
        own,
        "unknown_characters",
        "baselines",
    }
    assert other not in document
    assert document["protocol"] == protocol
    assert document[own] == {"streams": 5, "window": 256}[own]
    assert document["characters"] == 5999
    assert document["unknown_characters"] == 0
    assert document["bits_per_character"] == pytest.approx(document["loss"] / math.log(2))
    assert 0 < document["loss"] < math.log(17) + 1
    assert result.err == ""


def test_evaluate_says_the_same_in_words(understudy: "CommandLine", model: Path, text: Path) -> None:
    document = json.loads(understudy("evaluate", model, text, "--protocol", "windowed", "--window", 100, "--json").out)
    result = understudy("evaluate", model, text, "--protocol", "windowed", "--window", 100)
    assert f"{document['loss']:.4f} nats, {document['bits_per_character']:.4f} bits" in result.out
    assert "5,999 characters" in result.out
    assert "windows of 100" in result.out


def test_evaluation_is_streamed_unless_said_otherwise(understudy: "CommandLine", model: Path, text: Path) -> None:
    assert json.loads(understudy("evaluate", model, text, "--json").out)["protocol"] == "streamed"


def test_characters_that_the_model_never_saw_are_counted_and_named(
    understudy: "CommandLine", model: Path, tmp_path: Path
) -> None:
    known = "abc de\nfgh ij"
    (tmp_path / "foreign.txt").write_text("ЖЖЖ".join(known) + "漢", encoding="utf-8")
    document = json.loads(understudy("evaluate", model, "foreign.txt", "--json").out)
    assert document["unknown_characters"] == 3 * (len(known) - 1) + 1
    assert document["characters"] == len(known) - 1
    (tmp_path / "known.txt").write_text(known)
    assert json.loads(understudy("evaluate", model, "known.txt", "--json").out)["loss"] == document["loss"]
    shown = understudy("evaluate", model, "foreign.txt").out
    assert "'Ж' (U+0416) 36 times" in shown
    assert "'漢' (U+6F22) 1 time\n" in shown


def test_evaluating_a_text_without_a_known_character_is_refused(
    understudy: "CommandLine", model: Path, tmp_path: Path
) -> None:
    (tmp_path / "foreign.txt").write_text("ЖЖЖ", encoding="utf-8")
    result = understudy("evaluate", model, "foreign.txt")
    assert result.status == 2
    assert len(result.err.splitlines()) == 1
