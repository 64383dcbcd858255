"""The text that a model learned from, found again."""

from pathlib import Path

from understudy.errors import ConfigError, UserError
from understudy.model.file import ModelFile
from understudy.runs import checkpoint
from understudy.runs.folder import RunFolder
from understudy.runs.material import TextOptions
from understudy.text import encoded
from understudy.text.corpus import survey
from understudy.text.encoded import Ids


def learned_text(model: ModelFile, path: Path, named: TextOptions | None = None) -> Ids | None:
    """The ids that a model learned from, without what was held back; None where the text cannot be found.

    Args:
        model: the model.
        path: where it was read: a run folder remembers its texts.
        named: the texts, where the user names them.

    Raises:
        ConfigError: the named text is not the one.
    """
    options = named or _recorded(path)
    if options is None:
        return None
    try:
        corpus = options.corpus()
        seen = survey(corpus, model.vocabulary.kind)
    except UserError:
        if named is not None:
            raise
        return None
    trained = model.training.get("corpus", {})
    if seen.sha256 != trained.get("sha256"):
        if named is None:
            return None
        raise ConfigError(
            f"--trained-on: not the text that the model learned from: that had {trained.get('characters', 0):,} "
            f"characters and SHA-256 {trained.get('sha256')}, this has {seen.length:,} and {seen.sha256}"
        )
    return encoded.encode(corpus, seen, model.vocabulary).ids[: trained["train_characters"]]


def _recorded(path: Path) -> TextOptions | None:
    """The texts that a run folder's last checkpoint names."""
    folder = RunFolder(path)
    found, _ = checkpoint.load_latest(folder.checkpoints) if folder.holds_checkpoint() else (None, [])
    options = TextOptions.from_document(found.facts.texts["options"]) if found is not None else None
    return None if options is None or "-" in options.texts else options
