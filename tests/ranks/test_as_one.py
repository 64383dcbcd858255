"""What several processes learn together is what one learns alone."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ranks import crew
from understudy.ranks.contract import Alone

if TYPE_CHECKING:
    from tests.ranks.conftest import Group

Figures = dict[str, NDArray[Any]]


@pytest.fixture(scope="module", params=[pytest.param(2, marks=pytest.mark.slow), 3], ids=["2 ranks", "3 ranks"])
def together(request: pytest.FixtureRequest, group: "Group", tmp_path_factory: pytest.TempPathFactory) -> list[Figures]:
    """Rank 0's and the last rank's figures of all cases: of 8 lanes, three ranks have 2, 3 and 3."""
    of, folder = request.param, tmp_path_factory.mktemp("crew")
    group.run(folder, of=of, figures=dict.fromkeys(range(of), str(folder)))
    found = []
    for number in range(len(crew.EVERY)):
        first, last = (dict(np.load(folder / f"{number}-{rank}-of-{of}.npz")) for rank in (0, of - 1))
        assert set(first) == set(last)
        for name in first:
            np.testing.assert_array_equal(first[name], last[name], err_msg=f"{name} differs between the ranks")
        found.append(first)
    return found


@pytest.mark.parametrize("case", crew.EVERY)
def test_several_ranks_learn_what_one_learns(together: list[Figures], case: str) -> None:
    alone, shared = crew.figures(case, Alone()), together[crew.EVERY.index(case)]
    assert set(alone) == set(shared)
    rounded = "bfloat16" in case
    for name, expected in alone.items():
        if name.startswith(("gradient", "sums", "norm")):
            distance = np.linalg.norm(shared[name] - expected) / np.linalg.norm(expected)
            assert distance < (1e-2 if rounded else 1e-6), f"{name}: {distance:.1e} off"
            assert distance > 1e-5 or not rounded or name == "norm", f"{name} did not travel in bfloat16"
    np.testing.assert_array_equal(shared["characters"], alone["characters"])
    np.testing.assert_allclose(shared["losses"], alone["losses"], rtol=0, atol=0.02 if rounded else 1e-4)
    np.testing.assert_allclose(shared["scores"], alone["scores"], rtol=0, atol=0.02 if rounded else 1e-4)
    assert alone["losses"][-5:].mean() < alone["losses"][:5].mean() - 0.1, "something is learned"
    if "rows" in alone:
        np.testing.assert_array_equal(shared["rows"], alone["rows"])
    for name in alone:
        if name.startswith("state") and not rounded:
            np.testing.assert_allclose(shared[name], alone[name], atol=5e-3, err_msg=name)
