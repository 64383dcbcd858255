"""What shape a model has."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

from understudy.errors import ConfigError

Cell = Literal["gru", "lstm"]
GATES: dict[Cell, int] = {"gru": 3, "lstm": 4}
STATES: dict[Cell, int] = {"gru": 1, "lstm": 2}
LIMITS = {"vocabulary": 0x110000, "embedding": 1 << 15, "units": 1 << 15, "layers": 64}
PARAMETER_LIMIT = 1 << 33


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model.

    Attributes:
        cell: the recurrence, one of `GATES`.
        vocabulary: V, how many symbols.
        embedding: E, the width of a symbol's vector.
        units: H, the width of each recurrent layer.
        layers: L, how many recurrent layers.
    """

    cell: Cell
    vocabulary: int
    embedding: int
    units: int
    layers: int

    def __post_init__(self) -> None:
        """Check every field before anything of that size is made.

        Raises:
            ConfigError: a field is unknown, of the wrong type or out of range.
        """
        if self.cell not in GATES:
            raise ConfigError(f"cell {self.cell!r}: expected one of {', '.join(GATES)}")
        for name, limit in LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= limit:
                raise ConfigError(f"{name} {value!r}: expected a whole number from 1 to {limit:,}")
        if self.parameters > PARAMETER_LIMIT:
            raise ConfigError(
                f"a model of {self.parameters:,} parameters is over the limit of {PARAMETER_LIMIT:,}; "
                f"lower --units, --layers or --embedding"
            )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every parameter, in the order of the network."""
        V, E, H, G = self.vocabulary, self.embedding, self.units, GATES[self.cell]
        shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (V, E)}
        for layer in range(self.layers):
            shapes[f"layers.{layer}.weight_ih"] = (G * H, H if layer else E)
            shapes[f"layers.{layer}.weight_hh"] = (G * H, H)
            shapes[f"layers.{layer}.bias_ih"] = (G * H,)
            shapes[f"layers.{layer}.bias_hh"] = (G * H,)
        return shapes | {"output.weight": (V, H), "output.bias": (V,)}

    @property
    def parameters(self) -> int:
        """How many numbers the model learns."""
        V, E, H, G = self.vocabulary, self.embedding, self.units, GATES[self.cell]
        first = G * H * (E + H + 2)
        above = (self.layers - 1) * G * H * (2 * H + 2)
        return V * E + first + above + V * (H + 1)

    def to_document(self) -> dict[str, Any]:
        """What the model file keeps of it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: object) -> Self:
        """Read what `to_document` wrote.

        Raises:
            ConfigError: a field is missing, unknown or out of range.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(document, dict) or set(document) != known:
            given = sorted(set(document) ^ known) if isinstance(document, dict) else [type(document).__name__]
            raise ConfigError(f"the model's config has unknown or missing fields: {', '.join(map(str, given))}")
        return cls(**document)
