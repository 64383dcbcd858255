"""A run on a text that lies elsewhere: fetched where it is named, found in the cache where it is only recorded."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import understudy as library
from tests.cli.conftest import ALPHABET, SMALL, CommandLine
from tests.text.web_server import Web, serving
from understudy.model.file import read
from understudy.runs.material import TextOptions
from understudy.text import fetching

DOCUMENTS = ["".join(random.Random(seed).choices(ALPHABET, k=600)).strip() for seed in range(8)]
LINES = "".join(json.dumps({"text": text, "title": "a title"}) + "\n" for text in DOCUMENTS)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetching, "_WAITS", (0.01,))
    with serving() as found:
        found.pages["/dir/some.jsonl"] = LINES.encode()
        yield found


def learned(run: Path) -> str:
    digest = read(run).training["corpus"]["sha256"]
    assert isinstance(digest, str)
    return digest


def test_a_run_goes_on_from_the_copy_and_asks_nobody(understudy: CommandLine, web: Web, tmp_path: Path) -> None:
    local = tmp_path / "local.jsonl"
    local.write_text(LINES)
    assert understudy("train", local, "--out", "here", *SMALL, "--steps", "6", "--between", r"\n\n").status == 0
    begun = understudy(
        *("train", f"{web.address}/dir/some.jsonl", *SMALL, "--steps", "6", "--between", r"\n\n", "--out", "there")
    )
    assert begun.status == 0, begun.err
    assert "text: some, " in begun.out
    assert learned(tmp_path / "there") == learned(tmp_path / "here")
    asked = len(web.asked)
    again = understudy("train", "--out", "there", "--resume")
    assert again.status == 0, again.err
    assert "nothing is left to do" in again.out
    assert len(web.asked) == asked


def test_a_run_whose_copy_is_gone_asks_for_the_name_and_fetches_what_is_named(
    understudy: CommandLine, web: Web, tmp_path: Path
) -> None:
    address = f"{web.address}/dir/some.jsonl"
    assert understudy("train", address, *SMALL, "--steps", "6", "--out", "run").status == 0
    shutil.rmtree(tmp_path / "cache")
    asked = len(web.asked)
    refused = understudy("train", "--out", "run", "--resume")
    assert refused.status == 2
    (line,) = refused.err.splitlines()
    assert "its copy is no longer in the cache; name it yourself, and it is fetched" in line
    assert "understudy train TEXT --out " in line
    assert len(web.asked) == asked
    assert understudy("train", address, "--out", "run", "--resume").status == 0
    assert len(web.asked) > asked


def test_a_strangers_run_fetches_nothing(understudy: CommandLine, web: Web, tmp_path: Path) -> None:
    address = f"{web.address}/dir/some.jsonl"
    assert understudy("train", address, *SMALL, "--steps", "6", "--out", "run").status == 0
    shutil.rmtree(tmp_path / "cache")
    web.asked.clear()
    understudy("evaluate", "run", tmp_path / "run" / "samples.txt", "--copies")
    understudy("generate", "run", "--length", "5", "--no-copies")
    assert web.asked == []
    assert list((tmp_path / "cache").rglob("*.text")) == []


def test_a_connection_that_is_cut_leaves_no_run_and_a_line(understudy: CommandLine, web: Web, tmp_path: Path) -> None:
    web.cuts = [None, 1000, 0, 0]
    ended = understudy("train", f"{web.address}/dir/some.jsonl", *SMALL, "--out", "run")
    assert ended.status == 1
    (line,) = ended.err.splitlines()
    assert "the connection was cut after 1,000 of " in line
    assert not (tmp_path / "run").exists()
    assert list((tmp_path / "cache").rglob("*.text")) == []


@pytest.mark.parametrize("command", ["info", "score", "evaluate"])
def test_other_commands_read_texts_elsewhere_too(
    command: str, understudy: CommandLine, web: Web, model: Path, tmp_path: Path
) -> None:
    model_named = () if command == "info" else (model,)
    more = ("--no-baselines",) if command == "evaluate" else ()
    address = f"{web.address}/dir/some.jsonl"
    ended = understudy(command, *model_named, address, *more, "--between", r"\n\n", "--text-field", "text", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out.splitlines()[0])
    assert web.asked


def test_a_validation_file_may_lie_elsewhere(understudy: CommandLine, web: Web, text: Path) -> None:
    address = f"{web.address}/dir/some.jsonl"
    assert understudy("train", text, "--validation", address, *SMALL, "--steps", "6", "--out", "run").status == 0
    assert understudy("train", "--out", "run", "--resume").status == 0


def test_from_python(web: Web, tmp_path: Path) -> None:
    small: dict[str, Any] = {
        "units": 12,
        "embedding": 8,
        "batch_size": 4,
        "sequence_length": 16,
        "evaluate_every": 50,
        "steps": 6,
    }
    run = library.Run(
        f"{web.address}/dir/some.jsonl", out=tmp_path / "run", preset="tiny", text_field="text", between="\n\n", **small
    )
    assert [report.step for report in run][-1] == 6
    assert "\n" in run.model.generate(length=2000, seed=1)
    with pytest.raises(library.UserError, match="--between"):
        library.Run("a.txt", between=5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--between", r"\q"), r"--between \\q: \\q stands for nothing"),
        (("--between", r"\x00"), "expected a text without NUL"),
        (("--between", r"\ud800"), "expected a text without NUL and halves of characters"),
        (("--text-field", "body"), " is not JSON"),
    ],
)
def test_flags_that_make_no_sense_are_told(
    flags: tuple[str, ...], said: str, refused: Callable[..., str], text: Path
) -> None:
    assert said.replace("\\\\", "\\") in refused("train", text, *SMALL, *flags)


def test_a_run_is_gone_on_with_as_it_was_begun(understudy: CommandLine, tmp_path: Path) -> None:
    local = tmp_path / "local.jsonl"
    local.write_text(LINES)
    begin = ("train", local, "--out", "run", *SMALL, "--steps", "6")
    assert understudy(*begin, "--between", r"\n\n", "--text-field", "text").status == 0
    for flags, said in (
        (("--between", r"\n"), r"this run was started with --between '\n\n', not '\n'"),
        (("--text-field", "title"), "this run was started with --text-field text, not title"),
    ):
        ended = understudy("train", local, "--out", "run", "--resume", *flags)
        assert ended.status == 2
        assert said in ended.err
    same = ("--between", r"\n\n", "--text-field", "text")
    assert understudy("train", local, "--out", "run", "--resume", *same).status == 0


def test_a_run_from_before_json_lines_reads_them_as_it_did(tmp_path: Path) -> None:
    local = tmp_path / "local.jsonl"
    local.write_text(LINES)
    document = TextOptions((str(local),)).to_document()
    del document["text_field"], document["between"]
    old = TextOptions.from_document(document)
    assert sum(map(len, old.corpus().symbols("characters"))) == len(LINES)
    assert TextOptions.from_document(old.to_document()) == old


def test_addresses_stay_what_they_are_in_any_working_folder() -> None:
    held = TextOptions(("s3://bucket/*.txt", "a.txt"), validation_file="https://host/a.txt").absolute()
    assert held.texts == ("s3://bucket/*.txt", str(Path("a.txt").absolute()))
    assert held.validation_file == "https://host/a.txt"
    assert TextOptions.from_document(held.to_document()) == held
