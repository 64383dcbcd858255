"""Runs of symbols that are not to be written, and what is drawn in the place of the symbol that completes one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ConfigError
from understudy.generation.sampling import Floats, Sampling, draw_each

if TYPE_CHECKING:
    from understudy.text.grams import Grams

NONE = -1


class Forbidden(NamedTuple):
    """What B streams must not write.

    A symbol that would complete a run has no chance: the same random number draws from the others. So the same seed
    gives the same text, alone or among others. (`runtime/forbidden.h` does the same in C.)

    Attributes:
        grams: the runs.
        before: the last symbols of each stream, the latest last, (length - 1, B); NONE where there were not so many.
    """

    grams: "Grams"
    before: NDArray[np.int64]

    def draw_each(
        self, logits: Floats, uniforms: NDArray[np.float64], settings: Sequence[Sampling], ids: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """`sampling.draw_each` for streams that have drawn ids (T, B) since `before`: an id for each, (B,).

        Raises:
            ConfigError: whatever is drawn completes a run.
        """
        drawn = draw_each(logits, uniforms, settings)
        recent = np.concatenate([self.before, ids])[len(ids) :]
        for stream, setting in enumerate(settings):
            run = np.append(recent[:, stream], drawn[stream])
            if NONE in run:
                continue
            left = logits[stream : stream + 1].copy()
            while run in self.grams:
                left[0, run[-1]] = -np.inf
                if not np.isfinite(left).any():
                    raise self.nothing_left()
                run[-1] = setting.draw(left, uniforms[stream : stream + 1])[0]
            drawn[stream] = run[-1]
        return drawn

    def nothing_left(self) -> ConfigError:
        """What is wrong where whatever is drawn completes a run."""
        return ConfigError(
            f"--no-copies {self.grams.length}: whatever is written next completes a run of so many symbols "
            f"that stands in the text; give a larger number"
        )
