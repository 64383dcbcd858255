"""A trained model as a program has it: it writes, and it says how well it predicts a text."""

import secrets
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from understudy import checks
from understudy.errors import ConfigError
from understudy.generation.sampling import Sampling, check_seed
from understudy.generation.stream import Plan, StreamState, Writing, start
from understudy.judged import Judging, with_weights
from understudy.judged import Precision as Precision
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.samples import Sample, Stream, check_count, check_state
from understudy.text.vocabulary import Vocabulary
from understudy.told import Told

if TYPE_CHECKING:
    from understudy.exports.writing import Exported
    from understudy.generation.engine import Engine, HoldingEngine
    from understudy.text.encoded import Ids

Unknown = Literal["error", "skip"]
Device = Literal["cpu", "cuda"]


def for_writing(model: "Model") -> "Model":
    """The model, with its engine made and its weights let go: it writes on without them."""
    assert model.engine, "it is made here"
    model._file = replace(model._file, tensors={})
    return model


class Model(Judging, Told):
    """A trained model. It writes on the CPU, and needs no torch for that; or on a GPU."""

    _more: tuple[int, ...]

    def __init__(self, model: ModelFile, *, precision: Precision | None = None, device: Device = "cpu") -> None:
        """See `load`, which takes a path."""
        if not isinstance(model, ModelFile):
            raise ConfigError(f"MODEL {checks.shown(model)}: expected a ModelFile; understudy.load takes a path")
        self._precision, self._device = writes_with(precision, device)
        self._given, self._more = precision, ()
        self._file = model

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and copied: not an engine that can be made again when it is needed."""
        made = {"engine", "_scorer"} if self._file.tensors and not self._more else set()
        return {name: value for name, value in self.__dict__.items() if name not in made}

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
            ConfigError: a GPU is asked for and there is none, or `UNDERSTUDY_KERNELS` names what is not to be had.
        """
        return _engine(self._file, self._precision, self._device)

    def start(self, prompt: str = "", *, seed: int | None = None, unknown: Unknown = "error") -> StreamState:
        """The state after `prompt`, to be passed to `generate`, `samples` or `stream` in its place.

        Raises:
            VocabularyError: the prompt has characters that the model never saw, and `unknown` is not "skip".
            ConfigError: something given is not what was expected.
        """
        given = checks.text("--start", prompt, empty=True)
        settled = secrets.randbits(32) if seed is None else check_seed(seed)
        ids = self.vocabulary.encode(given, checks.one_of("--unknown", unknown, get_args(Unknown)))
        return start(self.engine, self.vocabulary, ids, settled)

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
        stop: str | Sequence[str] = (),
        unknown: Unknown = "error",
    ) -> Stream:
        """Write one text, piece by piece.

        Args:
            prompt: what comes before the text, or a state to go on from; "" starts as the model's text starts a
                line.
            length: how many characters (bytes, for a model of bytes).
            temperature: divides the logits; 0 is the most probable character.
            top_k: draw from so many of the most probable characters.
            top_p: draw from the fewest characters whose probabilities reach this sum.
            seed: the same seed gives the same text; None draws one. A state goes on with its own random numbers, also
                where its own seed is given, so that `Sample.seed` gives a text again; any other begins new ones.
            stop: a text or several that end the text; they are not part of it.
            unknown: what to do with characters of the prompt that the model never saw.

        Raises:
            VocabularyError: the prompt has such characters, and `unknown` is not "skip".
            ConfigError: a setting is of the wrong type or out of range, or the state is another model's.
        """
        plan = Plan(length, Sampling(temperature, top_k, top_p), checks.texts("--stop", stop))
        return Stream(Writing(self.engine, self.vocabulary, [_first(self, prompt, seed, unknown)], plan))

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
        stop: str | Sequence[str] = (),
        unknown: Unknown = "error",
    ) -> list[Sample]:
        """Write several texts side by side, with seeds `seed`, `seed` + 1, ...; each is what `stream` gives for it.

        Raises:
            VocabularyError: see `stream`.
            ConfigError: see `stream`.
        """
        plan = Plan(length, Sampling(temperature, top_k, top_p), checks.texts("--stop", stop))
        checks.whole("--samples", count, 1)
        writing = self.writing(_first(self, prompt, seed, unknown), count, plan)
        for _ in writing:
            pass
        written = zip(writing.texts, writing.states, writing.finish_reasons, writing.data, strict=True)
        shown = prompt if isinstance(prompt, str) else ""
        return [Sample(text, shown, state.seed, why or "length", state, data) for text, state, why, data in written]

    def writing(self, first: StreamState, count: int, plan: Plan) -> Writing:
        """`count` streams from one state, with seeds that count up from its own.

        Raises:
            ConfigError: the state is another model's, or there is nothing to write.
        """
        first = check_state(first, self.config, self._more)
        count = check_count(count, first.seed)
        if not isinstance(plan, Plan):
            raise ConfigError(f"plan {checks.shown(plan)}: expected a Plan")
        states = [first, *(first.reseeded(first.seed + number) for number in range(1, count))]
        return Writing(self.engine, self.vocabulary, states, plan)

    def without_copies(self, text: str, length: int = 30) -> "Model":
        """The model, writing no `length` characters in a row (bytes, for a model of bytes) that stand so in `text`.

        Raises:
            ConfigError: something given is not what was expected, or the model writes without copies already.
        """
        from understudy.text.encoded import Ids

        ids = self.vocabulary.encode(checks.text("TEXT", text, empty=True), "skip")
        return guarded(self, Ids(ids), checks.whole("length", length, 2))

    def export(self, to: str, path: "str | PathLike[str]", **settings: Any) -> "Exported":
        """Write the model as files that need no Python; takes the settings of `exports.writing.export`."""
        return _export(self._file, to, path, settings)


