"""Pages in browsers: how soon the first character is there, how fast the others come, how long the page is not served.

    python -m benchmarks.pages [--rounds 3]

The model that comes with the package and the tutorial's (GRU 1024), opened from the disk in Chromium and Firefox, as
WebAssembly and as JavaScript: 2,000 characters at temperature 0.8 (400 in JavaScript), after 100 for the compilers to
warm up. The first character is that of the first click after the page has loaded. Chromium is throttled fourfold too,
as it does for its developers. The longest pause is what a timer of one millisecond waited at the most.
"""

import argparse
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from tests.browsers.driving import Chromium, Firefox, chromium, firefox
from tests.exports.pages import asked, opened
from tests.portable.examples import FULL, opinionated
from understudy.model import file
from understudy.model.file import ModelFile

WITHOUT = {"javascript.options.wasm": False}
Row = tuple[float, float, float]


def measured(browser: Chromium | Firefox, model: ModelFile, folder: Path, length: int) -> Row:
    """Milliseconds to the first character, characters a second, and the longest pause in milliseconds."""
    opened(browser, model, folder)
    first = asked(browser, seed=1, length=100)
    then = asked(browser, seed=2, length=length)
    assert first.first is not None
    return first.first, length / (then.took / 1000), max(first.longest, then.longest)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    tutorial = opinionated(FULL["GRU 1024"])
    models = {"the boxed model (LSTM 624)": file.read("@shakespeare"), "the tutorial's (GRU 1024)": tutorial}
    print("| page | browser | runtime | first character, ms | characters a second | longest pause, ms |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for model_name, model in models.items():
            for browser_name in ("Chromium", "Chromium, fourfold throttled", "Firefox"):
                for compiled in (True, False):
                    length = 2000 if compiled else 400
                    started: AbstractContextManager[Chromium | Firefox]
                    started = firefox(**({} if compiled else WITHOUT)) if browser_name == "Firefox" else chromium()
                    with started as browser:
                        if isinstance(browser, Chromium):
                            browser.throttle(4 if "throttled" in browser_name else 1)
                            if not compiled:
                                hidden = "delete globalThis.WebAssembly"
                                browser.tell("Page.addScriptToEvaluateOnNewDocument", source=hidden)
                        rows = [measured(browser, model, Path(name), length) for _ in range(rounds)]
                    figures = " | ".join(f"{median(column):,.0f}" for column in zip(*rows, strict=True))
                    runtime = "WebAssembly" if compiled else "JavaScript"
                    print(f"| {model_name} | {browser_name} | {runtime} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
