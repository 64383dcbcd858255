"""Makes docs/tutorial.ipynb out of docs/tutorial.py, and executes it.

    python scripts/tutorial.py [--only-text] [--into FILE] [--set NAME=VALUE ...]

The tutorial is written in docs/tutorial.py: cells begin with `# %%`, those of text with `# %% [markdown]`; behind that
stand a cell's `tags`, its `name`, and the `steps` that it takes of those that a tutorial must take. The notebook is
made from that file and from nothing else, so edit the file and never the notebook. All cells are executed by a new
kernel of this very Python, in an empty folder; nothing that differs from run to run for no reason is kept, and a digest
of the code is, so that a stale output is found. `{{output of: NAME}}` in a text becomes what the cell of that name
printed. With --only-text the cells of text are made anew, and the outputs stay, as long as the code is the same. --set
executes with other parameters.

Where the text of the tutorial lies beside the repository, in ../shared/data, it is not fetched.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "tutorial.py"
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
SHAKESPEARE = ROOT.parent / "shared" / "data" / "tinyshakespeare.txt"
PARAMETERS = "parameters"
_BEGINS = re.compile(r"^# %%( \[markdown\])?(.*)$", re.MULTILINE)
_SETTING = re.compile(r'(\w+)="([^"]*)"')
_PRINTED = re.compile(r"\{\{output of: (\w+)\}\}")
_LONGEST = 600


def cells_of(source: str) -> list[NotebookNode]:
    """The cells that a file in this form describes, not executed, numbered in their order."""
    parts = _BEGINS.split(source)[1:]
    cells: list[NotebookNode] = []
    for text, settings, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        given = dict(_SETTING.findall(settings))
        body = body.strip("\n")
        if text:
            body = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
        cell = (new_markdown_cell if text else new_code_cell)(body, id=f"cell-{len(cells) + 1:03}")
        for name, values in (("tags", given.get("tags")), ("steps", given.get("steps"))):
            if values:
                cell.metadata[name] = values.split(", ") if name == "steps" else values.split()
        if "name" in given:
            cell.metadata["name"] = given["name"]
        cells.append(cell)
    return cells


def made(cells: list[NotebookNode]) -> NotebookNode:
    """A notebook of those cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    language = {"name": "python", "pygments_lexer": "ipython3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})


def digest(notebook: NotebookNode) -> str:
    """A SHA-256 of the code in a notebook, which tells whether the outputs are those of the code that stands there."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def printed(notebook: NotebookNode) -> dict[str, str]:
    """What the cells that have a name printed."""
    return {
        cell.metadata["name"]: "".join(output.text for output in cell.outputs if output.output_type == "stream").strip()
        for cell in notebook.cells
        if cell.cell_type == "code" and "name" in cell.metadata
    }


def filled(text: str, outputs: Mapping[str, str]) -> str:
    """A text with what was printed in the places that ask for it."""
    return _PRINTED.sub(lambda found: outputs[found[1]], text)


def with_parameters(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """The notebook with other values, set in a cell after the one that has the parameters."""
    place = next(n for n, cell in enumerate(notebook.cells) if PARAMETERS in cell.metadata.get("tags", []))
    setting = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    injected = new_code_cell(setting, id="injected", metadata={"tags": ["injected-parameters"]})
    return made([*notebook.cells[: place + 1], injected, *notebook.cells[place + 1 :]])


@contextmanager
def cache_with_the_text() -> Iterator[dict[str, str]]:
    """Variables of the environment under which `@shakespeare` is there, where it lies beside the repository."""
    if not SHAKESPEARE.is_file():
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        corpora = Path(folder, "corpora")
        corpora.mkdir()
        shutil.copyfile(SHAKESPEARE, corpora / "shakespeare.txt")
        yield {"UNDERSTUDY_CACHE": folder}


def execute(notebook: NotebookNode, environment: Mapping[str, str] | None = None) -> None:
    """Execute all cells in a new kernel of this Python, in an empty folder; the outputs go into the notebook.

    Raises:
        CellExecutionError: a cell failed.
    """
    kernel = AsyncKernelManager()
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=40"]
    kernel._kernel_spec = KernelSpec(argv=command, display_name="Python 3", language="python")
    with tempfile.TemporaryDirectory() as folder, cache_with_the_text() as cache:
        client = NotebookClient(
            notebook,
            km=kernel,
            timeout=_LONGEST,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**os.environ, **cache, **(environment or {})})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = made([]).metadata
    notebook.metadata["understudy"] = {"digest": digest(notebook)}


def finished(notebook: NotebookNode) -> NotebookNode:
    """An executed notebook with its texts filled."""
    outputs = printed(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = filled(cell.source, outputs)
    return notebook


def with_outputs_of(notebook: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The notebook with the outputs of another, whose code is the same.

    Raises:
        SystemExit: the code is not the same.
    """
    if digest(notebook) != executed.metadata["understudy"]["digest"]:
        sys.exit("the code is not that of the notebook's outputs: execute it, without --only-text")
    code = (cell for cell in executed.cells if cell.cell_type == "code")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            before = next(code)
            cell.outputs, cell.execution_count = before.outputs, before.execution_count
    notebook.metadata["understudy"] = executed.metadata["understudy"]
    return notebook


def _parameter(given: str) -> tuple[str, int | str]:
    name, _, value = given.partition("=")
    return name, int(value) if value.isdigit() else value


def main() -> None:
    """Make the notebook."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-text", action="store_true")
    parser.add_argument("--into", type=Path, default=NOTEBOOK)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", type=_parameter)
    parsed = parser.parse_args()
    notebook = made(cells_of(SOURCE.read_text(encoding="utf-8")))
    if parsed.set:
        notebook = with_parameters(notebook, dict(parsed.set))
    if parsed.only_text:
        notebook = with_outputs_of(notebook, nbformat.read(NOTEBOOK, as_version=4))
    else:
        execute(notebook)
    text = nbformat.writes(finished(notebook), indent=1)
    parsed.into.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
