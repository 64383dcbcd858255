"""What a caller gives is taken as what it is, or refused in one line that names it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from understudy import checks
from understudy.errors import ConfigError

WHOLE = [3, np.int8(3), np.uint64(3), np.int32(3), np.array(3)]
NO_WHOLE = [
    True,
    False,
    np.True_,
    3.0,
    np.float32(3),
    "3",
    b"3",
    None,
    [3],
    (3,),
    np.array([3]),
    float("nan"),
    3j,
    ...,
]


@pytest.mark.parametrize("value", WHOLE, ids=repr)
def test_whole_numbers_of_numpy_s_are_whole_numbers(value: Any) -> None:
    found = checks.whole("--n", value, 0)
    assert (found, type(found)) == (3, int)
    assert type(checks.number("--n", value, 0)) is int


@pytest.mark.parametrize("value", NO_WHOLE, ids=repr)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^--n .*: expected a whole number from 0$"):
        checks.whole("--n", value, 0)


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), np.float16(0.5), Fraction(1, 2)], ids=repr)
def test_numbers_of_every_kind_are_numbers(value: Any) -> None:
    found = checks.number("--x", value, 0)
    assert (found, type(found)) == (0.5, float)


@pytest.mark.parametrize(
    "value",
    [True, np.True_, "0.5", None, [0.5], float("nan"), float("inf"), -float("inf"), np.float32("nan"), 1j, 10**400],
    ids=lambda value: repr(value)[:10],
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^--x .*: expected a number from 0$"):
        checks.number("--x", value, 0)


def test_both_ends_belong_to_a_range_and_above_means_above() -> None:
    assert [checks.whole("--n", end, 1, 5) for end in (1, 5)] == [1, 5]
    assert [checks.number("--x", end, 0, 1) for end in (0.0, 1.0)] == [0.0, 1.0]
    assert checks.number("--x", 1.0, 0, 1, above=True) == 1.0
    for value in (0, 6):
        with pytest.raises(ConfigError, match=rf"^--n {value}: expected a whole number from 1 to 5$"):
            checks.whole("--n", value, 1, 5)
    for number in (0.0, 1.5):
        with pytest.raises(ConfigError, match=rf"^--x {number}: expected a number above 0 and at most 1$"):
            checks.number("--x", number, 0, 1, above=True)


@pytest.mark.parametrize("value", [None, 1, [], {}, "", "gpu", "CPU", b"cpu", np.array(["cpu", "cuda"])], ids=repr)
def test_a_word_is_one_of_those_that_there_are(value: Any) -> None:
    assert checks.one_of("--device", np.str_("cpu"), ("cpu", "cuda")) == "cpu"
    with pytest.raises(ConfigError, match=r"^--device .*: expected one of cpu, cuda$"):
        checks.one_of("--device", value, ("cpu", "cuda"))


def test_a_text_alone_is_one_text_and_not_its_letters() -> None:
    assert checks.texts("--stop", "END") == ("END",)
    assert checks.texts("--stop", ["END", "FIN"]) == ("END", "FIN")
    assert checks.texts("--stop", ()) == ()
    assert checks.texts("--stop", {"END"}) == ("END",)


@pytest.mark.parametrize(
    "value", [None, 3, b"END", bytearray(b"END"), {"END": 1}, [3], ["END", None], [b"END"]], ids=repr
)
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^--stop .*: expected a text"):
        checks.texts("--stop", value)


def test_an_empty_text_is_refused_where_it_would_mean_nothing() -> None:
    with pytest.raises(ConfigError, match=r"^--stop '': expected at least one character$"):
        checks.texts("--stop", ["END", ""])
    assert checks.text("--start", "", empty=True) == ""


@pytest.mark.parametrize("value", [None, 3, b"a", "", "a\0b", ["a"], "a\ud800"], ids=ascii)
def test_what_names_no_file_is_refused(value: Any) -> None:
    assert checks.path("--out", "a") == checks.path("--out", Path("a")) == "a"
    assert checks.path("--out", "caf\udce9") == "caf\udce9", "a name that is not UTF-8"
    with pytest.raises(ConfigError, match=r"^--out .*: expected a path$"):
        checks.path("--out", value)


@pytest.mark.parametrize("value", [None, 0, 1, "yes", []], ids=repr)
def test_true_is_not_whatever_counts_as_true(value: Any) -> None:
    assert checks.truth("--resume", True) is checks.truth("--resume", np.True_) is True
    with pytest.raises(ConfigError, match=r"^--resume .*: expected True or False$"):
        checks.truth("--resume", value)


class Nameless:
    """A stranger's class that cannot say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value", ["a\nb\x1b[31m\ud800", "a" * 10**6, np.zeros((50, 50)), 10**5000, -(10**9999), Nameless()], ids=range(6)
)
def test_whatever_came_is_shown_in_one_short_line_that_any_terminal_may_have(value: Any) -> None:
    said = checks.shown(value)
    assert said.isprintable()
    assert 0 < len(said) < 300
    said.encode("utf-8")


def test_a_file_s_name_is_shown_as_it_is_unless_it_must_not_be() -> None:
    assert checks.named("Café 漢/model") == "Café 漢/model"
    assert checks.named("a\x1b[2Jb\udce9\n") == "a\\x1b[2Jb\\udce9\\n"
    assert checks.named("") == "''"
    assert len(checks.named("a" * 5000)) <= 300


class Hostile:
    """An object that raises whatever it is asked."""

    def _raise(self, *_: Any) -> Any:
        raise RuntimeError("a\nb")

    __index__ = __float__ = __fspath__ = __len__ = __getitem__ = __iter__ = __str__ = __repr__ = _raise


class HostileTexts(Hostile, Sequence[str]):
    """The same as a sequence."""


@pytest.mark.parametrize("value", [Hostile(), HostileTexts()], ids=["object", "sequence"])
def test_what_raises_when_it_is_looked_at_is_refused_as_anything_else(value: Any) -> None:
    for check in (checks.text, checks.texts, checks.path, checks.truth):
        with pytest.raises(ConfigError, match=r"^--n .*: expected "):
            check("--n", value)
    for ranged in (checks.whole, checks.number):
        with pytest.raises(ConfigError, match=r"^--n .*: expected "):
            ranged("--n", value, 0)
