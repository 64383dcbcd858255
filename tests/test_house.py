"""The house's measures: no file over 300 lines, no class over 150; arrays of numbers of a width that is said."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE, LONGEST_CLASS = 300, 150
WRITTEN = {".py", ".c", ".h", ".js", ".mjs", ".css", ".html", ".sh"}


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks", "scripts"])
def test_no_file_and_no_class_is_too_long_to_be_read(folder: str) -> None:
    long = []
    files = sorted(path for path in (ROOT / folder).rglob("*.*") if path.suffix in WRITTEN)
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > LONGEST_FILE:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > LONGEST_CLASS:
                    long.append(f"{path.relative_to(ROOT)}: class {node.name} has {length} lines")
    assert long == []


def test_arrays_of_numbers_say_how_wide_these_are() -> None:
    """On Windows numpy's own choice for whole numbers was 32 bits until its version 2."""
    silent = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of_numpy = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
            says = len(node.args) > 1 or any(keyword.arg == "dtype" for keyword in node.keywords)
            if node.func.attr == "arange":
                says = any(keyword.arg == "dtype" for keyword in node.keywords)
            listed = node.func.attr == "arange" or (
                node.func.attr == "array" and isinstance(node.args[0], ast.List | ast.Tuple)
            )
            if of_numpy and listed and not says:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.func.attr}")
    assert silent == []
