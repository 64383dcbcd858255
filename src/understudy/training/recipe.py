"""Every setting of a training run, each with its default in one place; and presets."""

import types
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self, get_args, get_type_hints

from understudy import checks
from understudy.errors import ConfigError
from understudy.model.config import LIMITS, Cell


def setting(default: Any, text: str, *, low: float | None = None, high: float | None = None) -> Any:
    """A field with its default, its help, and the range (both ends included) that its numbers must lie in."""
    return field(default=default, metadata={"help": text, "low": low, "high": high})


@dataclass(frozen=True)
class Recipe:
    """How to train. The command line's flags are made from these fields, with their defaults and help."""

    # the model
    cell: Cell = setting("lstm", "the recurrence")
    units: int = setting(384, "width of each recurrent layer", low=1, high=LIMITS["units"])
    layers: int = setting(1, "recurrent layers", low=1, high=LIMITS["layers"])
    embedding: int = setting(128, "width of a character's vector", low=1, high=LIMITS["embedding"])
    ngrams: int = setting(
        0, "rows of a table of n-grams, for each of their lengths; 0 for none", low=0, high=LIMITS["ngrams"]
    )
    dropout: float = setting(0.0, "share of each layer's outputs zeroed in training", low=0, high=0.95)
    initialization: Literal["default", "keras"] = setting("default", "how the parameters start")

    # the batches
    batches: Literal["lanes", "chunks"] = setting("lanes", "contiguous lanes, or shuffled chunks")
    batch_size: int = setting(32, "lanes (or chunks) side by side", low=1, high=1 << 16)
    sequence_length: int = setting(64, "characters a step and lane", low=1, high=1 << 20)

    fresh: float = setting(0.0, "share of the lanes whose carried state is zeroed before a step", low=0, high=1)

    # the optimiser
    optimizer: Literal["muon", "adamw", "adam"] = setting(
        "adamw",
        "AdamW decays the matrices' weights; Adam does not; Muon is for the layers' matrices, AdamW for the rest",
    )
    learning_rate: float = setting(6e-3, "the highest rate", low=1e-9, high=10)
    schedule: Literal["cosine", "constant"] = setting("cosine", "how the rate goes on after the warm-up")
    warmup: float = setting(0.02, "share of the steps in which the rate rises from zero", low=0, high=1)
    weight_decay: float = setting(0.1, "decay of the matrices a step, times the rate", low=0, high=10)
    momentum: float = setting(0.95, "Muon's memory of the gradients", low=0, high=0.999999)
    beta1: float = setting(0.9, "memory of the gradient's mean", low=0, high=0.999999)
    beta2: float = setting(0.99, "memory of the gradient's square", low=0, high=0.999999)
    epsilon: float = setting(1e-8, "added to the root of that memory, before its bias is corrected", low=0, high=1.0)
    embedding_moment: Literal["sum", "occurrences"] = setting(
        "sum", "what Adam squares for the embedding: a row's whole gradient, or each occurrence's"
    )
    average: float = setting(
        0.0,
        "memory of the weights' running mean, which is then evaluated and kept; 0 for none",
        low=0,
        high=0.9999,
    )
    clip: float = setting(1.0, "largest global norm of the gradient; 0 for none", low=0, high=10**9)

    # how long
    minutes: float | None = setting(None, "train about so many minutes", low=0.05, high=10**6)
    epochs: float | None = setting(None, "train so many passes over the text", low=1e-6, high=10**9)
    steps: int | None = setting(None, "train so many steps", low=1, high=1 << 40)

    # looking and keeping
    validation: float = setting(0.1, "share of the text, at its end, held back", low=0, high=0.9)
    calibration: Literal["none", "temperature"] = setting(
        "none", "whether the temperature that suits a short held-back text goes into the output layer"
    )
    evaluate_every: int | None = setting(None, "steps between looks at the validation text", low=1, high=1 << 40)
    checkpoint_every: int | None = setting(None, "steps between checkpoints", low=1, high=1 << 40)
    checkpoint_epochs: float | None = setting(None, "epochs between checkpoints", low=1e-6, high=10**9)
    keep: int = setting(2, "how many of the last checkpoints stay", low=1, high=1 << 20)

    # where and with what luck
    seed: int = setting(0, "where all randomness comes from", low=0, high=(1 << 63) - 1)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "where to train")
    precision: Literal["auto", "float32", "bfloat16"] = setting("auto", "type of the matrix products")
    exchange: Literal["float32", "bfloat16"] = setting("float32", "how gradients travel between processes")

    def __post_init__(self) -> None:
        """Check every field, and make plain numbers of numpy's.

        Raises:
            ConfigError: a value is of the wrong type or out of range, or settings contradict each other.
        """
        hints = get_type_hints(type(self))
        for entry in fields(self):
            value = check(entry.name, getattr(self, entry.name), hints[entry.name], entry.metadata)
            object.__setattr__(self, entry.name, value)
        given = [name for name in ("minutes", "epochs", "steps") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(map(flag, given))}: give only one of them")

    def with_settings(self, **settings: Any) -> Self:
        """This recipe with other settings; a new duration takes the place of the old one.

        Raises:
            ConfigError: no setting has that name, or a value is out of range.
        """
        known = {entry.name for entry in fields(self)}
        for name in settings:
            if name not in known:
                raise ConfigError(f"{checks.named(name)}: no such setting; there are {', '.join(sorted(known))}")
        if any(settings.get(name) is not None for name in ("minutes", "epochs", "steps")):
            settings = {"minutes": None, "epochs": None, "steps": None} | settings
        return replace(self, **settings)

    def to_document(self) -> dict[str, Any]:
        """All settings by name."""
        return asdict(self)


def flag(name: str) -> str:
    """The command line's name of a setting."""
    return "--" + name.replace("_", "-")


def plain_type(hint: Any) -> Any:
    """The type of a setting without the None that it may also be."""
    if isinstance(hint, types.UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def check(name: str, value: Any, hint: Any, limits: Any) -> Any:
    """Hold one setting against its type and range; give it as a plain Python value.

    Raises:
        ConfigError: it does not fit; the message names what was expected and what came.
    """
    if value is None and isinstance(hint, types.UnionType):
        return None
    wanted = plain_type(hint)
    if choices := get_args(wanted):
        return checks.one_of(flag(name), value, choices)
    hold = checks.whole if wanted is int else checks.number
    return hold(flag(name), value, limits["low"], limits["high"])


PRESETS: dict[str, Recipe] = {
    "auto": Recipe(
        minutes=5.0, optimizer="muon", weight_decay=0.3, average=0.98, fresh=0.25, calibration="temperature"
    ),
    "tutorial": Recipe(
        cell="gru",
        units=1024,
        embedding=256,
        initialization="keras",
        batches="chunks",
        batch_size=64,
        sequence_length=100,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        beta2=0.999,
        epsilon=1e-7,
        embedding_moment="occurrences",
        clip=0.0,
        validation=0.0,
        epochs=30,
        checkpoint_epochs=5,
        precision="float32",
    ),
    "tiny": Recipe(units=32, embedding=16, batch_size=8, sequence_length=32, steps=200),
}
"""`auto` for every day, `tutorial` as the 2018 tutorial has it, `tiny` for tests: seconds, not minutes."""


DEFAULT_PRESET = "auto"
CHOSEN = ("units", "ngrams", "dropout", "learning_rate", "batch_size")
"""What `auto` leaves to the text's size and the time, where the user does not say it."""


def preset(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ConfigError: there is none.
    """
    return PRESETS[checks.one_of("--preset", name, tuple(PRESETS))]
