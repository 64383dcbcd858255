"""What a run learns from and is looked at with: texts opened, surveyed, encoded and split."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from understudy.checks import named
from understudy.errors import ConfigError, ModelFileError, TextError
from understudy.text import encoded, source
from understudy.text.corpus import Corpus, Survey, survey
from understudy.text.documents import AS_IT_IS, Reading
from understudy.text.encoded import Ids
from understudy.text.names import is_address
from understudy.text.vocabulary import KINDS, Kind, Vocabulary


@dataclass(frozen=True)
class TextOptions:
    """Which texts, and how to read them.

    Attributes:
        texts: files, folders, `-`, `@name`, addresses.
        globs: names to take from folders.
        encoding: how characters are written in the files.
        newlines: "lf" turns every line end into a newline.
        vocabulary: characters or bytes.
        validation_file: a text to look at the model with, in place of the end of the text itself.
        text_field: the field that holds the text in JSON lines and Parquet (`text.documents.Reading`).
        between: what stands between two documents; None for a newline where one does not end its last line.
    """

    texts: tuple[str, ...]
    globs: tuple[str, ...] = ()
    encoding: str = "utf-8"
    newlines: Literal["keep", "lf"] = "keep"
    vocabulary: Kind = "characters"
    validation_file: str | None = None
    text_field: str | None = None
    between: str | None = None

    def corpus(self, recorded: int | None = None) -> Corpus:
        """All texts as one.

        Args:
            recorded: how many symbols the text has, where a run folder tells which text it is. Such a folder may come
                from a stranger: only files and folders are opened then, and no more than that is read.

        Raises:
            TextError: a text is missing, or none that may be opened, or there are two that can be read only once.
            ConfigError: the encoding is not known.
        """
        if [*self.texts, self.validation_file].count("-") > 1:
            raise TextError("- is named twice, and standard input can be read only once; give one of them as a file")
        return self._opened(self.texts, recorded)

    def validation_corpus(self, recorded: int | None = None) -> Corpus | None:
        """The separate text to look at the model with, or None where there is none; as `corpus` otherwise."""
        return None if self.validation_file is None else self._opened((self.validation_file,), recorded)

    def _opened(self, texts: tuple[str, ...], recorded: int | None) -> Corpus:
        how = Reading(self.text_field, self.between)
        found = source.look_up(texts, self.globs, recorded=recorded is not None, how=how)
        return Corpus(found.sources, self.encoding, self.newlines, tuple(found.left_out), recorded, self.between)

    def absolute(self) -> "TextOptions":
        """The same with names that hold in any working folder."""

        def settled(name: str) -> str:
            return name if name == "-" or name.startswith("@") or is_address(name) else str(Path(name).absolute())

        held = settled(self.validation_file) if self.validation_file is not None else None
        return replace(self, texts=tuple(map(settled, self.texts)), validation_file=held)

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "TextOptions":
        """Read what `to_document` wrote, or a version that read JSON lines as any other text.

        Raises:
            ModelFileError: a field is missing, unknown or wrong.
        """
        if isinstance(document, dict) and not {"text_field", "between"} & set(document):
            document = {**document, "text_field": AS_IT_IS, "between": None}
        fits = isinstance(document, dict) and set(document) == {entry.name for entry in fields(cls)}
        names = [document[name] for name in ("texts", "globs")] if fits else []
        fits = fits and all(isinstance(part, list | tuple) for part in names)
        held = document["validation_file"] if fits else None
        if not (
            fits
            and document["texts"]
            and all(isinstance(name, str) for name in (*names[0], *names[1], document["encoding"]))
            and (held is None or isinstance(held, str))
            and all(isinstance(document[name], str | None) for name in ("text_field", "between"))
            and document["newlines"] in ("keep", "lf")
            and document["vocabulary"] in KINDS
        ):
            raise ModelFileError("which texts were learned from, and how they were read, is not told as it should be")
        return cls(**{**document, "texts": tuple(names[0]), "globs": tuple(names[1])})


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
        validation_corpus: the text of the validation file, opened.
    """

    name: str
    survey: Survey
    vocabulary: Vocabulary
    train: Ids
    validation: Ids | None
    validation_unknown: int = 0
    validation_sha256: str | None = None
    corpus: Corpus | None = None
    validation_corpus: Corpus | None = None

    @property
    def files(self) -> list[Path]:
        """The files that the texts lie in; names that are none are among them."""
        corpora = [corpus for corpus in (self.corpus, self.validation_corpus) if corpus is not None]
        return [Path(source.name) for corpus in corpora for source in corpus.sources]

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
    options: TextOptions,
    share: float,
    old: Vocabulary | None = None,
    corpus: Corpus | None = None,
    validation: Corpus | None = None,
) -> Material:
    """Open, survey, encode and split.

    Args:
        options: which texts.
        share: how much of the text, at its end, is held back where there is no validation file.
        old: the vocabulary of the model that is continued; the text's new symbols are merged into it.
        corpus: the texts, where they are open already.
        validation: the text of the validation file, where it is open already.

    Raises:
        TextError: a text is missing, empty or undecodable, or what is learned from or held back is too short to
            predict.
    """
    corpus = corpus or options.corpus()
    kind = options.vocabulary
    other = validation or options.validation_corpus()
    seen = survey(corpus, kind)
    vocabulary = seen.vocabulary() if old is None else old.merged(seen.vocabulary())
    cut = seen.length if other is not None or not share else int((1 - share) * seen.length)
    _check_lengths(corpus.name, seen.length, cut, 0 if other is not None else share)
    ids = encoded.encode(corpus, seen, vocabulary).ids
    if other is None:
        held_back = ids[cut:] if share else None
        return Material(corpus.name, seen, vocabulary, ids[:cut], held_back, corpus=corpus)
    other_seen = survey(other, kind)
    other_ids = encoded.encode(other, other_seen, vocabulary).ids
    if len(other_ids) < 2:
        raise TextError(f"{named(other.sources[0].name)}: fewer than 2 characters that the text knows")
    unknown = sum(other_seen.unknown_to(vocabulary).values())
    return Material(corpus.name, seen, vocabulary, ids, other_ids, unknown, other_seen.sha256, corpus, other)


def check_kind(kind: Kind, old: Vocabulary) -> None:
    """See that a model that is continued has symbols of the kind that the text is read as.

    Raises:
        ConfigError: it has not.
    """
    if old.kind != kind:
        raise ConfigError(
            f"--vocabulary {kind}: the model to start from has a vocabulary of {old.kind}; give --vocabulary {old.kind}"
        )


def _check_lengths(name: str, length: int, cut: int, share: float) -> None:
    """See that there is something to predict, in the `cut` symbols to learn from and in those held back.

    Raises:
        TextError: there is not.
    """
    if length < 2:
        raise TextError(f"{name}: {length} character is too few to learn from; give more text")
    if share and length - cut < 2:
        raise TextError(
            f"{name}: {length:,} characters are too few to hold {share:.4g} of them back for validation; give more "
            f"text, or --validation 0"
        )
    if cut < 2:
        raise TextError(
            f"{name}: --validation {share:.4g} of {length:,} characters leaves {cut} to learn from, which is too few; "
            f"give more text, or a smaller --validation"
        )
