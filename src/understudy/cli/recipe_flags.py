"""Flags made from a recipe's fields."""

import argparse
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from understudy.cli.arguments import Parser, number, whole
from understudy.training.recipe import CHOSEN, DEFAULT_PRESET, Recipe, flag, plain_type, preset


def add_recipe(parser: Parser, leave_out: frozenset[str]) -> None:
    """One flag for each setting of a recipe; an ungiven one is None, so that the preset decides."""
    group = parser.add_argument_group(f"the recipe (defaults are those of --preset {DEFAULT_PRESET})")
    usual = preset(DEFAULT_PRESET).to_document()
    hints = get_type_hints(Recipe)
    for entry in fields(Recipe):
        if entry.name in leave_out:
            continue
        wanted = plain_type(hints[entry.name])
        choices = get_args(wanted) or None
        default = "" if usual[entry.name] is None else f" (default {usual[entry.name]})"
        if entry.name in CHOSEN:
            default = " (by default chosen from the text's size and the time)"
        group.add_argument(
            flag(entry.name),
            choices=choices,
            type=str if choices else (whole if wanted is int else number),
            metavar=None if choices else ("N" if wanted is int else "X"),
            help=f"{entry.metadata['help']}{default}",
        )


def given_settings(parsed: argparse.Namespace, leave_out: frozenset[str]) -> dict[str, Any]:
    """The settings of the recipe that the user gave."""
    names = (entry.name for entry in fields(Recipe) if entry.name not in leave_out)
    return {name: getattr(parsed, name) for name in names if getattr(parsed, name) is not None}
