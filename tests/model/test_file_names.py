"""Whatever a model is named by: it may have any name, and what is no model is named in one line, never waited for."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generation.conftest import model_file
from understudy.errors import ModelFileError
from understudy.layout import MODEL
from understudy.model import file
from understudy.text.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("intact") / MODEL
    model_file("gru", 1, Vocabulary.of_text("abc")).write(path)
    return path


@pytest.fixture
def odd_places(tmp_path: Path, intact: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working folder with everything in it that is no model, and models of odd names."""
    if os.name != "posix":
        pytest.skip("names and kinds of files that only POSIX has")
    monkeypatch.chdir(tmp_path)
    for name in ("piped", "linked", "full", "empty"):
        Path(name).mkdir()
    os.mkfifo("pipe")
    os.mkfifo(f"piped/{MODEL}")
    Path("gone.link").symlink_to("nowhere")
    Path(f"linked/{MODEL}").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    Path(f"full/{MODEL}").mkdir()
    for name in ("@mine", os.fsdecode(b"caf\xe9.safetensors"), "with 'quotes' [and] brackets.safetensors", "Ω.model"):
        shutil.copy(intact, name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        yield


NO_MODELS = {
    "pipe": "this is a pipe, expected a file",
    "piped": f"piped/{MODEL}: this is a pipe, expected a file",
    "socket": "this is a socket",
    "/dev/null": "this is a device",
    "/dev/zero": "this is a device",
    "gone.link": "a symbolic link to nowhere",
    "linked": f"linked/{MODEL}: a symbolic link to nowhere",
    "loop": "cannot be looked at",
    "full": "no model in this folder",
    "empty": "no model in this folder",
    "": "no such model",
    "nowhere": "no such model",
    "Ω.model/inner": "no such model",
    "a" * 300: "cannot be looked at: File name too long",
    "a/" * 5000: "cannot be looked at: File name too long",
    "a\0b": "no file has such a name",
    "\x1b[31mred\n": r"\x1b[31mred\n: no such model",
    os.fsdecode(b"na\xefve"): r"na\udcefve: no such model",
    "@mine": "the file of that name is ./@mine",
    "@nobody": "no model of that name comes with the package",
}


@pytest.mark.usefixtures("odd_places")
@pytest.mark.parametrize("name", NO_MODELS, ids=lambda name: ascii(name)[:20])
def test_whatever_is_no_file_is_named_and_never_waited_for(name: str) -> None:
    with pytest.raises(ModelFileError) as raised:
        file.read(name)
    line = str(raised.value)
    assert NO_MODELS[name] in line
    assert line.isprintable()
    assert len(line) < 1000
    assert file.looks_like_model(name) is False


@pytest.mark.usefixtures("odd_places")
def test_a_model_may_have_any_name(intact: Path) -> None:
    for name in ("./@mine", os.fsdecode(b"caf\xe9.safetensors"), "with 'quotes' [and] brackets.safetensors", "Ω.model"):
        assert file.read(name).vocabulary == Vocabulary.of_text("abc")
    assert file.looks_like_model(os.fsdecode(b"caf\xe9.safetensors"))
    assert file.looks_like_model(str(intact.parent))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.parametrize("name", ["locked", f"locked/{MODEL}", "locked/nothing"])
def test_a_folder_that_may_not_be_entered_is_named(name: str, intact: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    program = (
        "import os, sys; from understudy.errors import ModelFileError; from understudy.model import file\n"
        "os.setgid(65534); os.setuid(65534); file.looks_like_model(sys.argv[1])\n"
        "try: file.read(sys.argv[1])\nexcept ModelFileError as error: print(error)"
    )
    try:
        folder.chmod(0o755)
        (folder / "locked").mkdir(mode=0o700)
        shutil.copy(intact, folder / "locked")
        asked = [sys.executable, "-c", program, str(folder / name)]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    finally:
        shutil.rmtree(folder)
    assert said.startswith(f"{folder}/locked")
    assert said.endswith(": cannot be looked at: Permission denied\n")
