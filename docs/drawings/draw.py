"""Draws the tutorial's pictures, each a file of SVG beside this one.

    python docs/drawings/draw.py

They are as wide as a telephone, so that their letters are no smaller there, and follow its light or dark colours.
"""

from pathlib import Path

WIDTH = 340
STYLE = """
  svg { --paper: #fbfaf7; --ink: #23262c; --soft: #5d636e; --box: #e6edf7 }
  svg { --line: #2a5f9e; --good: #2c7a4b; --bad: #b23b25 }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #1c1e23; --ink: #ebe9e4; --soft: #a5abb6; --box: #2b3442 }
    svg { --line: #86b8f2; --good: #7fd0a0; --bad: #f29079 }
  }
  text { font: 14px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }
  text.left { text-anchor: start }
  text.right { text-anchor: end }
  text.soft { fill: var(--soft) }
  text.code { font: 15px ui-monospace, monospace }
  .paper { fill: var(--paper) }
  .box { fill: var(--box); stroke: var(--line); stroke-width: 1.5 }
  .key { fill: none; stroke: var(--soft) }
  .bar { fill: var(--line) }
  .arrow { fill: none; stroke: var(--ink); stroke-width: 1.5 }
  .state { fill: none; stroke: var(--line); stroke-width: 2.5 }
  .good { fill: none; stroke: var(--good); stroke-width: 2.5 }
  .bad { fill: none; stroke: var(--bad); stroke-width: 2.5 }
  .dashed { fill: none; stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 5 4 }
  text.good { fill: var(--good); stroke: none }
  text.bad { fill: var(--bad); stroke: none }
  .ink-head { fill: var(--ink) }
  .state-head { fill: var(--line) }
  .good-head { fill: var(--good) }
  .bad-head { fill: var(--bad) }
"""
KINDS = {"arrow": "ink", "state": "state", "good": "good", "bad": "bad", "dashed": "bad"}


class Drawing:
    """A picture under way, WIDTH wide."""

    def __init__(self, height: int, title: str) -> None:
        self.height, self.title = height, title
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: str, kind: str = "") -> None:
        """Words, their middle at `x` unless the kind says left or right, their foot at `y`."""
        shown = words.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x}" y="{y}" class="{kind}">{shown}</text>')

    def box(self, x: float, y: float, width: float, height: float, words: str = "", kind: str = "box") -> None:
        """A box around (x, y), with words in it."""
        left, top = x - width / 2, y - height / 2
        self.parts.append(f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="5" class="{kind}"/>')
        if words:
            self.text(x, y + 5, words)

    def key(self, x: float, y: float, symbol: str) -> None:
        """A character, as on a key; a space can be seen."""
        self.box(x, y, 26, 26, kind="key")
        self.text(x, y + 5, "␣" if symbol == " " else symbol, "code")

    def arrow(self, path: str, kind: str = "arrow") -> None:
        """An arrow along a path."""
        self.parts.append(f'<path d="{path}" class="{kind}" marker-end="url(#{KINDS[kind]})"/>')

    def write(self, name: str) -> None:
        """Write the file."""
        heads = "".join(
            f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z" class="{kind}-head"/></marker>'
            for kind in ("ink", "state", "good", "bad")
        )
        body = "\n".join(self.parts)
        Path(__file__).with_name(name).write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
            f'height="{self.height}" role="img">\n<title>{self.title}</title>\n<style>{STYLE}</style>\n'
            f'<defs>{heads}</defs>\n<rect class="paper" width="{WIDTH}" height="{self.height}" rx="8"/>\n'
            f"{body}\n</svg>\n",
            encoding="utf-8",
            newline="\n",
        )


def step() -> None:
    """One step of the net."""
    d = Drawing(400, "One step: a character and a state give a new state and a probability for every character")
    d.text(170, 388, "the character that is read", "soft")
    d.key(170, 356, "h")
    d.arrow("M170 341V318")
    d.box(170, 302, 130, 30, "its row, x")
    d.text(245, 307, "embedding", "left soft")
    d.arrow("M170 285V250")
    d.box(170, 222, 110, 54, "cell")
    d.arrow("M14 222H113", "state")
    d.text(62, 210, "state h")
    d.arrow("M226 222H326", "state")
    d.text(280, 210, "state h′")
    d.text(62, 244, "from before", "soft")
    d.text(280, 244, "to the next", "soft")
    d.arrow("M170 194V168")
    d.box(170, 152, 130, 30, "V logits")
    d.text(245, 157, "dense", "left soft")
    d.arrow("M170 135V114")
    d.text(245, 127, "softmax", "left soft")
    for place, (symbol, share) in enumerate((("e", 46), ("␣", 14), ("a", 11), ("i", 10), ("o", 8), ("…", 11))):
        x, height = 70 + 40 * place, share * 1.05
        d.parts.append(f'<rect x="{x - 11}" y="{86 - height:.1f}" width="22" height="{height:.1f}" class="bar"/>')
        d.text(x, 104, symbol, "code")
    d.text(110, 24, "what may come next", "left soft")
    d.write("step.svg")


