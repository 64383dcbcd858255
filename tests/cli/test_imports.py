"""The house's walls: who imports whom, what is imported for which command, who prints, and who touches the disk."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import understudy

SOURCE = Path(understudy.__file__).parent
MODULES = {
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}

# Each may import what stands below it, and itself; rooms on one line may not import each other.
FLOORS: list[set[str]] = [
    {"understudy.__main__"},
    {"understudy.cli"},
    {"understudy.serving"},
    {"understudy"},  # the public names, imported when they are first asked for
    {"understudy.api"},
    {"understudy.learning"},
    {"understudy.loading", "understudy.sittings"},
    {"understudy.trained"},
    {"understudy.judged", "understudy.told"},
    {"understudy.samples", "understudy.scores", "understudy.history"},
    {"understudy.reporting", "understudy.showing"},
    {"understudy.runs", "understudy.exports", "understudy.foreign", "understudy.seeing"},
    {"understudy.training"},
    {"understudy.generation", "understudy.evaluation"},
    {"understudy.outputs", "understudy.pages"},
    {"understudy.ranks"},
    {"understudy.model"},
    {"understudy.text"},
    {"understudy.storage"},
    {"understudy.checks"},
    {"understudy.layout", "understudy.errors", "understudy.shell"},
]
DISK = {
    "understudy.text",
    "understudy.storage",
    "understudy.layout",
    "understudy.model.file",
    "understudy.model.container",
    "understudy.model.cores",  # what the kernel tells of cores and of their time
    "understudy.runs.folder",
    "understudy.runs.checkpoint",
    "understudy.runs.growing",
    "understudy.runs.journal",
    "understudy.runs.ownership",
    "understudy.runs.reading_back",
    "understudy.exports.writing",
    "understudy.pages",  # the style of all pages
    "understudy.exports.html",  # the page that comes with the package
    "understudy.seeing.heat",  # the pages that come with it
    "understudy.seeing.units",
    "understudy.serving.offered",  # which models there are
    "understudy.serving.site",  # the page that comes with the package
    "understudy.serving.shelf",  # the runs that the page tells of
    "understudy.serving.sittings",  # and begins
    "understudy.reporting.document",
    "understudy.exports.c_source",  # the runtime in C that comes with it
    "understudy.foreign.files",
    "understudy.foreign.placing",
    "understudy.showing.terminal",  # the null device, in place of what is closed
    "understudy.training.machine",  # what the system tells of its processor
}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[tuple[str, int]]:
    """The modules that a module imports, wherever in it, each with its line."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            assert node.module is not None
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield (name if name in MODULES else node.module), node.lineno


