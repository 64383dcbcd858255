"""Pages that are made from the program: its commands from their parsers, the recipe from its fields."""

import argparse
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, get_args, get_type_hints

import understudy
import understudy.errors
from understudy.cli.main import parser
from understudy.training.recipe import CHOSEN, PRESETS, Recipe, flag, plain_type

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MARKDOWN = re.compile(r"([\\`*_\[\]<>$|])")
_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*)")


def subparsers(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of all commands, by name."""
    (commands,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands.choices)


def commands() -> str:
    """The reference of the command line, in Markdown: every command with every argument, grouped as its help is."""
    top = parser()
    summaries = {
        choice.dest: choice.help or ""
        for action in top._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    listed = [f"- [`{name}`](#{name}): {_escaped(summary)}" for name, summary in summaries.items()]
    parts = ["\n".join(listed), _section(top, "understudy", "", leave_out=argparse._SubParsersAction)]
    for name, command in subparsers(top).items():
        parts.append(f"## {name}\n\n{_section(command, command.prog, summaries[name])}")
    return "\n\n".join(parts)


def _section(
    command: argparse.ArgumentParser, program: str, summary: str, leave_out: type[argparse.Action] | None = None
) -> str:
    texts = [command.description or summary]
    places = [_place(action) for action in command._actions if not action.option_strings]
    needed = [f"{action.option_strings[0]}{_value(action)}" for action in command._actions if _must_be_given(action)]
    usage = " ".join([program, *places, *needed, "[flags]"])
    parts = [*(_escaped(text) for text in texts), f"```text\n{usage}\n```", f"```{{program}} {program}\n```"]
    for group in command._action_groups:
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS]
        actions = [action for action in actions if leave_out is None or not isinstance(action, leave_out)]
        if actions:
            parts += [f":::{{rubric}} {_title(group.title or '')}\n:::", *map(_argument, actions)]
    for either in command._mutually_exclusive_groups:
        names = " and ".join(f"`{max(action.option_strings, key=len)}`" for action in either._group_actions)
        parts.append(f"Of {names} one {'must' if either.required else 'may'} be given.")
    if command.epilog:
        parts.append(_escaped(command.epilog))
    return "\n\n".join(parts)


def _must_be_given(action: argparse.Action) -> bool:
    return bool(action.required and action.option_strings)


def _title(text: str) -> str:
    text = {"positional arguments": "what it is given", "options": "flags"}.get(text, text)
    return _escaped(text[:1].upper() + text[1:])


def _argument(action: argparse.Action) -> str:
    told = (action.help or "") % {**vars(action), "prog": "understudy"}
    if action.choices is not None and action.metavar is not None:
        told += f" ({', '.join(map(str, action.choices))})"
    called = ", ".join(f"{name}{_value(action)}" for name in action.option_strings)
    if called:
        return f"```{{option}} {called}\n{_escaped(told)}\n```"
    return f"`{_place(action)}`\n: {_escaped(told)}"


def _value(action: argparse.Action) -> str:
    """What follows a flag, with a space before it."""
    name = _name(action)
    if action.nargs == 0:
        return ""
    if action.nargs == "?":
        return f" [{name}]"
    return f" {name} ..." if action.nargs in ("*", "+") else f" {name}"


def _place(action: argparse.Action) -> str:
    """An argument without a flag, as usage has it."""
    name = _name(action)
    return {"*": f"[{name} ...]", "+": f"{name} [{name} ...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _name(action: argparse.Action) -> str:
    if action.metavar is not None:
        return str(action.metavar)
    return "|".join(map(str, action.choices)) if action.choices else action.dest.upper()


def _escaped(text: str) -> str:
    """Plain text as Markdown that reads the same, flags as code."""
    return _FLAG.sub(r"`\1`", _MARKDOWN.sub(r"\\\1", text))


def recipe() -> str:
    """The settings of a recipe, in Markdown: names, what the presets have, what they are, how far they go."""
    hints = get_type_hints(Recipe)

    def rows() -> Iterator[str]:
        yield "| setting | `auto` | `tutorial` | what it is |\n|---|---|---|---|"
        for entry in fields(Recipe):
            wanted, limits = plain_type(hints[entry.name]), entry.metadata
            choices = get_args(wanted)
            span = ", ".join(choices) if choices else _span(limits["low"], limits["high"])
            usual = "chosen" if entry.name in CHOSEN else _shown(getattr(PRESETS["auto"], entry.name))
            strict = _shown(getattr(PRESETS["tutorial"], entry.name))
            yield f"| `{entry.name}` | {usual} | {strict} | {_escaped(limits['help'])} ({_escaped(span)}) |"

    names = ", ".join(f"`{flag(name)}`" for name in CHOSEN)
    return "\n".join(rows()) + f"\n\n*chosen*: from the text's size and the time, unless {names} say it.\n"


def _span(low: float, high: float) -> str:
    """A range in words; a limit that nobody comes to is not told."""
    return f"{_shown(low)} to {_shown(high)}" if high <= 1 << 20 else f"{_shown(low)} or more"


def _shown(value: object) -> str:
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return "–" if value is None else f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


_NAMES = {
    "Training": ("train", "Run", "Report", "Setback", "History"),
    "A model": ("load", "Model", "TextScore", "Score"),
    "What a model writes": ("Sample", "Stream"),
}
"""Public names by the headings that they stand under; any other comes at the end."""
_BESIDE = {
    "What a model writes": ("generation.stream.StreamState",),
    "A model": ("exports.writing.Exported",),
}
"""What calls give that has no public name."""


def python() -> str:
    """The reference of the library, in Markdown that has its parts made from docstrings."""
    errors = sorted(name for name, found in vars(understudy.errors).items() if isinstance(found, type))
    public = [name for name in understudy.__all__ if name not in errors]
    told = {heading: [name for name in names if name in public] for heading, names in _NAMES.items()}
    if more := [name for name in public if not any(name in names for names in told.values())]:
        told["More"] = more
    parts = []
    for heading, names in told.items():
        parts.append(f"## {heading}")
        parts += [_documented(f"understudy.{name}") for name in (*names, *_BESIDE.get(heading, ()))]
    parts.append("## Errors\n\nEach is one line: what was expected, what came, where, and the remedy.")
    parts.append(f"```text\n{inspect.cleandoc(_hierarchy())}\n```")
    for name in errors:
        parts.append(_documented(f"understudy.{'' if name in understudy.__all__ else 'errors.'}{name}", "exception"))
    return "\n\n".join(parts)


def _hierarchy() -> str:
    """The tree of exceptions, as the module that has them draws it."""
    lines = (understudy.errors.__doc__ or "").splitlines()
    return "\n".join(line for line in lines if line.startswith("    "))


def _documented(path: str, kind: str = "") -> str:
    """A directive of Sphinx's that makes a name's part from its docstring."""
    module, name = path.rsplit(".", 1)
    found = getattr(import_module(module), name)
    kind = kind or ("class" if isinstance(found, type) else "function")
    members = "\n   :members:\n   :inherited-members: object" if kind == "class" else ""
    return f"```{{eval-rst}}\n.. auto{kind}:: {path}{members}\n```"


MADE = {"<!-- python -->": python, "<!-- commands -->": commands, "<!-- recipe -->": recipe}
"""Lines of documents that what is made stands in the place of."""


def setup(app: "Sphinx") -> dict[str, bool]:
    """Put what is made into the documents that have a line for it."""

    def read(_: "Sphinx", name: str, source: list[str]) -> None:
        for line, make in MADE.items():
            if line in source[0]:
                source[0] = source[0].replace(line, make())

    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
