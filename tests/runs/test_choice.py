import math

import pytest

from understudy.runs.budget import Ends, Pace
from understudy.runs.choice import Beginning, Promise, choose, helps, most_passes, waits
from understudy.training.recipe import PRESETS, Recipe
from understudy.training.schedule import Schedule

RATE = 1e12


def chosen(minutes: float, characters: int, rate: float = RATE, symbols: int = 65, **given: object) -> Recipe:
    recipe = PRESETS["auto"].with_settings(minutes=minutes, **given)
    return choose(recipe, characters, symbols, rate, given)[0]


def test_more_time_and_more_text_make_a_larger_model() -> None:
    by_time = [chosen(minutes, 1_000_000).units for minutes in (0.05, 0.5, 1, 5, 10)]
    by_text = [chosen(10, characters).units for characters in (20_000, 200_000, 500_000, 1_000_000)]
    for units in (by_time, by_text):
        assert units == sorted(units)
        assert units[0] < units[-1]


def test_more_symbols_leave_less_time_for_the_layers() -> None:
    units = [chosen(2, 1_000_000, symbols=symbols).units for symbols in (65, 500, 5_000, 50_000)]
    assert units == sorted(units, reverse=True)
    assert units[0] > units[-1]


def test_a_text_that_is_read_more_often_gets_more_dropout() -> None:
    shares = [chosen(minutes, 1_000_000).dropout for minutes in (0.5, 5, 10, 60)]
    assert shares == sorted(shares)
    assert shares[0] == 0 < shares[-1] == 0.3
    assert chosen(60, 90_000).dropout == 0.4
    assert chosen(60, 90_000, symbols=4_000).dropout == 0.5


def test_what_many_symbols_add_to_a_model_counts_against_its_size() -> None:
    """Nine thousand symbols bring parameters that two minutes do not teach."""
    few, many = (chosen(2, 4_500_000, 4e11, symbols=symbols, ngrams=0) for symbols in (65, 9_000))
    assert few.units == 512
    assert many.units == 128


def test_a_slower_machine_is_a_shorter_time() -> None:
    assert chosen(1, 1_000_000).units < chosen(5, 1_000_000).units
    assert chosen(5, 1_000_000, RATE / 5).units < chosen(5, 1_000_000).units


def test_what_the_user_says_stays() -> None:
    recipe = chosen(5, 1_000_000, units=96, dropout=0.07, learning_rate=0.001, batch_size=3)
    assert (recipe.units, recipe.dropout, recipe.learning_rate, recipe.batch_size) == (96, 0.07, 0.001, 3)


def test_another_model_s_weights_are_changed_with_care() -> None:
    for characters in (20_000, 1_000_000):
        anew, going_on = (
            choose(
                PRESETS["auto"], characters, 65, RATE, {"units": 384}, Beginning.MODEL if there else Beginning.NOTHING
            )[0]
            for there in (False, True)
        )
        assert going_on.learning_rate < anew.learning_rate / 2
        assert going_on.units == anew.units == 384
    slow = choose(PRESETS["auto"], 20_000, 65, RATE, {"learning_rate": 1e-4}, Beginning.MODEL)[0]
    assert slow.learning_rate == PRESETS["auto"].learning_rate  # not touched: the user's own is in the recipe already


def test_what_was_chosen_is_told() -> None:
    recipe, lines = choose(PRESETS["auto"], 1_000_000, 65, RATE, {})
    assert f"{recipe.units} units" in lines[0]
    assert f"dropout {recipe.dropout:.0%}" in lines[1]


def test_a_few_readings_are_told_as_people_say_it() -> None:
    def told(minutes: float, characters: int) -> str:
        return choose(PRESETS["auto"].with_settings(minutes=minutes), characters, 65, 4e11, {})[1][-1]

    assert "the text about once, too seldom" in told(2, 4_500_000)
    assert "a part of the text, too seldom" in told(2, 100_000_000)
    assert "the text about 12 times, often enough" in told(60, 100_000)


@pytest.mark.parametrize(("slower", "wanted"), [(1.0, 1000), (1.5, 700), (0.5, 1900)])
def test_a_run_keeps_its_time_when_the_machine_changes(slower: float, wanted: int) -> None:
    pace, schedule = Pace(100, 0.0, Ends(10**9)), Schedule(1000, 0, 1 << 40)
    steps = pace.steps(schedule, 100, 10.0, 0.1 * slower, 0.0)
    assert steps == pytest.approx(100 + 900 / slower, abs=1)
    assert steps == pytest.approx(wanted, abs=1)


def test_evaluations_take_their_part_of_the_time_and_an_end_is_an_end() -> None:
    looking = Pace(100, 5.0, Ends(10**9)).steps(Schedule(2000, 100, 1 << 40), 100, 10.0, 0.1, 0.0)
    assert looking == pytest.approx(700, abs=1)  # six looks, at 200, 300, ... 700, and 600 steps: 90 seconds
    assert Pace(100, 0.0, Ends(400)).steps(Schedule(300, 0, 1 << 40), 100, 10.0, 0.1, 0.0) == 400


