"""The house's measures: no file over 300 lines, no class over 150."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE, LONGEST_CLASS = 300, 150


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks", "scripts"])
def test_no_file_and_no_class_is_too_long_to_be_read(folder: str) -> None:
    long = []
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > LONGEST_FILE:
            long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef) and node.end_lineno is not None:
                length = node.end_lineno - node.lineno + 1
                if length > LONGEST_CLASS:
                    long.append(f"{path.relative_to(ROOT)}: class {node.name} has {length} lines")
    assert long == []
