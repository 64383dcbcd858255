"""What is handed out has all that README's two commands need."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    *("Makefile", "constraints.txt", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"),
    *("CONTRIBUTING.md", "CHANGELOG.md", "docs", "tests", "benchmarks", "scripts", "src"),
)
MADE = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so", "*.egg-info", ".*", "runs")


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a source distribution, built from a copy, so that nothing comes in that is merely lying about."""
    pytest.importorskip("setuptools", reason="no setuptools here to build with")
    copy = tmp_path_factory.mktemp("project") / "understudy"
    copy.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=MADE)
        else:
            shutil.copy(ROOT / name, copy)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "sdist", "--formats", "gztar"], cwd=copy, check=True, capture_output=True
    )
    (archive,) = (copy / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        return {Path(*Path(member.name).parts[1:]).as_posix() for member in opened if member.isfile()}


def test_everything_that_the_two_commands_need_is_in_the_source_distribution(handed_out: set[str]) -> None:
    for name in NEEDED:
        whole = [ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*")
        for path in whole:
            relative = path.relative_to(ROOT)
            if path.is_dir() or any(MADE("", [part]) for part in relative.parts):
                continue
            assert relative.as_posix() in handed_out


def test_nothing_that_was_built_is_in_the_source_distribution(handed_out: set[str]) -> None:
    assert not [name for name in handed_out if name.endswith((".so", ".pyc"))]
