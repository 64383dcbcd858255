"""A user's mistake gives one line that names it, status 2, and changes nothing."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    pass

TRAIN = ("train", "text.txt", "--out", "new", "--preset", "tiny", "--steps", "3")


FLAGS: list[tuple[str, str, str]] = [
    ("--steps", "0", "--steps 0"),
    ("--steps", "-5", "--steps -5"),
    ("--steps", "1.5", "'1.5': expected a whole number"),
    ("--units", "0", "--units 0"),
    ("--units", "-1", "--units -1"),
    ("--units", "1000000000000", "--units 1000000000000"),
    ("--units", "", "'': expected a whole number"),
    ("--layers", "0", "--layers 0"),
    ("--layers", "65", "--layers 65"),
    ("--embedding", "0", "--embedding 0"),
    ("--dropout", "1", "--dropout 1"),
    ("--dropout", "-0.1", "--dropout -0.1"),
    ("--minutes", "0", "--minutes 0"),
    ("--minutes", "-3", "--minutes -3"),
    ("--minutes", "nan", "--minutes nan"),
    ("--minutes", "inf", "--minutes inf"),
    ("--epochs", "0", "--epochs 0"),
    ("--learning-rate", "0", "--learning-rate 0"),
    ("--learning-rate", "-1", "--learning-rate -1"),
    ("--learning-rate", "fast", "'fast': expected a number"),
    ("--batch-size", "0", "--batch-size 0"),
    ("--sequence-length", "0", "--sequence-length 0"),
    ("--checkpoint-every", "0", "--checkpoint-every 0"),
    ("--evaluate-every", "-1", "--evaluate-every -1"),
    ("--keep", "0", "--keep 0"),
    ("--clip", "-1", "--clip -1"),
    ("--warmup", "2", "--warmup 2"),
    ("--validation", "1", "--validation 1"),
    ("--validation", "-0.1", "--validation -0.1"),
    ("--validation", "nowhere.txt", "nowhere.txt: no such file"),
    ("--seed", "-1", "--seed -1"),
    ("--sample", "0", "--sample 0"),
    ("--cell", "transformer", "transformer: expected one of"),
    ("--preset", "nonsense", "--preset nonsense"),
    ("--device", "tpu", "tpu: expected one of"),
    ("--precision", "float8", "float8: expected one of"),
    ("--optimizer", "sgd", "sgd: expected one of"),
    ("--vocabulary", "words", "words: expected one of"),
    ("--newlines", "crlf", "crlf: expected one of"),
    ("--encoding", "klingon", "--encoding klingon"),
    ("--encoding", "base64", "--encoding base64"),
    ("--unit", "3", "--unit"),
    ("--nonsense", "3", "--nonsense"),
    ("--from", "nowhere", "nowhere: no such model"),
]


@pytest.mark.usefixtures("text")
@pytest.mark.parametrize(("flag", "value", "named"), FLAGS)
def test_a_flag_s_bad_value_is_named(flag: str, value: str, named: str, refused: Callable[..., str]) -> None:
    arguments = [part for part in TRAIN if part not in ("--steps", "3")] if flag in ("--minutes", "--epochs") else TRAIN
    assert named in refused(*arguments, flag, value)


@pytest.mark.usefixtures("text")
@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--minutes", "1", "--epochs", "2"), "--minutes and --epochs"),
        (("--units", "32768", "--layers", "64"), "parameters"),
        (("--resume", "--overwrite"), "--overwrite"),
    ],
)
def test_flags_that_contradict_each_other_are_named(
    more: tuple[str, ...], named: str, refused: Callable[..., str]
) -> None:
    assert named in refused("train", "text.txt", "--out", "new", *more)


@pytest.mark.usefixtures("text")
def test_resuming_without_a_folder_asks_for_one(refused: Callable[..., str]) -> None:
    assert "--out" in refused("train", "text.txt", "--resume")


def test_resuming_where_nothing_is_asks_for_a_text(refused: Callable[..., str]) -> None:
    assert "no checkpoint to resume from" in refused("train", "--out", "new", "--resume")


def test_training_without_a_text_asks_for_one(refused: Callable[..., str]) -> None:
    assert "TEXT" in refused("train")


@pytest.mark.usefixtures("text")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named(refused: Callable[..., str]) -> None:
    assert "--device cuda" in refused(*TRAIN, "--device", "cuda")


@pytest.mark.usefixtures("model")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_to_write_with_that_is_not_there_is_named(refused: Callable[..., str]) -> None:
    assert "--device cuda" in refused("generate", "run", "--device", "cuda")


@pytest.mark.usefixtures("model")
def test_eight_bits_on_a_gpu_are_refused(refused: Callable[..., str]) -> None:
    assert "--precision int8" in refused("generate", "run", "--device", "cuda", "--precision", "int8")


@pytest.mark.usefixtures("text", "model")
def test_a_run_is_not_overwritten_unasked(refused: Callable[..., str]) -> None:
    assert "holds a run already" in refused("train", "text.txt", "--out", "run", "--preset", "tiny", "--steps", "3")


@pytest.mark.usefixtures("text")
def test_a_file_in_the_way_of_the_run_folder_is_named(refused: Callable[..., str]) -> None:
    assert "--out text.txt" in refused("train", "text.txt", "--out", "text.txt", "--preset", "tiny", "--steps", "3")


def too_short(path: Path) -> None:
    path.write_text("a" * 20)


def one_character(path: Path) -> None:
    path.write_text("a")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def binary(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(500))


def latin_1(path: Path) -> None:
    path.write_bytes("caf\u00e9 ".encode("latin-1") * 100)


def utf_16(path: Path) -> None:
    path.write_text("word " * 200, encoding="utf-16")


def damaged_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b"word " * 200)[:-9])


def folder_without_text(path: Path) -> None:
    path.mkdir()
    (path / "picture.png").write_bytes(b"\x89PNG")


def missing(path: Path) -> None:
    assert not path.exists()


TEXTS: dict[Callable[[Path], None], str] = {
    missing: "no such file or folder",
    folder_without_text: "no text in this folder",
    empty: "the text is empty",
    one_character: "too few",
    too_short: "give more text",
    binary: "binary file",
    latin_1: "byte 0xE9 at offset 3 is not UTF-8",
    utf_16: "byte 0xFF at offset 0 is not UTF-8",
    damaged_gzip: "gzip file is damaged",
}


@pytest.mark.parametrize("make", TEXTS, ids=[make.__name__ for make in TEXTS])
@pytest.mark.parametrize("batches", ["lanes", "chunks"])
def test_a_text_that_cannot_be_learned_is_named(
    make: Callable[[Path], None], batches: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    make(tmp_path / "text.txt")
    assert TEXTS[make] in refused(*TRAIN, "--batches", batches)


@pytest.mark.parametrize("make", [missing, empty, binary, latin_1], ids=lambda make: str(make.__name__))
@pytest.mark.usefixtures("model")
def test_a_text_that_cannot_be_read_is_named_by_every_command(
    make: Callable[[Path], None], tmp_path: Path, refused: Callable[..., str]
) -> None:
    make(tmp_path / "other.txt")
    for arguments in (("evaluate", "run", "other.txt"), ("info", "other.txt")):
        line = refused(*arguments)
        assert "other.txt" in line
        assert TEXTS[make] in line


def test_an_unknown_corpus_is_named_with_those_that_are_known(refused: Callable[..., str]) -> None:
    line = refused("train", "@tolstoy")
    assert "@tolstoy" in line
    assert "@shakespeare" in line


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("flag", "value", "named"),
    [
        ("--length", "-1", "--length -1"),
        ("--length", "many", "'many': expected a whole number"),
        ("--samples", "0", "--samples 0"),
        ("--samples", "-2", "--samples -2"),
        ("--temperature", "-0.5", "--temperature -0.5"),
        ("--temperature", "nan", "--temperature nan"),
        ("--temperature", "inf", "--temperature inf"),
        ("--top-k", "0", "--top-k 0"),
        ("--top-p", "0", "--top-p 0"),
        ("--top-p", "2", "--top-p 2"),
        ("--top-p", "nan", "--top-p nan"),
        ("--seed", "-1", "--seed -1"),
        ("--seed", str(1 << 64), "--seed 18446744073709551616"),
        ("--seed", "lucky", "'lucky': expected a whole number"),
        ("--stop", "", "--stop"),
        ("--unknown", "guess", "guess: expected one of"),
        ("--nonsense", "3", "--nonsense"),
    ],
)
def test_what_generate_cannot_do_is_named(flag: str, value: str, named: str, refused: Callable[..., str]) -> None:
    assert named in refused("generate", "run", flag, value)


@pytest.mark.usefixtures("model", "text")
@pytest.mark.parametrize("value", ["0", "-1", "wide"])
def test_a_window_that_cannot_be_is_named(value: str, refused: Callable[..., str]) -> None:
    assert value in refused("evaluate", "run", "text.txt", "--protocol", "windowed", "--window", value)


@pytest.mark.usefixtures("model", "text")
def test_an_unknown_protocol_is_named(refused: Callable[..., str]) -> None:
    assert "--protocol sliding: expected one of streamed, windowed" in refused(
        "evaluate", "run", "text.txt", "--protocol", "sliding"
    )


def test_an_unknown_command_is_named(refused: Callable[..., str]) -> None:
    assert "learn: expected one of" in refused("learn", "text.txt")


@pytest.mark.usefixtures("model")
def test_unknown_characters_of_a_prompt_are_all_named_with_their_code_points(refused: Callable[..., str]) -> None:
    line = refused("generate", "run", "--start", "a bad Ωж\t漢🎭 prompt\x07")
    for code in ("U+03A9", "U+0436", "U+6F22", "U+1F3AD", "U+0009", "U+0007", "U+0070", "U+0072", "U+0074"):
        assert code in line
    assert "U+0061" not in line, "a is known"
    assert "\x07" not in line
    assert "--unknown skip" in line


@pytest.mark.usefixtures("model")
def test_bytes_of_a_prompt_that_are_no_text_are_named(refused: Callable[..., str]) -> None:
    assert "U+DCFF" in refused("generate", "run", "--start", "a\udcff")


@pytest.mark.usefixtures("text")
@pytest.mark.parametrize(
    "arguments",
    [("train", "nowhere.txt"), ("train", "text.txt", "--steps", "0"), ("generate", "nowhere"), ("frobnicate",)],
)
def test_the_real_program_says_the_same(
    arguments: tuple[str, ...], tmp_path: Path, snapshot: Callable[[Path], object]
) -> None:
    before = snapshot(tmp_path)
    program = [sys.executable, "-m", "understudy", *arguments]
    ended = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("understudy: error: ")
    assert snapshot(tmp_path) == before


def test_a_model_too_large_for_memory_is_no_traceback(text: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys, torch; from understudy.cli.main import main; import understudy.runs.session\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30),) * 2); sys.exit(main(sys.argv[1:]))"
    )
    program = [sys.executable, "-c", code, *TRAIN, "--units", "30000"]
    ended = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "understudy: error: not enough memory; try a smaller model or batch\n"
