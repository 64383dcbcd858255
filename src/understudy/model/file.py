"""The model file: everything that generating, evaluating and fine-tuning need, in one safetensors file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy.errors import ConfigError, ModelFileError
from understudy.model import container
from understudy.model.config import ModelConfig
from understudy.text.vocabulary import Vocabulary

FILE_NAME = "model.safetensors"
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
    """

    config: ModelConfig
    vocabulary: Vocabulary
    training: dict[str, Any]
    tensors: container.Tensors

    def write(self, path: Path) -> None:
        """Replace `path` by this model, whole or not at all.

        Raises:
            StorageError: the disk refused; `path` is as it was.
        """
        document = {
            "config": self.config.to_document(),
            "vocabulary": self.vocabulary.to_document(),
            "training": self.training,
        }
        container.write(path, "model", document, self.tensors)


def find(model: str | Path) -> Path:
    """The file of a model that is named by its run folder or by the file itself.

    Raises:
        ModelFileError: nothing is there, or the folder holds no model.
    """
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
    """Whether a path is meant as a model and not as a text: a safetensors file, or a run folder."""
    path = Path(name)
    return path.suffix == ".safetensors" or (path / FILE_NAME).is_file() or (path / "checkpoint").is_dir()


def read(model: str | Path) -> ModelFile:
    """Read a model file, or the one in a run folder.

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
    """
    path = find(model)
    seen: list[ModelConfig] = []
    vocabularies: list[Vocabulary] = []

    def expected(document: dict[str, Any]) -> container.Shapes:
        if set(document) != _FIELDS or not isinstance(document["training"], dict):
            raise ModelFileError(f"{path}: its description has unknown or missing fields")
        try:
            seen.append(ModelConfig.from_document(document["config"]))
            vocabularies.append(Vocabulary.from_document(document["vocabulary"]))
        except (ConfigError, ModelFileError) as error:
            raise ModelFileError(f"{path}: {error}") from error
        if len(vocabularies[0]) != seen[0].vocabulary:
            raise ModelFileError(f"{path}: {len(vocabularies[0])} symbols for a model of {seen[0].vocabulary}")
        return seen[0].shapes()

    document, tensors = container.read(path, "model", expected)
    return ModelFile(seen[0], vocabularies[0], document["training"], tensors)
