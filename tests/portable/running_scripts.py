"""Portable 1 in scripts, in Node and in browsers: JavaScript, and WebAssembly."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tests.browsers.driving import Browser
from tests.portable.javascript import SCRIPT, Job, node
from tests.portable.programs import WASM, Came, in_c, job_bytes, results_of
from understudy.generation.portable.packing import Packed

JOBS = Path(__file__).with_name("portable_jobs.js")
_AT_ONCE = 2
"""Streams that a browser is given at a time: it answers when they are done."""


def in_node(packed: Packed, jobs: Sequence[Job], folder: Path, products: int | None = None) -> list[Came]:
    """What the JavaScript gives in Node, where a step is done so many products at a time."""
    command = [node(), str(JOBS), str(SCRIPT), "Infinity" if products is None else str(products)]
    return in_c(command, packed, jobs, folder)


def in_browser(
    browser: Browser, runtime: Literal["javascript", "wasm"], packed: Packed, jobs: Sequence[Job], folder: Path
) -> list[Came]:
    """What a browser's page gives with one of the runtimes."""
    page = folder / "portable.html"
    page.write_text("<!DOCTYPE html><meta charset='utf-8'><title>Portable 1</title>", encoding="utf-8")
    browser.open(page)
    files = (SCRIPT.with_name("arithmetic.js"), SCRIPT, JOBS)
    scripts = "".join(file.read_text(encoding="utf-8") for file in files)
    taken = f"(new Function({json.dumps(scripts + '; return [Portable1, runJobs];')}))()"
    browser.evaluate(f"([window.Portable1, window.runJobs] = {taken}) && 0")
    browser.evaluate(f"(window.model = {_bytes(packed.to_bytes())}) && 0")
    used = "Portable1" if runtime == "javascript" else _bytes(WASM.read_bytes())
    browser.evaluate(f"(window.used = {used}) && 0")
    came = []
    for first in range(0, len(jobs), _AT_ONCE):
        some = jobs[first : first + _AT_ONCE]
        done = f"runJobs(used, model, {_bytes(b''.join(map(job_bytes, some)))})"
        text = f"Array.from({done}, (byte) => String.fromCharCode(byte)).join('')"
        came += results_of(base64.b64decode(browser.evaluate(f"btoa({text})")), packed, some)
    return came


def _bytes(data: bytes) -> str:
    return f"Uint8Array.from(atob('{base64.b64encode(data).decode()}'), (sign) => sign.charCodeAt(0))"
