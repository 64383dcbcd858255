"""The library as a program sees it: train a model, load one, write with it, score texts with it."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from understudy.errors import ConfigError
from understudy.generation.sampling import Sampling
from understudy.generation.stream import FinishReason, Plan, StreamState, Writing, start
from understudy.model import file
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from understudy.evaluation.protocols import Protocol, Score
    from understudy.generation.engine import Engine
    from understudy.generation.products import Numbers


@dataclass(frozen=True)
class Sample:
    """One text that a model wrote.

    Attributes:
        text: without the prompt.
        prompt: what it was started with.
        seed: gives the same text again, with the same settings.
        finish_reason: "length", or "stop" where a stop text came.
        state: where the stream stands, to go on from.
    """

    text: str
    prompt: str
    seed: int
    finish_reason: FinishReason
    state: StreamState


class Stream:
    """A text under way: iterate over it for the pieces as they are written."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._pieces = iter(writing)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._pieces).text

    @property
    def text(self) -> str:
        """What has been written so far, without the prompt."""
        return self._writing.texts[0]

    @property
    def state(self) -> StreamState:
        """Where the stream stands now: a value, to keep, to fork, or to go on from."""
        return self._writing.states[0]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the stream ended; None while it goes on."""
        return self._writing.finish_reasons[0]


class Model:
    """A trained model. It writes on the CPU, and needs no torch for that; or on a GPU."""

    def __init__(
        self, model: ModelFile, *, precision: "Numbers | None" = None, device: Literal["cpu", "cuda"] = "cpu"
    ) -> None:
        """See `load`."""
        if device == "cuda" and precision == "int8":
            raise ConfigError("--precision int8: it is for CPUs; a GPU writes in float32")
        self._file = model
        self._precision: Numbers = precision or "int8"
        self._device = device

    @property
    def config(self) -> ModelConfig:
        """The model's shape."""
        return self._file.config

    @property
    def vocabulary(self) -> Vocabulary:
        """The symbols that it reads and writes."""
        return self._file.vocabulary

    @property
    def training(self) -> dict[str, Any]:
        """How it was trained."""
        return self._file.training

    @cached_property
    def engine(self) -> "Engine":
        """What computes its steps.

        Raises:
            ConfigError: a GPU is asked for and there is none.
        """
        if self._device == "cuda":
            from understudy.generation.gpu_engine import GpuEngine
            from understudy.model.gpu import use_gpu
            from understudy.model.parameters import network_of

            use_gpu()
            return GpuEngine(network_of(self._file, device="cuda"))
        from understudy.generation.onnx_engine import OnnxEngine

        return OnnxEngine(self._file, numbers=self._precision)

    def start(
        self, prompt: str = "", *, seed: int | None = None, unknown: Literal["error", "skip"] = "error"
    ) -> StreamState:
        """The state after `prompt`, to be passed to `generate`, `samples` or `stream` in its place.

        Raises:
            VocabularyError: the prompt has characters that the model never saw, and `unknown` is not "skip".
        """
        ids = self.vocabulary.encode(prompt, unknown)
        return start(self.engine, self.vocabulary, ids, secrets.randbits(32) if seed is None else seed)

    def generate(self, prompt: str | StreamState = "", **settings: Any) -> str:
        """Write one text; takes the settings of `stream`."""
        stream = self.stream(prompt, **settings)
        for _ in stream:
            pass
        return stream.text

    def stream(
        self,
        prompt: str | StreamState = "",
        *,
        length: int = 500,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: Sequence[str] = (),
        unknown: Literal["error", "skip"] = "error",
    ) -> Stream:
        """Write one text, piece by piece.

        Args:
            prompt: what comes before the text, or a state to go on from; "" starts as the model's text starts a
                line.
            length: how many characters (bytes, for a model of bytes).
            temperature: divides the logits; 0 is the most probable character.
            top_k: draw from so many of the most probable characters.
            top_p: draw from the fewest characters whose probabilities reach this sum.
            seed: the same seed gives the same text; None draws one (a state goes on with its own).
            stop: texts that end the text; they are not part of it.
            unknown: what to do with characters of the prompt that the model never saw.

        Raises:
            VocabularyError: the prompt has such characters, and `unknown` is not "skip".
            ConfigError: a setting is out of range.
        """
        plan = Plan(length, Sampling(temperature, top_k, top_p), tuple(stop))
        return Stream(Writing(self.engine, self.vocabulary, [self._state(prompt, seed, unknown)], plan))

    def samples(
        self,
        prompt: str | StreamState = "",
        count: int = 1,
        *,
        length: int = 500,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        stop: Sequence[str] = (),
        unknown: Literal["error", "skip"] = "error",
    ) -> list[Sample]:
        """Write several texts side by side, with seeds `seed`, `seed` + 1, ...; each is what `stream` gives for it.

        Raises:
            VocabularyError: see `stream`.
            ConfigError: see `stream`.
        """
        plan = Plan(length, Sampling(temperature, top_k, top_p), tuple(stop))
        writing = self.writing(self._state(prompt, seed, unknown), count, plan)
        for _ in writing:
            pass
        written = zip(writing.texts, writing.states, writing.finish_reasons, strict=True)
        shown = prompt if isinstance(prompt, str) else ""
        return [Sample(text, shown, state.seed, reason or "length", state) for text, state, reason in written]

    def writing(self, first: StreamState, count: int, plan: Plan) -> Writing:
        """`count` streams from one state, with seeds that count up from its own."""
        states = [first, *(first.reseeded(first.seed + number) for number in range(1, count))]
        return Writing(self.engine, self.vocabulary, states, plan)

    def evaluate(self, text: str, *, protocol: "Protocol" = "streamed", window: int = 256) -> "Score":
        """How well the model predicts `text`; characters that it never saw are left out. Imports torch.

        Raises:
            TextError: the text has fewer than two characters that the model knows.
        """
        from understudy.evaluation.protocols import evaluate
        from understudy.model.parameters import network_of
        from understudy.text.encoded import Ids

        ids = Ids(self.vocabulary.encode(text, "skip"))
        return evaluate(network_of(self._file), ids, protocol, window)

    def _state(self, prompt: str | StreamState, seed: int | None, unknown: Literal["error", "skip"]) -> StreamState:
        if isinstance(prompt, str):
            return self.start(prompt, seed=seed, unknown=unknown)
        return prompt if seed is None else prompt.reseeded(seed)