def test_a_run_that_has_become_no_better_for_long_enough_ends() -> None:
    pace, schedule = Pace(100, 0.0, Ends(400, patience=80)), Schedule(400, 20, 1 << 40)
    assert pace.steps(schedule, 200, 10.0, 0.1, 0.0, since_best=60) == 400
    assert pace.steps(schedule, 200, 10.0, 0.1, 0.0, since_best=80) == 200
    assert Pace(100, 0.0, Ends(400)).steps(schedule, 200, 10.0, 0.1, 0.0, since_best=180) == 400


def test_small_changes_and_first_steps_change_nothing() -> None:
    schedule = Schedule(1000, 0, 1 << 40)
    assert Pace(100, 0.0, Ends(10**9)).steps(schedule, 10, 1.0, 0.5, 0.0) == 1000
    assert Pace(100, 0.0, Ends(10**9)).steps(schedule, 100, 10.0, 0.101, 0.0) == 1000


def test_a_long_text_is_read_once_with_a_table_of_ngrams() -> None:
    """Where it would be read about once; seldom means no repetition, often means by heart."""
    slow, machine = 1e11, 4e11
    assert chosen(2, 4_500_000, machine).ngrams == chosen(2, 4_500_000, slow).ngrams > 0
    assert chosen(2, 4_500_000, machine).dropout == 0
    assert chosen(60, 4_500_000, machine).ngrams == 0
    assert chosen(0.2, 1_000_000, machine).ngrams == 0
    assert chosen(2, 4_500_000, machine, ngrams=0).ngrams == 0
    once, often = (most_passes(chosen(minutes, 4_500_000, machine), 4_500_000) for minutes in (2, 60))
    assert once == 1 < often
    without = choose(PRESETS["auto"], 100_000_000, 65, machine, {}, Beginning.MODEL)[0]
    assert without.ngrams == 0  # the model to go on from has its shape


def test_a_table_comes_with_a_model_that_reads_the_text_once() -> None:
    """Twice as fast a machine: a larger model and not a second reading. Beside a table, a smaller one than without."""
    machine = 4e11
    assert chosen(2, 4_500_000, machine).units == 384 < chosen(2, 4_500_000, machine, ngrams=0).units
    for faster in (1, 1.5, 2):
        recipe = chosen(2, 4_500_000, faster * machine)
        assert recipe.ngrams
        assert recipe.units >= chosen(2, 4_500_000, machine).units


def begun(characters: int, surprise: float, **given: float) -> Recipe:
    """The recipe where the base, as it is, takes so many nats a character."""
    given = {"units": 512, "ngrams": 0} | given
    promise = Promise(surprise, surprise, 1.0)
    return choose(PRESETS["auto"], characters, 65, RATE, given, Beginning.BASE, promise)[0]


def test_the_rate_grows_with_what_the_base_does_not_know_of_the_text() -> None:
    for characters in (20_000, 100_000, 1_000_000):
        rates = [begun(characters, nats).learning_rate for nats in (0.8, 1.5, 1.9, 2.3, 3.0, math.inf)]
        assert rates[0] == rates[1]  # what it writes as well as its own texts
        assert rates[1] < rates[2] < rates[3] <= rates[4] == rates[5]
        assert rates[2] == pytest.approx(2 * rates[1], rel=0.05)
        assert rates[5] == pytest.approx(6 * rates[1], rel=0.05)
    slow = begun(20_000, 4.0, learning_rate=1e-4)
    assert slow.learning_rate == PRESETS["auto"].learning_rate  # not touched: the user's own is in the recipe already


def test_what_the_base_knows_does_not_decay_where_it_is_of_use() -> None:
    """The decay grows with the rate, from none to what it is from nothing; from the user's own model it is the same."""
    most = PRESETS["auto"].weight_decay
    decays = [begun(1_000_000, nats).weight_decay for nats in (0.8, 1.5, 1.8, 2.2, 3.0, math.inf)]
    assert decays[0] == decays[1] == 0
    assert 0 < decays[2] < decays[3] < decays[4] == decays[5] == most
    for beginning in (Beginning.NOTHING, Beginning.MODEL):
        assert choose(PRESETS["auto"], 1_000_000, 65, RATE, {}, beginning)[0].weight_decay == most
    own = begun(1_000_000, 0.8, weight_decay=0.2)
    assert own.weight_decay == most  # not touched: the user's own is in the recipe already


def test_a_small_text_is_read_less_often_and_more_slowly_from_the_base() -> None:
    for characters, slower in ((20_000, 24), (100_000, 18), (1_000_000, 4)):
        anew = choose(PRESETS["auto"], characters, 65, RATE, {"units": 512, "ngrams": 0})[0]
        based = begun(characters, 1.1)
        assert based.learning_rate == pytest.approx(anew.learning_rate / slower, rel=1e-9)
        small = characters < 400_000
        assert based.dropout == 0
        assert (waits(characters, Beginning.BASE) is not None) == small
        assert waits(characters, Beginning.NOTHING) is None