def guarded(model: Model, ids: "Ids", length: int) -> Model:
    """The model, writing no `length` symbols in a row that stand so in a text; see `Model.without_copies`."""
    from understudy.generation.guard import GuardedEngine
    from understudy.text.grams import Grams

    if model._more:
        raise ConfigError(
            "this model writes without copies of a text already; call without_copies of the model it came of"
        )
    made = copy(model)
    made.__dict__["engine"] = GuardedEngine(cast("HoldingEngine", model.engine), Grams.of(ids, length))
    made._more = (length - 1,)
    return made


def writes_with(precision: Precision | None, device: Device) -> tuple[Precision, Device]:
    """The number type that a model writes with, and where.

    Raises:
        ConfigError: there is no such number type or device, or the two do not go together.
    """
    where: Device = checks.one_of("--device", device, get_args(Device))
    numbers: Precision | None = None
    if precision is not None:
        numbers = checks.one_of("--precision", precision, get_args(Precision))
    if where == "cuda" and numbers == "int8":
        raise ConfigError("--precision int8: it is for CPUs; a GPU writes in float32")
    return numbers or "int8", where


def _engine(model: ModelFile, precision: Precision, device: Device) -> "Engine":
    if device == "cuda":
        from understudy.generation.gpu_engine import GpuEngine
        from understudy.model.gpu import use_gpu
        from understudy.model.parameters import network_of

        use_gpu()
        return GpuEngine(network_of(model, device="cuda"))
    from understudy.generation.portable.engine import PortableEngine

    return PortableEngine(model, numbers=precision)


def _first(model: Model, prompt: str | StreamState, seed: int | None, unknown: Unknown) -> StreamState:
    """Where a text begins that is to follow `prompt`."""
    if not isinstance(prompt, StreamState):
        given = checks.text("--start", prompt, wanted="a text, or a state to go on from", empty=True)
        return model.start(given, seed=seed, unknown=unknown)
    checks.one_of("--unknown", unknown, get_args(Unknown))
    state = check_state(prompt, model.config, model._more)
    return state if seed is None or check_seed(seed) == state.seed else state.reseeded(seed)


def _export(model: ModelFile, to: str, path: "str | PathLike[str]", settings: dict[str, Any]) -> "Exported":
    from understudy.exports.writing import export

    return export(with_weights(model), to, path, **settings)
