"""`understudy inspect`: the units that follow something, and the page."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import CommandLine


def test_the_command_lists_units_and_writes_a_page(
    understudy: CommandLine, model: Path, text: Path, refused: Callable[..., str]
) -> None:
    result = understudy("inspect", model, text, "--html", "units.html")
    assert result.status == 0
    assert "inside a word" in result.out
    assert result.out.endswith("units.html: the text, coloured by any unit; open it in a browser\n")
    page = Path("units.html").read_text()
    assert page.count("<script") == 2
    assert "http" not in page.replace("http-equiv", "")
    found = json.loads(understudy("inspect", model, text, "--json").out)
    assert found["characters"] == 6_000
    assert {unit["layer"] for units in found["features"].values() for unit in units} == {1}
    assert "is there already" in refused("inspect", model, text, "--html", "units.html")
    Path("strange.txt").write_text("ÄÖ")
    assert "nothing to look at" in refused("inspect", model, "strange.txt")
