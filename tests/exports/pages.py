"""Pages in browsers: what is asked for goes into the fields, and what came of it is read as a person would."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.browsers.driving import Browser
from understudy.exports import html
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan, start, write
from understudy.model.file import ModelFile

_WRITE = """
new Promise((resolve) => {
  const element = (id) => document.getElementById(id);
  const asked = %s;
  element('asked').reset();
  for (const [id, value] of Object.entries(asked)) {
    if (id === 'skip') element(id).checked = value;
    else element(id).value = value;
  }
  const began = performance.now();
  let [first, ticks, last, longest] = [null, 0, began, 0];
  const ticking = setInterval(() => {
    const now = performance.now();
    [ticks, longest, last] = [ticks + 1, Math.max(longest, now - last), now];
  }, 1);
  const watching = new MutationObserver(async () => {
    const [status, trouble] = [element('status').textContent, element('trouble').textContent];
    if (first === null && element('text').textContent.length > (asked.start || '').length) {
      first = performance.now() - began;
    }
    if (element('write').textContent !== 'Write' || !(status.startsWith('Wrote') || trouble)) return;
    watching.disconnect();
    clearInterval(ticking);
    const took = performance.now() - began;
    Object.defineProperty(navigator, 'clipboard', {
      value: { writeText: async (text) => { window.copied = text; } }, configurable: true,
    });
    element('copy').click();
    await new Promise((done) => setTimeout(done, 0));
    resolve({
      text: window.copied, shown: element('text').innerText, command: element('command').textContent,
      status, trouble, first, took, ticks, longest,
    });
  });
  watching.observe(document.body, { subtree: true, childList: true, characterData: true });
  element('status').textContent = '';
  element('write').click();
})
"""


class Written(NamedTuple):
    """What came of a click.

    Attributes:
        text: what `Copy` gives: the prompt and the text.
        shown: what is to be read in the page.
        command: the one that is to write the same.
        status, trouble: what the page says.
        first, took: milliseconds from the click to the first character, and to the last; `first` is None without any.
        ticks, longest: how often a timer was served meanwhile, and the milliseconds that it waited at the most.
    """

    text: str
    shown: str
    command: str
    status: str
    trouble: str
    first: float | None
    took: float
    ticks: int
    longest: float


def opened(browser: Browser, model: ModelFile, folder: Path, **options: Any) -> Path:
    """The page of a model, opened from the disk."""
    file = folder / "page.html"
    file.write_bytes(html.make(model, file.name, **options).files[file.name])
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(file)
    return file


def asked(browser: Browser, **fields: Any) -> Written:
    """Write with what is in the fields, by their ids (`top_k` is `top-k`)."""
    given = {name.replace("_", "-"): value if isinstance(value, bool) else str(value) for name, value in fields.items()}
    return Written(**browser.evaluate(_WRITE % json.dumps(given)))


def written(
    model: ModelFile,
    prompt: str = "",
    *,
    seed: int,
    length: int = 500,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: Sequence[str] = (),
    skip: bool = False,
) -> str:
    """What Python writes in eight bits, the prompt before it, as `understudy generate` prints it."""
    engine = PortableEngine(model, numbers="int8")
    first = start(engine, model.vocabulary, model.vocabulary.encode(prompt, "skip" if skip else "error"), seed)
    plan = Plan(length, Sampling(temperature, top_k, top_p), tuple(stop))
    return prompt + write(engine, model.vocabulary, [first], plan).texts[0]
