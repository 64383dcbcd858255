"""What a run is made of, as its checkpoints keep it, and what its user asked for."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from understudy.errors import ModelFileError
from understudy.model.config import ModelConfig
from understudy.runs.material import TextOptions
from understudy.text.vocabulary import Vocabulary
from understudy.training.recipe import DEFAULT_PRESET, PRESETS, Recipe, preset
from understudy.training.schedule import Schedule


@dataclass(frozen=True)
class Asked:
    """What the user asked of a run. Both runs of `--use-all-text`, and every later sitting, are made from it.

    Attributes:
        preset: name of the recipe to begin with.
        settings: the recipe's fields that the user set.
        whole_text: whether a second run is to learn from everything.
        origin: where the model is that the weights came from.
        origin_sha256: the digest of that file.
    """

    preset: str = DEFAULT_PRESET
    settings: dict[str, Any] = field(default_factory=dict)
    whole_text: bool = False
    origin: str | None = None
    origin_sha256: str | None = None

    def recipe(self) -> Recipe:
        """The recipe as it was asked for, with what is left open still open."""
        return preset(self.preset).with_settings(**self.settings)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `dataclasses.asdict` gave.

        Raises:
            TypeError: a field is of the wrong type.
            ConfigError: a setting is none, or out of range.
        """
        asked = cls(**document)
        texts = (asked.preset, asked.origin or "", asked.origin_sha256 or "")
        if asked.preset not in PRESETS or not all(isinstance(text, str) for text in texts):
            raise TypeError("what was asked of the run is not told")
        if type(asked.whole_text) is not bool or not isinstance(asked.settings, dict):
            raise TypeError("what was asked of the run is not told")
        asked.recipe()
        return asked


@dataclass(frozen=True)
class Facts:
    """What a run is made of; but for the schedule's length it does not change while the run goes on.

    Attributes:
        asked: what the user asked for.
        config: the model's shape.
        vocabulary: the model's symbols.
        recipe: all settings, as resolved for this machine.
        schedule: the numbers of steps that the recipe came to.
        texts: what was learned from: names to open it again by, how it was read, its length and digest.
        origin: the model that the weights came from, where the run continues one.
        environment: versions and threads, on which the last bit of the result may depend.
        held_back: how a run went that held text back, for the one on the whole text that followed it.
    """

    asked: Asked
    config: ModelConfig
    vocabulary: Vocabulary
    recipe: Recipe
    schedule: Schedule
    texts: dict[str, Any]
    origin: dict[str, Any] | None
    environment: dict[str, Any]
    held_back: dict[str, Any] | None = None

    @property
    def options(self) -> TextOptions:
        """Which texts, and how they were read."""
        return TextOptions.from_document(self.texts["options"])

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "asked": asdict(self.asked),
            "config": self.config.to_document(),
            "vocabulary": self.vocabulary.to_document(),
            "recipe": self.recipe.to_document(),
            "schedule": asdict(self.schedule),
            "texts": self.texts,
            "origin": self.origin,
            "environment": self.environment,
            "held_back": self.held_back,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `to_document` wrote, or a version without `asked`.

        Raises:
            ModelFileError: something in it is not what it should be.
            ConfigError: a setting is none, or out of range.
            KeyError: a field is missing.
            TypeError: a field is of the wrong type.
        """
        asked = document["asked"] if "asked" in document else {"preset": document["preset"]}
        texts, origin, held_back = document["texts"], document["origin"], document["held_back"]
        facts = cls(
            Asked.from_document(asked),
            ModelConfig.from_document(document["config"]),
            Vocabulary.from_document(document["vocabulary"]),
            Recipe(**document["recipe"]),
            _schedule(document["schedule"]),
            dict(texts),
            None if origin is None else dict(origin),
            dict(document["environment"]),
            None if held_back is None else dict(held_back),
        )
        if facts.config.vocabulary != len(facts.vocabulary):
            raise ModelFileError(f"{len(facts.vocabulary)} symbols for a model of {facts.config.vocabulary}")
        _check_texts(facts)
        _check_figures(facts)
        return facts


def _schedule(document: dict[str, Any]) -> Schedule:
    schedule = Schedule(**document)
    least = {"steps": 1, "evaluate_every": 0, "checkpoint_every": 1, "report_every": 1, "looked_at": 0, "apart": 1}
    for name, low in least.items():
        if type(getattr(schedule, name)) is not int or not low <= getattr(schedule, name) <= 1 << 62:
            raise TypeError(f"{name} of its schedule is no number of steps")
    return schedule


def _check_texts(facts: Facts) -> None:
    """Hold what is told of the texts against what is asked of it later."""
    texts = facts.texts
    options = facts.options
    names = (*options.texts, *options.globs, options.encoding, options.newlines, options.vocabulary, texts["name"])
    digests = [texts["sha256"]] + [
        text for text in (texts["validation_sha256"], options.validation_file) if text is not None
    ]
    if not all(isinstance(text, str) for text in (*names, *digests)):
        raise TypeError("the names of its texts are no text")
    counts = [texts[name] for name in ("characters", "train_characters", "validation_characters")]
    counts.append(texts.get("validation_unknown", 0))
    if not all(type(count) is int and count >= 0 for count in counts):
        raise TypeError("the lengths of its texts are no numbers")


def _check_figures(facts: Facts) -> None:
    """Hold the figures of a run that held text back against what is done with them."""
    for name, value in (facts.held_back or {}).items():
        if type(value) not in (int, float) or not math.isfinite(value) or (name == "temperature" and value <= 0):
            raise TypeError(f"{name} of the run that held text back is no number")