def load(model: str | Path, *, precision: "Numbers | None" = None, device: Literal["cpu", "cuda"] = "cpu") -> Model:
    """The model of a run folder or a model file.

    Args:
        model: the folder or the file.
        precision: what it writes with: "int8" for speed (as a CPU does unless told), "float32" to the letter of the
            weights (as a GPU does).
        device: where it writes.

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
        ConfigError: int8 is asked for on a GPU.
    """
    return Model(file.read(model), precision=precision, device=device)


def train(
    *texts: str | Path,
    out: str | Path | None = None,
    preset: str | None = None,
    vocabulary: Literal["characters", "bytes"] | None = None,
    validation_file: str | Path | None = None,
    encoding: str | None = None,
    newlines: Literal["keep", "lf"] | None = None,
    globs: Sequence[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    start_from: str | Path | None = None,
    use_all_text: bool = False,
    **settings: Any,
) -> Model:
    """Learn from texts, as `understudy train` does, and give the best model found.

    Args:
        texts: paths of files or folders, or `@name`; none on resuming takes the ones of the run.
        out: the run folder; one under `runs/` named after the text unless given.
        preset: the recipe to begin with; `auto` unless given.
        vocabulary: characters, unless it says bytes.
        validation_file: a text to choose the best model by, in place of the end of the text itself.
        encoding: how the files are encoded; UTF-8 unless given.
        newlines: "lf" makes every line end a newline.
        globs: names of files to take from folders, in place of `*.txt`.
        resume: go on from the folder's last checkpoint.
        overwrite: start anew although the folder holds a run.
        start_from: a model whose weights the run starts from.
        use_all_text: find out on a held-back part how long to train, then learn from everything.
        settings: fields of `understudy.training.recipe.Recipe`: minutes, units, learning_rate, ...

    Raises:
        UserError: something given does not fit.
        DivergedError: training met numbers that are not finite more often than it may go back.
        StorageError: the disk refused.
    """
    from understudy.runs.material import TextOptions
    from understudy.runs.request import Request
    from understudy.runs.whole_text import sessions

    reading = {
        "vocabulary": vocabulary,
        "validation_file": str(validation_file) if validation_file is not None else None,
        "encoding": encoding,
        "newlines": newlines,
        "globs": tuple(globs) if globs is not None else None,
    }
    given: dict[str, Any] = {name: value for name, value in reading.items() if value is not None}
    request = Request(
        TextOptions(tuple(map(str, texts)), **given) if texts else None,
        preset,
        settings,
        Path(out) if out is not None else None,
        resume,
        overwrite,
        Path(start_from) if start_from is not None else None,
        text_settings=frozenset(given),
        whole_text=use_all_text,
    )
    for session in sessions(request):
        try:
            for _ in session.prepare():
                pass
            for _ in session.reports():
                pass
        finally:
            session.close()
    return load(session.folder.model)
