"""What the site is made of, looked at without building it: links, pages, what is made from the program."""

import argparse
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import understudy
from docs.making import flags, references, repository
from tests.docs.blocks import DOCS, ROOT, anchors, documents, links
from understudy.cli.main import parser
from understudy.training.recipe import Recipe

ALLOWED: tuple[str, ...] = ()
"""Addresses elsewhere that documents may link to."""


def parsers() -> Iterator[argparse.ArgumentParser]:
    top = parser()
    yield top
    yield from references.subparsers(top).values()


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_a_document_lead_to_files_that_are_there_and_to_headings_in_them(document: Path) -> None:
    for link in links(document):
        if "://" in link:
            assert link.startswith(ALLOWED), link
            continue
        name, _, part = link.partition("#")
        target = document.parent / name if name else document
        assert target.resolve().is_relative_to(ROOT), link
        if target != DOCS / "tutorial.ipynb" and target != DOCS / "guide" / ".." / "tutorial.ipynb":
            assert target.is_file(), link
        if part:
            assert part in anchors(target), link


def test_every_document_is_a_page_and_every_page_can_be_reached() -> None:
    listed = set()
    for page in DOCS.rglob("*.md"):
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in tree.splitlines():
                if line and not line.startswith(":"):
                    name = re.sub(r".*<(.+)>$", r"\1", line)
                    listed.add((page.parent / name).resolve().relative_to(DOCS).as_posix())
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert listed == pages - {"index"} | {"tutorial"}


def test_files_outside_of_the_documents_have_pages() -> None:
    for file, page in repository.PAGES.items():
        assert f"```{{include}} ../{file}" in (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "link", "led"),
    [
        ("README.md", "docs/recipe.md", "/recipe.md"),
        ("README.md", "docs/guide/learn.md#what-can-go-wrong", "/guide/learn.md#what-can-go-wrong"),
        ("docs/performance.md", "../benchmarks/RESULTS.md", "/results.md"),
        ("docs/guide/learn.md", "../studio.md", "/studio.md"),
        ("benchmarks/RESULTS.md", "../docs/loss.svg", "/loss.svg"),
        ("docs/export.md", "programs/write_with_onnx.py", "/programs/write_with_onnx.py"),
        ("docs/index.md", "#figures", "#figures"),
    ],
)
def test_links_are_led_to_the_pages_that_the_site_has(file: str, link: str, led: str) -> None:
    assert repository.led(f"see [this]({link}).", file) == f"see [this]({led})."


def test_every_flag_and_every_argument_is_in_the_command_reference() -> None:
    parts = re.split(r"^```\{program\} ", references.commands(), flags=re.MULTILINE)[1:]
    told = {part.split("\n", 1)[0]: part for part in parts}
    assert len(told) > 10
    for command in parsers():
        part = told[command.prog]
        named = set(re.findall(r"(?:^```\{option\} |, )(-{1,2}[a-z][\w-]*)", part, re.MULTILINE))
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                assert all(f"understudy {name}" in told for name in action.choices)
            elif action.option_strings:
                assert set(action.option_strings) <= named, f"{command.prog}: {action.option_strings}"
            else:
                assert str(action.metavar or action.dest) in part


def test_a_flag_that_is_added_to_a_parser_is_in_the_command_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    top = parser()
    group = references.subparsers(top)["generate"].add_argument_group("of its own")
    group.add_argument("--brand-new", choices=("a*", "b"), required=True, help="what <it> is, by --length")
    monkeypatch.setattr(references, "parser", lambda: top)
    made = references.commands()
    assert ":::{rubric} Of its own\n:::\n\n```{option} --brand-new a*|b\nwhat \\<it\\> is, by `--length`\n```" in made
    assert "understudy generate [MODEL] --brand-new a*|b [flags]" in made


def test_the_help_of_every_flag_stands_beside_it() -> None:
    made = re.sub(r"[\\`]", "", references.commands())
    for command in parsers():
        for action in command._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert (action.help or "?") % {**vars(action), "prog": "understudy"} in made


def test_every_public_name_is_in_the_python_reference() -> None:
    made = references.python()
    for name in understudy.__all__:
        assert re.search(rf"auto(class|function|exception):: understudy\.{name}$", made, re.MULTILINE), name
        found = getattr(understudy, name)
        assert (inspect.getdoc(found) or "").strip(), f"{name} has no docstring"
    for name, found in vars(understudy.errors).items():
        if isinstance(found, type):
            assert re.search(rf"autoexception:: understudy(\.errors)?\.{name}$", made, re.MULTILINE), name


def test_every_setting_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", references.recipe(), re.MULTILINE)
    assert rows == list(Recipe.__dataclass_fields__)


def test_documents_say_where_what_is_made_is_put() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    for line in references.MADE:
        assert told.count(f"{line}\n") == 1


def test_what_makes_the_site_is_named_once_and_pinned() -> None:
    group = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["docs"]
    wanted = {re.split(r"[^\w-]", entry)[0].lower() for entry in group}
    made = re.search(r"^DOCS := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made is not None
    assert set(made[1].split()) == wanted
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    assert wanted <= pinned


def test_flags_in_commands_are_kept_whole_and_nothing_else_is_changed() -> None:
    block = (
        '<div class="highlight-sh notranslate"><pre>train<span class="w"> </span>--batch-size<span class="w"> </span>3'
    )
    page = f"<p>--out</p>{block} -o a-b --c</pre></div><pre>--out</pre>"
    made = flags.kept_whole(page)
    assert re.findall(r'<span class="flag">(.*?)</span>', made) == ["--batch-size", "-o", "--c"]
    assert re.sub(r'<span class="flag">(.*?)</span>', r"\1", made) == page