def calls(module: str) -> Iterator[tuple[str, int]]:
    """What a module calls, as it is written (`path.open` as `.open`), each with its line."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute):
                yield f".{node.func.attr}", node.lineno
                if isinstance(node.func.value, ast.Name):
                    yield f"{node.func.value.id}.{node.func.attr}", node.lineno


def room(module: str) -> str:
    """The part of the house that a module belongs to."""
    parts = module.split(".")
    return ".".join(parts[:2])


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


def below(module: str, rooms: set[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in rooms)


def test_every_module_has_its_place() -> None:
    assert len(MODULES) > 40
    for module in MODULES:
        assert any(room(module) in rooms for rooms in FLOORS), f"{module} is in no room"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_only(module: str) -> None:
    for name, line in imports(module):
        if name.split(".")[0] != "understudy" or room(name) == room(module):
            continue
        assert floor(name) > floor(module), f"{module}:{line} imports {name}, which does not lie below it"


def test_no_module_imports_itself_by_way_of_others_when_it_is_loaded() -> None:
    def at_load(module: str) -> set[str]:
        found = set()
        for statement in tree(module).body:
            if isinstance(statement, ast.ImportFrom) and statement.module is not None:
                for alias in statement.names:
                    name = f"{statement.module}.{alias.name}"
                    found.add(name if name in MODULES else statement.module)
        return {name for name in found if name in MODULES}

    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"a circle: {' > '.join([*way, module])}"
        if module not in done:
            for name in sorted(at_load(module)):
                visit(name, (*way, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("module", [name for name in MODULES if not below(name, {"understudy.cli"})])
def test_only_the_command_line_prints_reads_arguments_and_exits(module: str) -> None:
    """What shows training, for the command line and for programs, prints too."""
    shows = below(module, {"understudy.showing"})
    forbidden = {"print", "input", "exit", "quit", "breakpoint"}
    forbidden |= {"sys.exit", "os._exit", "logging.basicConfig", "stdout.write", "stderr.write"}
    if module == "understudy.__main__":
        forbidden -= {"sys.exit"}
    for name, line in calls(module):
        assert name not in forbidden, f"{module}:{line} calls {name}"
    for name, line in imports(module):
        assert name.split(".")[0] not in ({"argparse"} if shows else {"argparse", "rich"}), f"{module}:{line}: {name}"
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            streams = set() if shows else {"stdout", "stderr"}
            assert node.attr not in {"argv"} | streams, f"{module}:{node.lineno} uses sys.{node.attr}"


@pytest.mark.parametrize("module", [name for name in MODULES if not below(name, DISK)])
def test_only_a_few_modules_touch_the_disk(module: str) -> None:
    names = (
        *("open", ".open", "os.open", "os.fdopen", ".read_text", ".read_bytes", ".write_text", ".write_bytes"),
        *(".mkdir", ".makedirs", ".unlink", ".rmdir", ".rmtree", ".rename", ".renames", ".touch", ".truncate"),
        *(".iterdir", ".glob", ".rglob", ".exists", ".is_file", ".is_dir", ".stat", ".fsync", ".symlink_to"),
        *("os.remove", "os.replace", "os.listdir", "os.walk", "shutil.copy", "shutil.move", "shutil.copytree"),
        *("np.save", "np.load", "np.memmap", "np.fromfile", ".tofile", "torch.save", "torch.load", "SummaryWriter"),
        *("safe_open", "save_file", "load_file"),
    )
    for name, line in calls(module):
        assert name not in names, f"{module}:{line} calls {name}"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_unpickled(module: str) -> None:
    for name, line in imports(module):
        assert name.split(".")[0] not in {"pickle", "shelve", "marshal", "dill", "joblib"}, f"{module}:{line}"
    for name, line in calls(module):
        assert name not in {"torch.load", "torch.save", "eval", "exec"}, f"{module}:{line} calls {name}"


def imported(code: str, *arguments: str, folder: Path | None = None) -> set[str]:
    """The modules that a fresh interpreter has imported when it has run `code`."""
    program = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\nfinally:\n"
        "    sys.stderr.write('\\n'.join(['MODULES', *sys.modules]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(ended.stderr.split("MODULES\n")[1].splitlines())


MAIN = "from understudy.cli.main import main; status = main(sys.argv[1:]); assert status == 0, status"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        (),
        ("train", "--help"),
        ("generate", "--help"),
        ("evaluate", "--help"),
        ("score", "--help"),
        ("serve", "--help"),
        ("info", "--help"),
    ],
    ids=" ".join,
)
def test_help_imports_neither_torch_nor_anything_else_that_is_large(arguments: tuple[str, ...]) -> None:
    loaded = imported(MAIN, *arguments)
    assert f"understudy.cli.{arguments[0] if arguments[1:] else 'train'}" in loaded
    assert not {"torch", "numpy", "onnx", "onnxruntime", "rich", "safetensors"} & loaded


def test_reading_all_arguments_imports_no_torch() -> None:
    loaded = imported(
        "from understudy.cli.main import parser; parser().parse_args(sys.argv[1:])",
        *("train", "a.txt", "--out", "b", "--steps", "3", "--cell", "gru", "--device", "cuda", "--validation", "0.2"),
    )
    assert "torch" not in loaded


def test_a_bad_argument_is_refused_without_torch() -> None:
    code = "from understudy.cli.main import main; assert main(sys.argv[1:]) == 2"
    assert "torch" not in imported(code, "train", "a.txt", "--steps", "0")


def test_the_package_does_no_work_when_it_is_imported() -> None:
    loaded = imported("import understudy")
    assert not {"torch", "numpy", "understudy.api"} & loaded


@pytest.mark.parametrize("more", [(), ("--json", "--samples", "2"), ("--start", "abc", "--top-k", "3")])
def test_writing_with_a_model_imports_no_torch(more: tuple[str, ...], trained: Path) -> None:
    loaded = imported(MAIN, "generate", str(trained), "--length", "5", *more)
    assert "understudy.generation.portable.engine" in loaded
    assert not {"torch", "onnx", "onnxruntime", "rich", "platformdirs", "filelock", "pooch"} & loaded
    assert not {"fsspec", "requests", "urllib3", "pyarrow", "backports.zstd"} & loaded
    assert not {"understudy.cli.train", "understudy.training.recipe", "understudy.exports"} & loaded


def test_scoring_a_text_imports_no_torch(trained: Path, long_text: Path, tmp_path: Path) -> None:
    loaded = imported(MAIN, "score", str(trained), str(long_text), "--html", str(tmp_path / "page.html"))
    assert "understudy.seeing.heat" in loaded
    assert not {"torch", "onnx", "onnxruntime", "rich"} & loaded
    assert not {"fsspec", "requests", "urllib3", "pyarrow", "backports.zstd"} & loaded


def test_telling_about_a_model_or_a_text_imports_no_torch(trained: Path, long_text: Path) -> None:
    assert "torch" not in imported(MAIN, "info", str(trained))
    assert "torch" not in imported(MAIN, "info", str(long_text))


def test_the_public_names_are_there() -> None:
    for name in understudy.__all__:
        assert getattr(understudy, name).__name__ == name
    with pytest.raises(AttributeError, match="nonsense"):
        _ = understudy.nonsense
