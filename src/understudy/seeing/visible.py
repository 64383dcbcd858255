"""Characters as a page can show them, one for one."""

_DIRECTIONS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\u25a1")
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)} | {0x7F: "\u2421"}
_VISIBLE = _CONTROLS | dict.fromkeys([*range(0x80, 0xA0), 0x2028, 0x2029], "\u25a1") | _DIRECTIONS
"""What no browser keeps as it is, or what would turn the order of a line, has a sign of its own."""


def visible(text: str) -> str:
    """The text with a sign for each character that a browser would change, or that would turn a line's order."""
    return text.translate(_VISIBLE)