def test_from_the_base_a_larger_text_has_lanes_that_look_back_twice_as_far_and_are_half_as_many() -> None:
    size, promise = {"units": 768, "ngrams": 0}, Promise(1.5, 1.5, 1.0)
    recipe = PRESETS["auto"].with_settings(**size)
    anew = choose(recipe, 1_000_000, 65, RATE, size)[0]
    based = choose(recipe, 1_000_000, 65, RATE, size, Beginning.BASE, promise)[0]
    assert (based.sequence_length, based.batch_size) == (2 * anew.sequence_length, anew.batch_size // 2)
    assert based.momentum < anew.momentum
    on_gpu = choose(recipe.with_settings(device="cuda"), 1_000_000, 65, RATE, size, Beginning.BASE, promise)[0]
    assert (on_gpu.sequence_length, on_gpu.batch_size) == (anew.sequence_length, anew.batch_size)
    assert on_gpu.momentum == based.momentum
    hasty = choose(recipe.with_settings(minutes=0.2), 1_000_000, 65, RATE, size, Beginning.BASE, promise)[0]
    assert (hasty.sequence_length, hasty.batch_size) == (anew.sequence_length, anew.batch_size)  # in more places
    assert hasty.momentum == based.momentum
    own = size | {"sequence_length": 64, "momentum": 0.95}
    for characters, given, beginning in (
        (1_000_000, own, Beginning.BASE),
        (100_000, size, Beginning.BASE),
        (1_000_000, size, Beginning.MODEL),
    ):
        other = choose(recipe, characters, 65, RATE, given, beginning, promise)[0]
        assert (other.sequence_length, other.momentum) == (anew.sequence_length, anew.momentum)


def test_from_the_base_a_larger_text_is_read_the_less_often_the_more_of_the_base_stays() -> None:
    passes = [most_passes(begun(1_000_000, nats), 1_000_000, Beginning.BASE) for nats in (0.8, 1.5, 1.8, 2.2, 3.0)]
    assert passes[0] == passes[1] == 3
    assert 3 < passes[2] < passes[3] < passes[4] == pytest.approx(12)
    near, far = (begun(1_000_000, nats).dropout for nats in (1.5, 3.0))
    assert near == 0 < far
    assert most_passes(begun(100_000, 1.5), 100_000, Beginning.BASE) == 12  # it ends when it has turned
    for beginning in (Beginning.NOTHING, Beginning.MODEL):
        assert most_passes(PRESETS["auto"], 1_000_000, beginning) == 12


def test_what_is_kept_of_a_larger_text_is_the_mean_of_all_steps_where_the_base_knows_it() -> None:
    own = PRESETS["auto"].average

    def remembered(recipe: Recipe) -> float:
        """The share of its steps that are in the mean."""
        steps = most_passes(recipe, 450_000, Beginning.BASE) * 450_000 / (recipe.batch_size * recipe.sequence_length)
        return 1 / (1 - recipe.average) / steps

    near, between = (begun(450_000, nats) for nats in (1.5, 1.8))
    assert remembered(near) == pytest.approx(1, rel=0.05)
    assert remembered(near) > remembered(between) > 0.3
    for nats in (2.2, 3.0):
        assert begun(450_000, nats).average == own  # little of the base stays
    assert begun(100_000, 1.5).average == own  # it ends when it has turned
    assert begun(450_000, 1.5, average=0.9).average == own  # not touched: the user's own is in the recipe already
    known = Promise(1.5, 1.5, 1.0)
    twice, often = (
        choose(PRESETS["auto"].with_settings(epochs=epochs), 450_000, 65, RATE, {}, Beginning.BASE, known)[0]
        for epochs in (2, 2.5)
    )
    assert twice.average == own < often.average < near.average  # there is no time to read it three times
    for beginning in (Beginning.NOTHING, Beginning.MODEL):
        assert choose(PRESETS["auto"], 450_000, 65, RATE, {}, beginning)[0].average == own


@pytest.mark.parametrize(
    ("base", "counting", "known", "characters", "minutes", "expected"),
    [
        (1.1, 1.4, 1.0, 18_000, 2, True),
        (1.7, 1.4, 1.0, 90_000, 2, True),
        (4.2, 1.5, 1.0, 90_000, 2, False),  # a notation that it does not know
        (2.7, 2.5, 1.0, 90_000, 2, True),  # names: letters that it knows, few words
        (1.1, 1.4, 0.5, 18_000, 2, False),  # half of the text is in another script
        (1.1, 1.2, 1.0, 4_500_000, 2, False),  # there is time to read it once, with a table of n-grams
        (1.1, 1.2, 1.0, 400_000_000, 2, True),
    ],
)
def test_the_base_helps_where_it_is_near_the_text_and_the_text_is_small_for_the_time(
    base: float, counting: float, known: float, characters: int, minutes: float, expected: bool
) -> None:
    recipe = PRESETS["auto"].with_settings(minutes=minutes, units=512)
    assert helps(Promise(base, counting, known), recipe, characters, 65, 4e11) == expected
