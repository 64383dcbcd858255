"""Every command and every Python block of README and of the guide is run; shown output is held against real output."""

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, ROOT, Block, blocks
from tests.docs.running import TEXTS, Folder, texts_into
from understudy.cli.main import main

DOCUMENTS = [ROOT / "README.md", *sorted((DOCS / "guide").glob("*.md"))]
NOT_RUN = {
    "make ": "sets up an environment of its own; `.ci/run` does it",
    "pip install ": "the same",
    "understudy train s3://": "there is no such bucket",
    "understudy train https://": "nothing is fetched from outside",
    ". .venv/bin/activate": "there is no such environment here",
}
"""Commands that no test runs, by how they begin, and why."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on the first text, which stays where it is."""
    place = tmp_path_factory.mktemp("trained")
    texts_into(place)
    command = ["train", str(place / "mybook.txt"), "--preset", "tiny", "--steps", "20", "--out", str(place / "run")]
    assert main([*command, "--quiet"]) == 0
    return place / "run"


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.slow)], ids=["tiny", "as it is"])
def folder(
    request: pytest.FixtureRequest,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Folder:
    monkeypatch.chdir(tmp_path)  # and back, in the end
    return Folder(trained, tmp_path, capsys, tiny=request.param)


def lines(block: Block) -> list[str]:
    """The commands of a block."""
    return [line for line in block.text.splitlines() if line.strip() and not line.startswith("#")]


def is_settled(block: Block) -> bool:
    """Whether its commands write the same everywhere: they train nothing and read nothing that is made up here."""
    return not re.search(r"\btrain\b|runs/|--machine|cache|serve|" + "|".join(map(re.escape, TEXTS)), block.text)


def test_every_command_stands_in_a_block_that_is_run() -> None:
    commands = 0
    for document in DOCUMENTS:
        for block in blocks(document):
            assert block.language in ("", "sh", "python", "text"), block.place
            if block.language != "sh":
                assert not re.search(r"^(understudy|make|pip|python) ", block.text, re.MULTILINE), block.place
            else:
                commands += len(lines(block))
    assert commands > 40


QUICK = ("README", "learn", "write", "notebook")
EACH = [
    pytest.param(document, id=document.stem, marks=() if document.stem in QUICK else pytest.mark.slow)
    for document in DOCUMENTS
]


@pytest.mark.parametrize("document", EACH)
def test_commands_and_python_of_a_document_run(document: Path, folder: Folder) -> None:
    """A page is run as it is read, from its beginning to its end; the parts of README are read one at a time."""
    found, section = blocks(document), ""
    for number, block in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        if document.name == "README.md" and block.section != section:
            section = block.section
            folder.begin()
        shown = after.text if after is not None and after.language in ("", "text") else ""
        if block.language == "python":
            folder.python(block)
        elif block.language == "sh":
            written = ""
            for line in lines(block):
                if line.startswith(tuple(NOT_RUN)):
                    continue
                status, told = folder.shell(line)
                expected = 2 if shown.startswith("understudy: error: ") else 0
                assert status == expected, f"{block.place}: {line}\n{told}"
                written += told
            if shown and is_settled(block):
                for part in re.split(r"^…\n", shown, flags=re.MULTILINE):
                    assert part.strip("\n") in re.sub(r" +$", "", written, flags=re.MULTILINE), block.place


def test_what_is_not_run_is_still_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    told = "\n".join(
        line for document in DOCUMENTS for block in blocks(document) if block.language == "sh" for line in lines(block)
    )
    targets = re.findall(r"^make ([\w-]+)", told, re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for document in DOCUMENTS:
        for extra in re.findall(r"understudy\[(\w+)\]", document.read_text(encoding="utf-8")):
            assert re.search(rf"^{extra} = \[", project, re.MULTILINE), f"{document}: {extra}"
    assert shutil.which("bash"), "lines for a shell are run by bash"
