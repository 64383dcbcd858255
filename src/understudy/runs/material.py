"""What a run learns from and is looked at with: texts opened, surveyed, encoded and split."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from understudy.errors import ConfigError, TextError
from understudy.text import encoded, source
from understudy.text.corpus import Corpus, Survey, survey
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Kind, Vocabulary


@dataclass(frozen=True)
class TextOptions:
    """Which texts, and how to read them.

    Attributes:
        texts: files, folders, `-`, `@name`.
        globs: names to take from folders.
        encoding: how characters are written in the files.
        newlines: "lf" turns every line end into a newline.
        vocabulary: characters or bytes.
        validation_file: a text to look at the model with, in place of the end of the text itself.
    """

    texts: tuple[str, ...]
    globs: tuple[str, ...] = ()
    encoding: str = "utf-8"
    newlines: Literal["keep", "lf"] = "keep"
    vocabulary: Kind = "characters"
    validation_file: str | None = None

    def corpus(self) -> Corpus:
        """All texts as one.

        Raises:
            TextError: a text is missing.
            ConfigError: the encoding is not known.
        """
        return Corpus(source.find(self.texts, self.globs), self.encoding, self.newlines)

    def absolute(self) -> "TextOptions":
        """The same with names that hold in any working folder."""

        def settled(name: str) -> str:
            return name if name == "-" or name.startswith("@") else str(Path(name).absolute())

        held = settled(self.validation_file) if self.validation_file is not None else None
        return replace(self, texts=tuple(map(settled, self.texts)), validation_file=held)

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "TextOptions":
        """Read what `to_document` wrote."""
        return cls(**{**document, "texts": tuple(document["texts"]), "globs": tuple(document["globs"])})


@dataclass(frozen=True, eq=False)
class Material:
    """A text ready to learn from.

    Attributes:
        name: a short name of the text.
        survey: what one pass over it told.
        vocabulary: the model's symbols.
        train: the ids to learn from.
        validation: the ids held back, or None.
        validation_unknown: symbols of a separate validation file that the text lacks, left out.
        validation_sha256: the digest of a separate validation file.
        corpus: the texts, opened.
    """

    name: str
    survey: Survey
    vocabulary: Vocabulary
    train: Ids
    validation: Ids | None
    validation_unknown: int = 0
    validation_sha256: str | None = None
    corpus: Corpus | None = None

    @property
    def held_back(self) -> int:
        """How many characters are held back."""
        return 0 if self.validation is None else len(self.validation)

    def to_document(self) -> dict[str, Any]:
        """What the model file keeps of it; no paths."""
        return {
            "name": self.name,
            "characters": self.survey.length,
            "sha256": self.survey.sha256,
            "train_characters": len(self.train),
            "validation_characters": self.held_back,
            "validation_sha256": self.validation_sha256,
        }


def prepare(
    options: TextOptions, share: float, old: Vocabulary | None = None, corpus: Corpus | None = None
) -> Material:
    """Open, survey, encode and split.

    Args:
        options: which texts.
        share: how much of the text, at its end, is held back where there is no validation file.
        old: the vocabulary of the model that is continued; the text's new symbols are merged into it.
        corpus: the texts, where they are open already.

    Raises:
        TextError: a text is missing, empty or undecodable, or what is held back is too short to predict.
        ConfigError: the old vocabulary is of another kind.
    """
    corpus = corpus or options.corpus()
    kind = options.vocabulary
    if old is not None and old.kind != kind:
        raise ConfigError(
            f"--vocabulary {kind}: the model to start from has a vocabulary of {old.kind}; give --vocabulary {old.kind}"
        )
    seen = survey(corpus, kind)
    vocabulary = seen.vocabulary() if old is None else old.merged(seen.vocabulary())
    ids = encoded.encode(corpus, seen, vocabulary).ids
    if options.validation_file is not None:
        other = replace(options, texts=(options.validation_file,)).corpus()
        other_seen = survey(other, kind)
        other_ids = encoded.encode(other, other_seen, vocabulary).ids
        if len(other_ids) < 2:
            raise TextError(f"{options.validation_file}: fewer than 2 characters that the text knows")
        unknown = sum(other_seen.unknown_to(vocabulary).values())
        return Material(corpus.name, seen, vocabulary, ids, other_ids, unknown, other_seen.sha256, corpus)
    if not share:
        return Material(corpus.name, seen, vocabulary, ids, None, corpus=corpus)
    cut = int((1 - share) * len(ids))
    if len(ids) - cut < 2:
        raise TextError(
            f"{corpus.name}: {len(ids)} characters are too few to hold {share:.0%} back for validation; give more "
            f"text, or --validation 0"
        )
    return Material(corpus.name, seen, vocabulary, ids[:cut], ids[cut:], corpus=corpus)
