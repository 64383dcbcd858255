"""What a run is made of, as its checkpoints keep it, and what its user asked for."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from understudy.errors import ModelFileError
from understudy.model.config import ModelConfig
from understudy.model.documents import Fields, Rule, hold, or_null, text, whole
from understudy.model.told import HELD_BACK, ORIGIN
from understudy.runs.material import TextOptions
from understudy.text.vocabulary import Vocabulary
from understudy.training.recipe import DEFAULT_PRESET, PRESETS, Recipe, preset
from understudy.training.schedule import Schedule

_LONGEST_PATH = 1 << 13
_MOST_LINES = 100
_STEPS = 1 << 62
_ASKED = Fields(
    {
        "preset": Rule(f"one of {', '.join(PRESETS)}", lambda value: value in tuple(PRESETS)),
        "settings": Fields({}),
        "whole_text": Rule("true or false", lambda value: type(value) is bool),
        "origin": or_null(text(_LONGEST_PATH)),
        "origin_sha256": or_null(text(64)),
    }
)
_TEXTS = Fields(
    {
        "name": text(),
        "sha256": text(64),
        "validation_sha256": or_null(text(64)),
        "characters": whole(1),
        "train_characters": whole(1),
        "validation_characters": whole(),
        "validation_unknown": whole(),
    },
    needed=(
        *("options", "name", "sha256", "validation_sha256", "characters", "train_characters"),
        "validation_characters",
    ),
)
_FOUND = HELD_BACK._replace(absent=True)
_WHY = Rule(
    f"a list of at most {_MOST_LINES} lines",
    lambda value: type(value) is list and len(value) <= _MOST_LINES and all(map(text().fits, value)),
)
_SCHEDULE = Fields(
    {
        "steps": whole(1, _STEPS),
        "evaluate_every": whole(0, _STEPS),
        "checkpoint_every": whole(1, _STEPS),
        "report_every": whole(1, _STEPS),
        "looked_at": whole(0, _STEPS),
        "apart": whole(1, _STEPS),
    }
)


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
            ModelFileError: a field is of the wrong type.
            ConfigError: a setting is none, or out of range.
            TypeError: a field is unknown.
        """
        hold(document, _ASKED, "asked")
        asked = cls(**document)
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
        why: what was said when the recipe was chosen, a line each; of the first of two runs for both.
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
    why: tuple[str, ...] = ()

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
            "why": list(self.why),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `to_document` wrote, or a version without `asked` or `why`.

        Raises:
            ModelFileError: something in it is not what it should be.
            ConfigError: a setting is none, or out of range.
            KeyError: a field is missing.
            TypeError: a field is of the wrong type.
        """
        asked = document["asked"] if "asked" in document else {"preset": document["preset"]}
        texts, origin, held_back = document["texts"], document["origin"], document["held_back"]
        for value, form, name in (
            (texts, _TEXTS, "texts"),
            (origin, ORIGIN, "origin"),
            (held_back, _FOUND, "held_back"),
            (document.get("why", []), _WHY, "why"),
        ):
            hold(value, form, name)
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
            tuple(document.get("why", ())),
        )
        if facts.config.vocabulary != len(facts.vocabulary):
            raise ModelFileError(f"{len(facts.vocabulary)} symbols for a model of {facts.config.vocabulary}")
        _ = facts.options  # can be read
        return facts


def _schedule(document: dict[str, Any]) -> Schedule:
    hold(document, _SCHEDULE, "schedule")
    return Schedule(**document)
