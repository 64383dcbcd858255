"""The model file: everything that generating, evaluating and fine-tuning need, in one safetensors file."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import ConfigError, ModelFileError
from understudy.layout import MODEL, is_run_folder
from understudy.model import container
from understudy.model.config import LARGEST_CODE, NGRAM_CODES, NGRAM_TABLE, ModelConfig
from understudy.model.documents import without_surrogates
from understudy.model.told import check_told
from understudy.shell import path_argument
from understudy.text.vocabulary import Vocabulary

BOX = Path(__file__).with_name("boxed")
"""The models that come with the package; each is named by `@` and its file's name."""
_FIELDS = {"format", "kind", "checksum", "config", "vocabulary", "training"}


@dataclass(frozen=True)
class ModelFile:
    """A model as it lies on disk.

    Attributes:
        config: its shape.
        vocabulary: which symbol each id stands for.
        training: how it was trained (recipe, corpus, steps, losses, library version); no clock times, so that
            equal runs give equal files.
        tensors: the parameters by name, in the shapes of `config.shapes()`.
        card: what people should know who meet the model without having trained it: heading to text.
    """

    config: ModelConfig
    vocabulary: Vocabulary
    training: dict[str, Any]
    tensors: container.Tensors
    card: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path, *, half: bool = False) -> None:
        """Replace `path` by this model, whole or not at all.

        Names that are not UTF-8 are written with their odd bytes escaped: nothing that a model file tells breaks what
        prints it. A table of n-grams, most of a model that has one, is kept in float16 in any case.

        Args:
            path: the file.
            half: keep the parameters in float16, in half the space; they are read as float32 again.

        Raises:
            StorageError: the disk refused; `path` is as it was.
        """
        document = {
            "config": self.config.to_document(),
            "vocabulary": self.vocabulary.to_document(),
            "training": without_surrogates(self.training),
        }
        if self.card:
            document["card"] = without_surrogates(self.card)
        tensors = {
            name: _halved(tensor) if (half and name != NGRAM_CODES) or name == NGRAM_TABLE else tensor
            for name, tensor in self.tensors.items()
        }
        container.write(path, "model", document, tensors)


def _halved(tensor: NDArray[Any]) -> NDArray[np.float16]:
    """The numbers in float16; finite ones beyond its range become its largest."""
    with np.errstate(over="ignore"):
        halved: NDArray[np.float16] = tensor.astype(np.float16)
    beyond = np.isinf(halved) & np.isfinite(tensor)
    halved[beyond] = np.copysign(np.finfo(np.float16).max, tensor[beyond])
    return halved


def boxed() -> tuple[str, ...]:
    """The names of the models that come with the package."""
    return tuple(f"@{path.stem}" for path in sorted(BOX.glob("*.safetensors")))


def find(model: str | Path) -> Path:
    """The file of a model that is named by its run folder, by the file itself, or by `@` and a name.

    Raises:
        ModelFileError: nothing is there, it is no file, or the folder holds no model.
    """
    name = str(model)
    shown = named(name)
    if name.startswith("@"):
        if name in boxed():
            return BOX / f"{name[1:]}.safetensors"
        raise ModelFileError(
            f"{shown}: no model of that name comes with the package; there is {', '.join(boxed())}{_way_to(name)}"
        )
    path = Path(model)
    status = _status(path) if name else None
    if status is None:
        raise ModelFileError(f"{shown}: no such model; give a run folder or a model file")
    if stat.S_ISDIR(status.st_mode):
        path = path / MODEL
        status = _status(path)
        if status is None or stat.S_ISDIR(status.st_mode):
            raise ModelFileError(
                f"{shown}: no model in this folder: expected {MODEL}, which the first evaluation of a run "
                f"writes; give a run folder or a model file"
            )
    try:
        container.check_regular(status)
    except ModelFileError as error:
        raise ModelFileError(f"{named(path)}: {error}; give a run folder or a model file") from error
    return path


