"""A C program writes the text of `understudy generate`, whoever compiles it, and is one whatever its model is named."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.exports.models import example
from tests.portable.examples import MODELS, packed
from tests.portable.programs import RUNTIME, SANITIZED, STRICT
from understudy.cli.main import main
from understudy.errors import ConfigError, ModelFileError
from understudy.exports import c_source
from understudy.exports.c_source import MOST_CODE, identifier, make, stream_bytes
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan, Writing, start
from understudy.model.config import LARGEST_CODE, ModelConfig
from understudy.model.file import ModelFile, read
from understudy.text.vocabulary import Vocabulary

DRIVER = Path(__file__).with_name("c_driver.c")
AWKWARD = "\0\n\r\t !\"#$%'*/?\\~é\u202e漢🎭"
CARD = {
    "Data": "a */ b /* c ??/ d ??' \\",
    "Limits": "one\n\ttwo \u202e\ud800 ???/// \\\n*\\\n/ $name ${about}",
    "": "",
}


def compiled(command: Sequence[object], folder: Path) -> None:
    """Compile without a word of warning; the test is skipped where the compiler is missing."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"no {command[0]} here")
    made = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""


def put(files: Mapping[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def wrote(model: ModelFile, seed: int, prompt: str, plan: Plan) -> bytes:
    """What `understudy generate` writes with a model in eight bits."""
    engine, vocabulary = PortableEngine(model, numbers="int8"), model.vocabulary
    writing = Writing(engine, vocabulary, [start(engine, vocabulary, vocabulary.encode(prompt, "skip"), seed)], plan)
    for _ in writing:
        pass
    return writing.data[0]


def hold(model: ModelFile, compiler: str, options: Sequence[str], folder: Path) -> None:
    """Hold the program's texts against the engine's, for every way to draw, and prompts with what it never saw."""
    put(make(model, "it.c").files, folder)
    names = ["-DPREFIX=it", "-include", "it.h"]
    compiled([compiler, *STRICT, *options, *names, "it.c", DRIVER, "-o", "it"], folder)
    settings = [Sampling(0), Sampling(0.8), Sampling(1.2, top_k=5), Sampling(0.9, top_p=0.6), Sampling(1, 7, 0.9)]
    for seed, sampling in enumerate(settings):
        prompt = ("", "abé\N{GREEK SMALL LETTER ALPHA}c", "漢\U0001f3ad ")[seed % 3]
        numbers = (sampling.temperature, sampling.top_k or 0, sampling.top_p or 0)
        words = [str(folder / "it"), *map(str, (2**64 - 1 - seed, 60, *numbers)), prompt]
        done = subprocess.run(words, capture_output=True, check=False)
        assert done.returncode == 0, f"{done.returncode}: {done.stderr.decode()}"
        assert done.stdout == wrote(model, 2**64 - 1 - seed, prompt, Plan(60, sampling))
        assert int(done.stderr) == sum(model.vocabulary.unknown(prompt).values())


def test_a_program_writes_the_text_of_generate(tmp_path: Path) -> None:
    hold(example("lstm-2-50", symbols=""), "gcc", ["-O0"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("options", [("-O0",), ("-O3", "-march=native"), ("-Os",), SANITIZED], ids="".join)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_compiler_makes_a_program_that_writes_it(compiler: str, options: tuple[str, ...], tmp_path: Path) -> None:
    for kind in ("gru-1-0", "lstm-3-0", "gru-2-50", "lstm-1-50"):
        for symbols in ("\n !abcdeé漢🎭", "", "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))):
            model = example(kind, symbols=symbols)
            if "ngrams.codes" in model.tensors:
                model.tensors["ngrams.codes"] %= LARGEST_CODE
            hold(model, compiler, options, tmp_path)


def test_names_and_cards_end_no_comment_and_no_string(tmp_path: Path) -> None:
    model = replace(
        example("gru-1-0", symbols=AWKWARD), card=CARD, training={"corpus": {"name": 'it\'s */ \\\n"??/"\u202e'}}
    )
    hold(model, "gcc", ["-O0", "-Wtrigraphs", "-Wcomment"], tmp_path)
    source = (tmp_path / "it.c").read_text(encoding="utf-8")
    about = source[: source.index("#include")]
    assert about.count("*/") == about.count("/*") == 1
    assert "??" not in source
    assert source.isascii() or all(sign.isprintable() or sign == "\n" for sign in source)
    if shutil.which("clang"):
        compiled(["clang", *STRICT, "-c", "it.c", "-o", "it.o"], tmp_path)


@pytest.mark.slow
def test_two_models_link_into_one_program(tmp_path: Path) -> None:
    models = {"one": example("gru-1-0"), "2nd-model": example("lstm-1-0", symbols="")}
    for name, model in models.items():
        put(make(model, f"{name}.c").files, tmp_path)
    (tmp_path / "both.c").write_text(
        '#include <stdio.h>\n#include "one.h"\n#include "2nd-model.h"\n'
        "int main(void)\n{\n    static one_stream a;\n    static model_2nd_model_stream b;\n"
        "    const one_choice how = {0.8, 0, 0};\n    const model_2nd_model_choice why = {0.8, 0, 0};\n    int i;\n"
        '    one_start(&a, 7, "");\n    model_2nd_model_start(&b, 7, "");\n'
        "    for (i = 0; i < 40; i++) {\n        const uint32_t id = one_write(&a, &how);\n"
        "        fwrite(one_symbol(id), 1, one_length(id), stdout);\n"
        "        putc(*model_2nd_model_symbol(model_2nd_model_write(&b, &why)), stderr);\n    }\n    return 0;\n}\n"
    )
    compiled(["gcc", *STRICT, "one.c", "2nd-model.c", "both.c", "-o", "both"], tmp_path)
    done = subprocess.run([str(tmp_path / "both")], capture_output=True, check=True)
    expected = [wrote(model, 7, "", Plan(40)) for model in models.values()]
    assert [done.stdout, done.stderr] == expected


def test_a_program_keeps_nothing_and_needs_four_functions(tmp_path: Path) -> None:
    put(make(example("lstm-1-50"), "it.c").files, tmp_path)
    compiled(["gcc", *STRICT, "-O1", "-fno-stack-protector", "-c", "it.c", "-o", "it.o"], tmp_path)
    listed = subprocess.run(["nm", "it.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    kinds = {line.split()[-1]: line.split()[-2] for line in listed.splitlines()}
    needed = {name for name, kind in kinds.items() if kind == "U"} - {"_GLOBAL_OFFSET_TABLE_"}
    assert needed <= {"memcpy", "memmove", "memset", "strncmp"}
    assert not set(kinds.values()) & set("bBDC")
    public = {name for name, kind in kinds.items() if kind == "T"}
    assert public == {f"it_{name}" for name in re.findall(r"^\S.*?it_(\w+)\(", header(tmp_path), re.MULTILINE)}


def header(folder: Path) -> str:
    return (folder / "it.h").read_text(encoding="utf-8")


@pytest.mark.slow
def test_cplusplus_takes_the_header(tmp_path: Path) -> None:
    put(make(example(), "it.c").files, tmp_path)
    (tmp_path / "main.cpp").write_text(
        '#include "it.h"\nint main() { static it_stream s; return int(it_start(&s, 1, "")); }\n'
    )
    compiled(["gcc", *STRICT, "-c", "it.c", "-o", "it.o"], tmp_path)
    compiled(["g++", "-Wall", "-Wextra", "-Werror", "main.cpp", "it.o", "-o", "it"], tmp_path)
    assert subprocess.run([str(tmp_path / "it")], check=False).returncode == 0


@pytest.mark.parametrize(
    ("compiler", "option"),
    [
        ("gcc", "-Os"),
        *(
            pytest.param(compiler, option, marks=pytest.mark.slow)
            for compiler, option in (("gcc", "-O3"), ("clang", "-Os"), ("clang", "-O3"))
        ),
    ],
)
def test_a_gru_of_128_units_takes_less_than_100_kilobytes(compiler: str, option: str, tmp_path: Path) -> None:
    config = ModelConfig("gru", 65, 64, 128, 1)
    chance = np.random.default_rng(0)
    tensors = {name: chance.normal(0, 1, shape).astype(np.float32) for name, shape in config.shapes().items()}
    model = ModelFile(config, Vocabulary.of_text("".join(map(chr, range(32, 97)))), {}, tensors)
    made = make(model, "it.c")
    put(made.files, tmp_path)
    compiled([compiler, *STRICT, option, "-c", "it.c", "-o", "it.o"], tmp_path)
    told = subprocess.run(["size", "it.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, told.splitlines()[1].split()[:3])
    assert bss == 0
    assert made.sizes["weights"] < text + data < made.sizes["weights"] + MOST_CODE
    assert text + data < 100_000


def test_a_stream_has_the_memory_that_the_runtime_asks_for(tmp_path: Path) -> None:
    (tmp_path / "asks.c").write_text(
        '#include <stdio.h>\n#include <stdlib.h>\n#include "portable.h"\nint main(int count, char **words)\n{\n'
        "    static understudy_model model;\n    static double packed[1 << 18];\n    for (; count > 1; count--) {\n"
        '        FILE *file = fopen(*++words, "rb");\n        if (!file || understudy_open(&model, packed, '
        "fread(packed, 1, sizeof packed, file)))\n            return 90;\n        fclose(file);\n"
        '        printf("%lu\\n", (unsigned long)understudy_stream_bytes(&model));\n    }\n    return 0;\n}\n'
    )
    compiled(["gcc", f"-I{RUNTIME}", "asks.c", RUNTIME / "portable.c", "-o", "asks"], tmp_path)
    for number, config in enumerate(MODELS.values()):
        (tmp_path / str(number)).write_bytes(packed(config).to_bytes())
    words = ["./asks", *map(str, range(len(MODELS)))]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [*map(int, done.stdout.split())] == [stream_bytes(config) for config in MODELS.values()]


@pytest.mark.parametrize(
    "option",
    [
        "-ffast-math",
        *(
            pytest.param(option, marks=pytest.mark.slow)
            for option in ("-Ofast", "-funsafe-math-optimizations", "-freciprocal-math", "-m32")
        ),
    ],
)
def test_what_would_compute_something_else_is_not_compiled(option: str, tmp_path: Path) -> None:
    put(make(example(), "it.c").files, tmp_path)
    compiled(["gcc", *STRICT, "-fsyntax-only", "it.c"], tmp_path)
    command = ["gcc", option, *(["-mno-sse"] if option == "-m32" else []), "-fsyntax-only", "it.c"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode
    assert "error" in refused.stderr


@pytest.mark.parametrize(
    ("stem", "word"),
    [
        ("gru", "gru"),
        ("My Model-2", "my_model_2"),
        ("2nd", "model_2nd"),
        ("_x_", "x"),
        ("модель", "model"),
        ("understudy", "understudy_model"),
    ],
)
def test_names_of_functions_come_from_the_file(stem: str, word: str) -> None:
    assert identifier(stem) == word
    files = make(example(), f"{stem}.c").files
    assert [*files] == [f"{stem}.c", f"{stem}.h", f"{stem}_example.c"]


@pytest.mark.parametrize("stem", ["understudy", pytest.param("модель", marks=pytest.mark.slow)])
def test_no_name_is_in_the_way_of_the_runtime(stem: str, tmp_path: Path) -> None:
    put(make(example(), f"{stem}.c").files, tmp_path)
    compiled(["gcc", *STRICT, "-fsyntax-only", f"{stem}.c", f"{stem}_example.c"], tmp_path)


@pytest.mark.parametrize("name", ["model", "model.h", "model.cc", 'a".c', "a\\.c", "a\n.c", "what?.c", "a*.c"])
def test_a_name_that_no_program_could_include_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="expected the name of a C file") as refused:
        make(example(), name)
    assert "\n" not in str(refused.value)


def test_weights_that_are_too_many_or_not_finite_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = example()
    for bias in ("ih", "hh"):
        wild.tensors[f"layers.0.bias_{bias}"][:] = 3e38
    with pytest.raises(ModelFileError, match="not finite"):
        make(wild, "it.c")
    monkeypatch.setattr(c_source, "LARGEST", 1000)
    with pytest.raises(ConfigError, match=r"--to c: the model has [\d,]+ bytes of weights.* at most 1,000; train one"):
        make(example(), "it.c")


def test_the_command_makes_three_files_and_tells_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    example("lstm-1-0").write(Path("mine.safetensors"))
    assert main(["export", "mine.safetensors", "--to", "c"]) == 0
    told = capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.glob("*.[ch]")) == ["mine.c", "mine.h", "mine_example.c"]
    assert c_source.PROMISE.split(":")[0] in " ".join(told.split())
    first = (tmp_path / "mine.c").read_text(encoding="utf-8")
    for size in re.findall(r"^(?:weights|state) +([\d,]+ bytes)", told, re.MULTILINE):
        assert size in first[: first.index("*/")]


@pytest.mark.slow
@pytest.mark.parametrize("options", [("-O3",), SANITIZED], ids=["-O3", "sanitized"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_model_in_the_box_prints_the_page_of_generate(
    compiler: str, options: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "@shakespeare", "--to", "c", "-o", str(tmp_path / "shakespeare.c")]) == 0
    compiled([compiler, *STRICT, *options, "shakespeare.c", "shakespeare_example.c", "-o", "page"], tmp_path)
    done = subprocess.run([str(tmp_path / "page"), "7"], capture_output=True, text=True, check=True)
    assert done.stdout.encode() == wrote(read("@shakespeare"), 7, "", Plan()) + b"\n"
    capfd.readouterr()
    assert main(["generate", "@shakespeare", "--seed", "7"]) == 0
    assert capfd.readouterr().out == done.stdout


@pytest.mark.slow
def test_what_the_documentation_shows_runs(tmp_path: Path) -> None:
    told = (ROOT / "docs" / "export.md").read_text(encoding="utf-8").split("## A C program: `--to c`")[1]
    commands, program = re.findall(r"^```c?\n(.*?)^```$", told, re.MULTILINE | re.DOTALL)[:2]
    settings = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, env=settings, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    page = wrote(read("@shakespeare"), 7, "", Plan()) + b"\n"
    assert done.stdout.endswith(page)
    (tmp_path / "shown.c").write_text(
        f'#include <stdio.h>\n#include "shakespeare.h"\nint main(void)\n{{\n{program}puts("");\nreturn 0;\n}}\n'
    )
    compiled(["gcc", *STRICT, "shown.c", "shakespeare.c", "-o", "shown"], tmp_path)
    assert subprocess.run([str(tmp_path / "shown")], capture_output=True, check=True).stdout == page
    for function in re.findall(r"`_(\w+)\(", told):
        assert f"shakespeare_{function}(" in (tmp_path / "shakespeare.h").read_text(encoding="utf-8")
