"""What is read for scores is near to what writes."""

import numpy as np
import pytest

from tests.generation.paths import paths_here, taking
from tests.portable.examples import MODELS, opinionated
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.portable.packing import Numbers
from understudy.model.config import ModelConfig


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
def test_in_float32_it_is_near_and_in_eight_bits_the_same(config: ModelConfig) -> None:
    model, ids = opinionated(config), np.random.default_rng(1).integers(0, config.vocabulary, (40, 7))
    tolerances: dict[Numbers, float] = {"float32": 1e-3, "int8": 0.0}
    for path in paths_here():
        for numbers, tolerance in tolerances.items():
            found = []
            with taking(path):
                for fused in (False, True):
                    reader = PortableEngine(model, numbers=numbers, fused=fused)
                    found.append(reader.read(ids, reader.zero_state(7))[0])
            np.testing.assert_allclose(found[1], found[0], rtol=0, atol=tolerance)
