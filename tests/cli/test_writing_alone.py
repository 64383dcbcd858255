"""Writing needs numpy, safetensors and what the package carries; how it is done is told, and may be asked for."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import understudy as library
from tests.generation.paths import paths_here, taking
from understudy.errors import ConfigError
from understudy.generation.portable import compiled
from understudy.model.paths import CHOICE
from understudy.model.recurrence import compiled as training

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine, Result

NEEDED = ("numpy", "safetensors", "understudy")
ALONE = f"""
import sys

class Others:
    def find_spec(self, name, path=None, target=None):
        first = name.split(".")[0]
        if first not in sys.stdlib_module_names and first not in {NEEDED}:
            raise ModuleNotFoundError(f"writing imports {{name}}")

sys.meta_path.insert(0, Others())
"""
COMMAND = f"{ALONE}\nfrom understudy.cli.main import main; sys.exit(main(sys.argv[1:]))"
SETTINGS = ("--start", "ROMEO", "--seed", "5", "--length", "300", "--top-p", "0.9", "--stop", "\n\n\n")


def alone(program: str, *arguments: str) -> str:
    """What a program prints where nothing else can be imported."""
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return ended.stdout


def test_nothing_but_numpy_and_safetensors_is_needed_to_write(understudy: "CommandLine") -> None:
    expected = understudy("generate", *SETTINGS).out
    assert len(expected) > 300
    assert alone(COMMAND, "generate", *SETTINGS) == expected
    document = json.loads(alone(COMMAND, "generate", *SETTINGS, "--samples", "2", "--json"))
    assert f"ROMEO{document['samples'][0]['text']}\n" == expected
    program = (
        f"{ALONE}\nimport understudy\n"
        "stream = understudy.load('@shakespeare').stream('ROMEO', seed=5, length=300, top_p=0.9, stop='\\n\\n\\n')\n"
        "print('ROMEO', *stream, sep='')"
    )
    assert alone(program) == expected


def test_the_first_characters_come_through_a_pipe_long_before_the_last() -> None:
    command = [sys.executable, "-c", COMMAND, "generate", "--length", "1000000", "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read(100)) == 100
        assert process.poll() is None, "a million characters are under way"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def in_numpy(understudy: "CommandLine", *arguments: object) -> "Result":
    with taking("numpy"):
        return understudy("generate", "--length", 12, "--seed", 5, *arguments)


def test_where_nothing_was_compiled_one_line_says_that_it_is_slower(
    understudy: "CommandLine", monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = in_numpy(understudy)
    assert expected.err == ""
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setattr(compiled, "_loaded", lambda: None)
    for arguments in ((), ("--samples", 1, "--bytes")):
        found = understudy("generate", "--length", 12, "--seed", 5, *arguments)
        assert found.status == 0
        assert found.out.strip() == expected.out.strip()
        (line,) = found.err.splitlines()
        assert line.startswith("understudy: note: ")
        assert "NumPy" in line
        assert "Install a C compiler" in line
    assert in_numpy(understudy).err == "", "it was asked for"


@pytest.mark.parametrize("path", paths_here())
def test_what_was_asked_for_writes_the_same_page_without_a_word(path: str, understudy: "CommandLine") -> None:
    with taking(path):
        found = understudy("generate", "--length", 12, "--seed", 5)
    assert (found.out, found.err) == (in_numpy(understudy).out, "")


@pytest.mark.parametrize("word", ["fast", "AVX2", " ", "avx2\n"])
def test_a_path_that_there_is_none_of_is_refused_in_one_line(word: str, refused: Callable[..., str]) -> None:
    with taking(word):
        for arguments, here in ((("generate",), paths_here()), (("info", "--machine"), training._paths())):
            assert "UNDERSTUDY_KERNELS" in (line := refused(*arguments))
            assert line.endswith(f"expected one of {', '.join(here)}")
        with pytest.raises(ConfigError, match="UNDERSTUDY_KERNELS"):
            library.load("@shakespeare").generate(length=1)
    assert library.load("@shakespeare").generate(length=1, seed=1)


def test_the_machine_tells_how_it_writes(understudy: "CommandLine", tmp_path: Path) -> None:
    for path in {paths_here()[0], paths_here()[-1]}:
        with taking(path):
            document = json.loads(understudy("info", "--machine", "--json").out)
            shown = understudy("info", "--machine").out
        assert document["writing"] == f"Portable 1, {compiled.described(path)}"
        assert "onnxruntime" not in document["versions"]
        (line,) = [line for line in shown.splitlines() if line.startswith("writing ")]
        assert line.split(maxsplit=1)[1] == document["writing"]
