"""What shape a model has."""

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, Self

from understudy import checks
from understudy.errors import ConfigError

Cell = Literal["gru", "lstm"]
GATES: dict[Cell, int] = {"gru": 3, "lstm": 4}
STATES: dict[Cell, int] = {"gru": 1, "lstm": 2}
LIMITS = {"vocabulary": 0x110000, "embedding": 1 << 15, "units": 1 << 15, "layers": 64, "ngrams": 1 << 20}
PARAMETER_LIMIT = 1 << 33
NGRAM_LENGTHS = (3, 4, 5, 6, 8)
"""The lengths of the n-grams that a model with a table of them looks up at each character."""
RECENT = max(NGRAM_LENGTHS) - 1
"""So many characters before the one that is read belong to the state of a model with n-grams."""
NGRAM_WIDTH = 16
NGRAM_TABLE, NGRAM_CODES = "ngrams.weight", "ngrams.codes"
LARGEST_CODE = (1 << 24) - 1
"""Of a symbol in n-grams: the state keeps codes in float32, which is exact so far."""
HASH_PRIME, HASH_BASE = (1 << 31) - 1, 1_540_483_477
"""An n-gram's hash is (Σ cᵢ · HASH_BASEⁱ) mod HASH_PRIME mod R, where cᵢ is the code of the character i places back."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model.

    Attributes:
        cell: the recurrence, one of `GATES`.
        vocabulary: V, how many symbols.
        embedding: E, the width of a symbol's vector.
        units: H, the width of each recurrent layer.
        layers: L, how many recurrent layers.
        ngrams: R, rows of the table of n-grams for each of their lengths (`ngrams.py`); 0 for a model without.
    """

    cell: Cell
    vocabulary: int
    embedding: int
    units: int
    layers: int
    ngrams: int = 0

    def __post_init__(self) -> None:
        """Check every field before anything of that size is made.

        Raises:
            ConfigError: a field is unknown, of the wrong type or out of range.
        """
        object.__setattr__(self, "cell", checks.one_of("cell", self.cell, tuple(GATES)))
        for name, limit in LIMITS.items():
            least = 0 if name == "ngrams" else 1
            object.__setattr__(self, name, checks.whole(name, getattr(self, name), least, limit))
        if self.parameters > PARAMETER_LIMIT:
            raise ConfigError(
                f"a model of {self.parameters:,} parameters is over the limit of {PARAMETER_LIMIT:,}; "
                f"lower --units, --layers, --embedding or --ngrams"
            )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every parameter, in the order of the network, and of the symbols' codes."""
        V, E, H, G = self.vocabulary, self.embedding, self.units, GATES[self.cell]
        shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (V, E)}
        if self.ngrams:
            shapes |= {NGRAM_TABLE: (len(NGRAM_LENGTHS) * self.ngrams, self.ngram_width), NGRAM_CODES: (V,)}
        for layer in range(self.layers):
            shapes[f"layers.{layer}.weight_ih"] = (G * H, H if layer else E)
            shapes[f"layers.{layer}.weight_hh"] = (G * H, H)
            shapes[f"layers.{layer}.bias_ih"] = (G * H,)
            shapes[f"layers.{layer}.bias_hh"] = (G * H,)
        return shapes | {"output.weight": (V, H), "output.bias": (V,)}

    @property
    def ngram_width(self) -> int:
        """How many of a character's E numbers an n-gram adds to: the first ones."""
        return min(NGRAM_WIDTH, self.embedding)

    @property
    def state_widths(self) -> tuple[tuple[int, ...], ...]:
        """The widths of a stream's state: one tuple a layer, and with n-grams one more for the last characters."""
        layers = ((self.units,) * STATES[self.cell],) * self.layers
        return (*layers, (RECENT,)) if self.ngrams else layers

    @property
    def parameters(self) -> int:
        """How many numbers the model learns."""
        V, E, H, G = self.vocabulary, self.embedding, self.units, GATES[self.cell]
        first = G * H * (E + H + 2)
        above = (self.layers - 1) * G * H * (2 * H + 2)
        table = len(NGRAM_LENGTHS) * self.ngrams * self.ngram_width
        return V * E + first + above + V * (H + 1) + table

    def to_document(self) -> dict[str, Any]:
        """What the model file keeps of it; what a model does not have is not mentioned."""
        return {name: value for name, value in asdict(self).items() if name != "ngrams" or value}

    @classmethod
    def from_document(cls, document: object) -> Self:
        """Read what `to_document` wrote.

        Raises:
            ConfigError: a field is missing, unknown or out of range.
        """
        if not isinstance(document, dict):
            raise ConfigError(f"the model's config is {checks.shown(document)}, expected named values")
        known = {field.name for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        if wrong := (needed - set(document)) | (set(document) - known):
            names = checks.named(", ".join(sorted(map(str, wrong))))
            raise ConfigError(f"the model's config has unknown or missing fields: {names}")
        return cls(**document)
