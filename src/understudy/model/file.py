"""The model file: everything that generating, evaluating and fine-tuning need, in one safetensors file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import ConfigError, ModelFileError
from understudy.model import container
from understudy.model.config import NGRAM_CODES, NGRAM_TABLE, ModelConfig
from understudy.text.vocabulary import Vocabulary

FILE_NAME = "model.safetensors"
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

        A table of n-grams, most of a model that has one, is kept in float16 in any case.

        Args:
            path: the file.
            half: keep the parameters in float16, in half the space; they are read as float32 again.

        Raises:
            StorageError: the disk refused; `path` is as it was.
        """
        document = {
            "config": self.config.to_document(),
            "vocabulary": self.vocabulary.to_document(),
            "training": self.training,
        }
        if self.card:
            document["card"] = dict(self.card)
        tensors = {
            name: tensor.astype(np.float16) if (half and name != NGRAM_CODES) or name == NGRAM_TABLE else tensor
            for name, tensor in self.tensors.items()
        }
        container.write(path, "model", document, tensors)


def boxed() -> tuple[str, ...]:
    """The names of the models that come with the package."""
    return tuple(f"@{path.stem}" for path in sorted(BOX.glob("*.safetensors")))


def find(model: str | Path) -> Path:
    """The file of a model that is named by its run folder, by the file itself, or by `@` and a name.

    Raises:
        ModelFileError: nothing is there, or the folder holds no model.
    """
    name = str(model)
    if name.startswith("@"):
        if name not in boxed():
            raise ModelFileError(f"{name}: no model of that name comes with the package; there is {', '.join(boxed())}")
        return BOX / f"{name[1:]}.safetensors"
    path = Path(model)
    if path.is_dir():
        if not (path / FILE_NAME).is_file():
            raise ModelFileError(
                f"{path}: no model in this folder: expected {FILE_NAME}, which the first evaluation of a run "
                f"writes; give a run folder or a model file"
            )
        return path / FILE_NAME
    if not path.exists():
        raise ModelFileError(f"{path}: no such model; give a run folder or a model file")
    return path


def looks_like_model(name: str) -> bool:
    """Whether a name means a model and not a text: a safetensors file, a run folder, or a model of the package."""
    path = Path(name)
    return (
        name in boxed()
        or path.suffix == ".safetensors"
        or (path / FILE_NAME).is_file()
        or (path / "checkpoint").is_dir()
    )


def read(model: str | Path) -> ModelFile:
    """Read a model file, the one in a run folder, or one of the package.

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
    """
    path = find(model)
    seen: list[ModelConfig] = []
    vocabularies: list[Vocabulary] = []

    def expected(document: dict[str, Any]) -> container.Shapes:
        if set(document) - {"card"} != _FIELDS or not isinstance(document["training"], dict):
            raise ModelFileError(f"{path}: its description has unknown or missing fields")
        card = document.get("card", {})
        if not isinstance(card, dict) or not all(isinstance(text, str) for text in card.values()):
            raise ModelFileError(f"{path}: its card is no list of headings and texts")
        try:
            seen.append(ModelConfig.from_document(document["config"]))
            vocabularies.append(Vocabulary.from_document(document["vocabulary"]))
        except (ConfigError, ModelFileError) as error:
            raise ModelFileError(f"{path}: {error}") from error
        if len(vocabularies[0]) != seen[0].vocabulary:
            raise ModelFileError(f"{path}: {len(vocabularies[0])} symbols for a model of {seen[0].vocabulary}")
        return seen[0].shapes()

    document, tensors = container.read(path, "model", expected)
    full = {
        name: tensor.astype(np.float32) if tensor.dtype == np.float16 else tensor for name, tensor in tensors.items()
    }
    return ModelFile(seen[0], vocabularies[0], document["training"], full, document.get("card", {}))