def chunk(d: Drawing, top: int, number: int, reads: str, says: str) -> None:
    """One batch of the unrolled net."""
    for place, (read, say) in enumerate(zip(reads, says, strict=True)):
        x = 68 + 68 * place
        d.key(x, top + 32, say)
        d.text(x + 20, top + 58, "?", "soft")
        d.arrow(f"M{x} {top + 84}V{top + 48}")
        d.box(x, top + 102, 44, 34, "cell")
        d.arrow(f"M{x} {top + 152}V{top + 121}")
        d.key(x, top + 167, read)
        if place < 3:
            d.arrow(f"M{x + 23} {top + 102}H{x + 45}", "state")
    d.text(170, top + 12, f"batch {number}: what should be said", "soft")
    d.text(170, top + 200, "what is read", "soft")
    d.arrow(f"M272 {top + 130}H72", "dashed")


def training() -> None:
    """The net unrolled over two batches."""
    d = Drawing(560, "Training: the net unrolled over a chunk, and its state carried to the next batch")
    chunk(d, 14, 1, "Hell", "ello")
    chunk(d, 266, 2, "o, w", ", wo")
    d.arrow("M14 116H45", "state")
    d.text(8, 104, "zero", "left")
    d.arrow("M295 116H322Q330 116 330 124V240Q330 248 322 248H22Q14 248 14 256V360Q14 368 22 368H45", "state")
    d.text(170, 242, "the state goes on to the next batch")
    d.arrow("M295 368H328", "state")
    d.parts.append('<path d="M20 496H60" class="state"/>')
    d.text(70, 501, "state, from left to right", "left")
    d.arrow("M60 521H20", "dashed")
    d.text(70, 526, "gradient, back to the chunk’s start", "left")
    d.text(40, 551, "?", "soft")
    d.text(70, 551, "the guess, held against what came", "left")
    d.write("training.svg")


def writing() -> None:
    """The net that writes."""
    d = Drawing(360, "Writing: each character that is drawn is read in the next step, and the state is fed back")
    drawn = "e, "
    for place, symbol in enumerate(drawn):
        x = 66 + 104 * place
        d.key(x, 58, symbol)
        d.arrow(f"M{x} 112V74")
        d.text(x + 6, 98, "draw", "left soft")
        d.box(x, 128, 66, 32, "softmax")
        d.arrow(f"M{x} 182V146")
        d.box(x, 204, 56, 42, "cell")
        d.arrow(f"M{x} 268V227")
        if place:
            before = drawn[place - 1]
            d.key(x, 283, before)
            d.arrow(f"M{x - 90} 58H{x - 60}Q{x - 52} 58 {x - 52} 66V275Q{x - 52} 283 {x - 44} 283H{x - 15}", "good")
            d.arrow(f"M{x - 75} 204H{x - 30}", "state")
    d.key(66, 283, "h")
    d.arrow("M303 204H330", "state")
    d.arrow("M6 204H37", "state")
    d.text(170, 28, "what is written", "soft")
    d.text(66, 318, "the beginning", "soft")
    d.text(222, 318, "what was drawn is read", "good")
    d.text(170, 346, "the state is fed back", "")
    d.parts.append('<path d="M46 341H86" class="state"/>')
    d.write("writing.svg")


def strip(d: Drawing, y: int, numbers: list[int], kind: str) -> None:
    """One row of the batches, each chunk's state handed on."""
    for place, number in enumerate(numbers):
        x = 62 + 72 * place
        d.box(x, y, 40, 28, str(number))
        if place < 3:
            d.arrow(f"M{x + 21} {y}H{x + 50}", kind)


def batches() -> None:
    """Shuffled chunks, and lanes."""
    d = Drawing(446, "Shuffled chunks hand their state to another page; lanes hand it to the text that follows")
    d.text(170, 22, "the text, in chunks")
    for number in range(1, 13):
        x = 18.5 + 27.5 * (number - 1)
        d.box(x, 46, 27.5, 26, str(number), kind="key")
    order = [[7, 2, 11, 5], [3, 10, 1, 8], [12, 6, 9, 4]]
    d.text(170, 96, "shuffled chunks")
    for place in range(4):
        d.text(62 + 72 * place, 118, f"batch {place + 1}", "soft")
        d.text(62 + 72 * place, 294, f"batch {place + 1}", "soft")
    for row, numbers in enumerate(order):
        strip(d, 142 + 38 * row, numbers, "bad")
    d.text(170, 250, "the state goes to another page", "bad")
    d.text(170, 274, "lanes")
    for row in range(3):
        strip(d, 318 + 38 * row, [4 * row + place for place in range(1, 5)], "good")
    d.text(170, 426, "the state goes to the text that follows", "good")
    d.write("batches.svg")


if __name__ == "__main__":
    step()
    training()
    writing()
    batches()
