"""What several processes learn together is what one learns alone."""

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ranks import crew
from understudy.ranks.contract import Alone

if TYPE_CHECKING:
    from tests.ranks.conftest import Group

Figures = dict[str, NDArray[Any]]


SOON = tuple(case for case in crew.EVERY if case not in ("gru", "adam without clipping", "gradients in bfloat16"))
"""What three ranks do in the ordinary suite; all of it two and three do in the slow one."""
GROUPS = [(3, SOON), (2, crew.EVERY), (3, tuple(case for case in crew.EVERY if case not in SOON))]


Together = Callable[[int, tuple[str, ...]], dict[str, Figures]]


@pytest.fixture(scope="module")
def together(group: "Group", tmp_path_factory: pytest.TempPathFactory) -> Together:
    """Rank 0's figures of some cases, which are the last rank's too: of 8 lanes, three ranks have 2, 3 and 3."""

    @cache
    def trained(of: int, cases: tuple[str, ...]) -> dict[str, Figures]:
        folder = tmp_path_factory.mktemp("crew")
        (folder / crew.ASKED).write_text(json.dumps(cases))
        group.run(folder, of=of, figures=dict.fromkeys(range(of), str(folder)))
        found = {}
        for number, case in enumerate(cases):
            first, last = (dict(np.load(folder / f"{number}-{rank}-of-{of}.npz")) for rank in (0, of - 1))
            assert set(first) == set(last)
            for name in first:
                np.testing.assert_array_equal(first[name], last[name], err_msg=f"{name} differs between the ranks")
            found[case] = first
        return found

    return trained


@pytest.mark.parametrize(
    ("of", "cases", "case"),
    [
        pytest.param(of, cases, case, marks=[pytest.mark.slow] * (cases is not SOON), id=f"{of} ranks-{case}")
        for of, cases in GROUPS
        for case in cases
    ],
)
def test_several_ranks_learn_what_one_learns(together: Together, of: int, cases: tuple[str, ...], case: str) -> None:
    alone, shared = crew.figures(case, Alone()), together(of, cases)[case]
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
