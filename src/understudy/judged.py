"""What a trained model makes of texts that are there."""

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from understudy import checks
from understudy.errors import ConfigError
from understudy.model.file import ModelFile

if TYPE_CHECKING:
    from understudy.evaluation.protocols import Protocol, Score
    from understudy.scores import TextScore
    from understudy.seeing.scoring import Scorer

Precision = Literal["int8", "float32"]


class Judging:
    """What a model makes of texts that are there."""

    _file: ModelFile
    _given: Precision | None

    @cached_property
    def _scorer(self) -> "Scorer":
        return _scorer(self._file, self._given)

    def evaluate(self, text: str, *, protocol: "Protocol" = "streamed", window: int = 256) -> "Score":
        """How well the model predicts `text`; characters that it never saw are left out. Imports torch.

        Args:
            text: the text itself.
            protocol: "streamed", the state carried through the text, or "windowed", windows from the zero state.
            window: characters a window.

        Raises:
            TextError: the text has fewer than two characters that the model knows.
            ConfigError: something given is not what was expected.
        """
        text = checks.text("TEXT", text, empty=True)
        window = checks.whole("--window", window, 1)
        return _score(self._file, text, protocol, window)

    def score(self, text: str, *, fresh: bool = False) -> "TextScore":
        """Nats of each character of `text` (byte, for a model of bytes), (N,), by the engine that writes; no torch.

        It serves as an array, and a notebook shows it as the text, coloured by surprise. The products are in float32,
        unless the model was loaded with another `precision`. What was not predicted, the first one and what the model
        never saw, is not a number.

        Args:
            text: the text itself.
            fresh: each line as if it were the first, its first character predicted too.

        Raises:
            VocabularyError: the text has what is no byte, and the model is one of bytes.
            ConfigError: something given is not what was expected, or the model was loaded for writing only.
        """
        from understudy.scores import TextScore
        from understudy.seeing.surprise import nats_of

        vocabulary, fresh = self._file.vocabulary, checks.truth("fresh", fresh)
        text = checks.text("TEXT", text, empty=True)
        return TextScore(text, nats_of(self._scorer, vocabulary, vocabulary.codes(text), fresh=fresh), vocabulary)


def with_weights(model: ModelFile) -> ModelFile:
    """The model, if its weights are there.

    Raises:
        ConfigError: they were let go when it was loaded.
    """
    if not model.tensors:
        raise ConfigError("this model was loaded for writing only, without its weights; load it with only_writes=False")
    return model


def _scorer(model: ModelFile, precision: Precision | None) -> "Scorer":
    from understudy.generation.portable.engine import PortableEngine
    from understudy.seeing.scoring import Scorer

    return Scorer(
        PortableEngine(with_weights(model), numbers=precision or "float32", fused=True), len(model.vocabulary)
    )


def _score(model: ModelFile, text: str, protocol: "Protocol", window: int) -> "Score":
    from understudy.evaluation.protocols import evaluate
    from understudy.model.parameters import network_of
    from understudy.text.encoded import Ids

    return evaluate(network_of(with_weights(model)), Ids(model.vocabulary.encode(text, "skip")), protocol, window)
