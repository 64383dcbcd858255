"""The text that a model learned from, found again."""

from pathlib import Path
from typing import Any, NamedTuple

from understudy.checks import shown
from understudy.errors import ConfigError, TextError, UnderstudyError
from understudy.model.file import ModelFile
from understudy.runs import checkpoint
from understudy.runs.folder import RunFolder
from understudy.runs.material import TextOptions
from understudy.text import encoded
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import Ids


class Learned(NamedTuple):
    """What was found.

    Attributes:
        ids: what the model learned from, without what was held back; None where it was not found.
        trouble: what is wrong with the run folder, where that is why.
        told: whether the model tells which text that was.
    """

    ids: Ids | None = None
    trouble: str = ""
    told: bool = True

    @property
    def missing(self) -> str:
        """Why there are no ids, and what helps."""
        if not self.told:
            return "the model does not tell which text it learned from"
        trouble = f"{self.trouble}; " if self.trouble else ""
        return f"{trouble}name the text that the model learned from with --trained-on TEXT"


def learned_text(model: ModelFile, path: Path, named: TextOptions | None = None) -> Learned:
    """The ids that a model learned from.

    A run folder may come from a stranger: what it names is opened only where it is a file or a folder, and no more
    of it is read than the model says there was. What is wrong with it is told and not raised: the model is whole.

    Args:
        model: the model.
        path: where it was read: a run folder remembers its texts.
        named: the texts, where the user names them.

    Raises:
        ConfigError: the named text is not the one, or the model does not tell which one that is.
        TextError: the named text cannot be read.
        StorageError: there is no room for the ids.
    """
    told = model.training.get("corpus")
    if not isinstance(told, dict) or "sha256" not in told:
        if named is None:
            return Learned(told=False)
        raise ConfigError("--trained-on: the model does not tell which text it learned from; leave it out")
    if named is not None:
        return Learned(_ids(model, named.corpus(), told))
    try:
        options = _recorded(path)
        return Learned(None if options is None else _ids(model, options.corpus(told["characters"]), told))
    except (TextError, ConfigError):  # it is gone, or another one by now
        return Learned()
    except UnderstudyError as error:
        return Learned(trouble=str(error))


def _ids(model: ModelFile, corpus: Corpus, told: dict[str, Any]) -> Ids:
    """The ids of a text, held against what the model tells of the one that it learned from."""
    seen = survey(corpus, model.vocabulary.kind)
    if seen.sha256 != told["sha256"]:
        raise ConfigError(
            f"--trained-on: not the text that the model learned from: that had {told['characters']:,} characters and "
            f"SHA-256 {shown(told['sha256'])}, this has {seen.length:,} and {seen.sha256}"
        )
    return encoded.encode(corpus, seen, model.vocabulary).ids[: told["train_characters"]]


def _recorded(path: Path) -> TextOptions | None:
    """The texts that a run folder's last checkpoint names.

    Raises:
        CheckpointError: there are checkpoints, but none is intact.
    """
    folder = RunFolder(path)
    found, _ = checkpoint.load_latest(folder.checkpoints) if folder.holds_checkpoint() else (None, [])
    options = found.facts.options if found is not None else None
    return None if options is None or "-" in options.texts else options
