"""A stranger's weights -> a model of ours, and its folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Literal

from understudy import checks
from understudy.errors import ConfigError
from understudy.foreign import assembling, files, symbols
from understudy.model.file import ModelFile
from understudy.text.documents import Reading

Name = str | PathLike[str]
ORIGIN = "imported"
"""What a model file's `training` has its origin under."""


@dataclass(frozen=True)
class Imported:
    """A model that came from elsewhere.

    Attributes:
        model: the model.
        format: what the file was, in words.
        notes: what was assumed, and what was left out.
    """

    model: ModelFile
    format: str
    notes: list[str]


def import_weights(
    file: Name,
    *,
    texts: Name | Sequence[Name] = (),
    vocabulary: Path | Sequence[str | None] | Sequence[int] | None = None,
    encoding: str = "utf-8",
    newlines: Literal["keep", "lf"] = "keep",
    globs: Sequence[str] = (),
    text_field: str | None = None,
    between: str | None = None,
) -> Imported:
    """Read the weights of an Embedding, one or more layers of GRU or LSTM, and a Dense layer.

    Everything but the numbers is looked at first; memory is taken for what fits.

    Args:
        file: Keras's `.keras`, `.h5` or `.weights.h5`; a TensorFlow checkpoint, by its index, its name without ending
            or its folder; or a PyTorch state dict in `.safetensors`.
        texts: the texts that it learned from, as `understudy train` takes them: their distinct characters in
            code-point order are its symbols, as in the tutorial.
        vocabulary: in place of them, its symbols in the order of their ids, or the path of a JSON file that lists them.
        encoding: how the texts' characters are written.
        newlines: "lf" turns every line end of the texts into a newline.
        globs: patterns of file names to take from folders of texts.
        text_field: the field that holds the text in JSON lines and Parquet, as `understudy.train` has it.
        between: what stands between two documents.

    Raises:
        ModelFileError: the file is none of those, damaged, or holds what our models cannot be.
        ConfigError: neither or both of text and vocabulary came, or what came has another number of symbols.
        TextError: the text cannot be read.
    """
    named = [texts] if isinstance(texts, str | PathLike) else texts
    learned = [checks.path("--text", text) for text in named]
    with files.opened(Path(checks.path("FILE", file))) as opened:
        chain = assembling.chain(opened.found)
        wanted = chain.config.vocabulary
        if bool(learned) == (vocabulary is not None):
            raise ConfigError(
                f"these weights are of {wanted:,} symbols, and carry no list of them: name the text that they learned "
                f"from with --text TEXT, or the symbols with --vocabulary FILE; one of the two"
            )
        if vocabulary is None:
            how = Reading(text_field, between)
            told = symbols.of_text(learned, wanted, encoding=encoding, newlines=newlines, globs=globs, how=how)
        elif isinstance(vocabulary, Path):
            told = symbols.of_file(vocabulary, wanted)
        else:
            told = symbols.of_list(vocabulary, wanted)
        tensors = assembling.tensors(chain, told.order)
    config = replace(chain.config, vocabulary=len(told.vocabulary))
    notes = [*chain.notes, *told.notes]
    training = {
        ORIGIN: {"format": opened.found.format, "files": opened.files, "notes": notes},
        "library_version": version("understudy"),
    }
    return Imported(ModelFile(config, told.vocabulary, training, tensors), opened.found.format, notes)
