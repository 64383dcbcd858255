"""The tree of branches loses nothing, and takes in nothing that does not fit."""

import shutil
import subprocess
from pathlib import Path

import pytest

import understudy

PAGE = Path(understudy.__file__).parent / "serving" / "page"
SCRIPT = Path(__file__).with_name("tree_keeps_all.mjs")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_node_keeps_its_text_and_a_copy_has_them_all(seed: int) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node here")
    ended = subprocess.run([node, SCRIPT, PAGE, str(seed)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("path", sorted(PAGE.iterdir()), ids=lambda path: path.name)
def test_nothing_of_the_page_asks_for_another_address_or_makes_text_into_elements(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"):
        assert forbidden not in text, forbidden
    addresses = text.replace("http://www.w3.org/2000/svg", "")  # the name of a language
    assert "http://" not in addresses
    if path.suffix == ".html":
        assert " style=" not in text
        assert " onclick=" not in text
