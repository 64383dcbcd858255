"""How much text there is: for which size of model it is enough, and what in it comes too seldom."""

RARE = 10
"""What comes fewer times than this will hardly be learned."""
_CHARACTERS_A_PARAMETER = 1.0
_SIZES = (
    (64, 30_000),
    (128, 120_000),
    (256, 460_000),
    (384, 850_000),
    (512, 1_400_000),
    (1024, 5_000_000),
)
"""Units of an LSTM, and about how many parameters it has."""


def advice(length: int) -> str:
    """How much text there is for which size of model: about a character for each parameter, as a rule of thumb."""
    fitting = [units for units, parameters in _SIZES if parameters <= length * _CHARACTERS_A_PARAMETER]
    if not fitting:
        return (
            f"How much is that? {length:,} characters are very few: a model will learn them by heart before it learns "
            f"to write like them. 100,000 is a start, 1,000,000 is comfortable."
        )
    return (
        f"How much is that? Enough for an LSTM of about {fitting[-1]} units (one character for each parameter, as a "
        f"rule of thumb); a larger one learns it faster but needs dropout, and the held-back text to stop it in time."
    )