def run_of(model: str | Path) -> Path | None:
    """The folder of the run that a model is the model file of, if it is one's."""
    path = find(model)
    return path.absolute().parent if path.name == MODEL else None


def _way_to(name: str) -> str:
    """What to give for a file or folder whose name is taken for a model of the package's, where there is one."""
    path = Path(name)
    if not os.path.lexists(path):
        return ""
    return f"; the {'folder' if path.is_dir() else 'file'} of that name is {named(path_argument(path))}"


def looks_like_model(name: str) -> bool:
    """Whether a name means a model and not a text: a safetensors file, a run folder, or a model of the package."""
    path = Path(name)
    if name in boxed() or path.suffix == ".safetensors":
        return True
    try:
        status = _status(path / MODEL)
    except ModelFileError:  # nobody can look: whoever reads the text says why
        return False
    return is_run_folder(path) or (status is not None and stat.S_ISREG(status.st_mode))


def read(model: str | Path) -> ModelFile:
    """Read a model file, the one in a run folder, or one of the package.

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
    """
    return read_for(model, lambda found: found)


def read_for(model: str | Path, use: Callable[[ModelFile], container.Made]) -> container.Made:
    """What `use` makes of a model, which begins while its checksum is still being computed (`container.read_for`).

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
    """
    path = find(model)
    seen: list[tuple[ModelConfig, Vocabulary]] = []

    def expected(document: dict[str, Any]) -> container.Shapes:
        if set(document) - {"card"} != _FIELDS:
            raise ModelFileError("its description has unknown or missing fields")
        check_told(document["training"], document.get("card", {}))
        try:
            config = ModelConfig.from_document(document["config"])
            vocabulary = Vocabulary.from_document(document["vocabulary"])
        except ConfigError as error:
            raise ModelFileError(str(error)) from error
        if len(vocabulary) != config.vocabulary:
            raise ModelFileError(f"{len(vocabulary)} symbols for a model of {config.vocabulary}")
        seen.append((config, vocabulary))
        return config.shapes()

    def used(document: dict[str, Any], tensors: container.Tensors) -> container.Made:
        full = {
            name: tensor if name == NGRAM_CODES else tensor.astype(np.float32, copy=False)
            for name, tensor in tensors.items()
        }
        _check_numbers(full)
        return use(ModelFile(*seen[0], document["training"], full, document.get("card", {})))

    return container.read_for(path, "model", expected, _types, used)


def _status(path: Path) -> os.stat_result | None:
    """What there is of that name; None where there is nothing.

    Raises:
        ModelFileError: the name cannot be followed to its end.
    """
    shown = named(path)
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            target = named(path.readlink())
            raise ModelFileError(f"{shown}: a symbolic link to {target}, where nothing is; mend the link") from None
        return None
    except OSError as error:
        raise ModelFileError(f"{shown}: cannot be looked at: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelFileError(f"{shown}: no file has such a name; give a run folder or a model file") from error


def _types(name: str) -> tuple[str, ...]:
    """What the numbers of a model's tensor may be."""
    return ("I64",) if name == NGRAM_CODES else ("F32", "F16")


def _check_numbers(tensors: container.Tensors) -> None:
    """Hold the numbers of a model against what they must be for it to write: finite weights, codes that differ.

    Raises:
        ModelFileError: they are not.
    """
    for name, tensor in tensors.items():
        if name == NGRAM_CODES:
            if tensor.min() < 1 or tensor.max() > LARGEST_CODE or len(np.unique(tensor)) != len(tensor):
                raise ModelFileError(
                    f"tensor {name!r} has codes that are no distinct numbers from 1 to {LARGEST_CODE:,}"
                )
            continue
        with np.errstate(invalid="ignore"):
            total = tensor.sum(dtype=np.float64)  # of float32 numbers it is finite where all of them are
        if not np.isfinite(total):
            raise ModelFileError(
                f"tensor {name!r} has numbers that are not finite: the model was damaged as it learned"
            )
