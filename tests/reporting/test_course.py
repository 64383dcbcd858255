"""The course of a run is what it wrote down, without what was done again."""

import json
from pathlib import Path

import pytest

from understudy.reporting.course import Point, at_step, course_of, smoothed, spread_out
from understudy.reporting.pictures import _ticks, calibration, compact, curves, duration


def lines(*reports: dict[str, object]) -> str:
    return "".join(json.dumps(report) + "\n" for report in reports)


def report(step: int, loss: float, look: float | None = None) -> dict[str, object]:
    figures: dict[str, object] = {"step": step, "epoch": step / 10, "train_loss": loss, "characters_per_second": 50.0}
    return figures if look is None else {**figures, "validation_loss": look, "validation_loss_streamed": look - 0.1}


def test_what_came_before_a_setback_and_after_its_step_is_gone(tmp_path: Path) -> None:
    again = lines(
        report(10, 3.0, 3.1), report(20, 2.0, 2.2), {"step": 10, "setback": "not finite"}, report(20, 2.5, 2.4)
    )
    (tmp_path / "metrics.jsonl").write_text(again)
    (tmp_path / "samples.txt").write_text(
        "--- step 10 ---\na\n\n--- step 20 ---\nb\n\n--- step 20 ---\nc\n\n", encoding="utf-8"
    )
    found = course_of(tmp_path, 1000, whole_characters=False)
    assert [(point.step, point.train) for point in found.points] == [(10, 3.0), (20, 2.5)]
    assert found.samples == [(10, "a"), (20, "c")]
    assert found.setbacks == ["not finite"]
    assert [point.seconds for point in found.points] == [20.0, 40.0]
    assert at_step(found.points, 15) == (1500.0, 30.0)


def test_a_sample_that_looks_like_the_next_one_is_one(tmp_path: Path) -> None:
    odd = ("\n\n--- step 20 ---\n" * 20)[:200]
    (tmp_path / "metrics.jsonl").write_text(lines(report(10, 3.0, 3.0), report(20, 2.0, 2.0)))
    (tmp_path / "samples.txt").write_text(f"--- step 10 ---\n{odd}\n\n--- step 20 ---\n{'x' * 200}\n\n")
    found = course_of(tmp_path, 1000, whole_characters=True)
    assert found.samples == [(10, odd), (20, "x" * 200)]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "nonsense\n",
        "[1]\n",
        '{"step": "1"}\n',
        '{"step": 1, "train_loss": NaN, "epoch": 1}\n',
        "{" * 9999,
        '{"step": 1' + "0" * 400 + "}\n",
    ],
)
def test_what_cannot_be_read_is_passed_over(written: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(written + lines(report(10, 3.0)))
    assert [point.step for point in course_of(tmp_path, 10, whole_characters=True).points] in ([10], [])
    (tmp_path / "metrics.jsonl").write_text(lines({**report(5, 3.0), "train_loss": 10**400}, report(10, 3.0)))
    assert [point.step for point in course_of(tmp_path, 10, whole_characters=True).points] == [10]
    assert course_of(tmp_path / "nowhere", 10, whole_characters=True).points == []


def test_many_points_are_means_of_some_in_a_row() -> None:
    points = [Point(step, 0.0, 0.0, float(step), None, None) for step in range(1, 1001)]
    found = smoothed(points, 160)
    assert len(found) <= 160
    assert all(step == loss for step, loss in found)
    assert smoothed(points[:5], 160) == [(step, step) for step in range(1, 6)]


@pytest.mark.parametrize(("places", "most"), [(0, 3), (3, 3), (4, 3), (1000, 40)])
def test_some_of_many_have_the_first_and_the_last(places: int, most: int) -> None:
    found = spread_out(places, most)
    assert len(found) == min(places, most)
    assert not places or (found[0], found[-1]) == (0, places - 1)


@pytest.mark.parametrize(("low", "high"), [(1.2, 4.3), (2.0, 2.0), (0.0, 1e-9), (0.0, 123456.0), (0.9999, 1.0001)])
def test_ticks_are_few_and_go_around(low: float, high: float) -> None:
    found = _ticks(low, high)
    assert found[0] <= low + 1e-9
    assert found[-1] >= high - 1e-9
    assert 2 <= len(found) <= 8


def test_pictures_stand_within_their_frames() -> None:
    points = [Point(step, step * 10.0, step * 2.0, 5 / step, 4 / step, 3 / step) for step in range(1, 60)]
    for picture in (curves(points, 40, "character"), curves(points[:1], None, "byte"), calibration([])):
        for pair in picture.split('points="')[1:]:
            for place in pair.split('"')[0].split():
                x, y = map(float, place.split(","))
                assert 0 <= x <= 420
                assert 0 <= y <= 320


def test_numbers_in_few_letters() -> None:
    assert [compact(number) for number in (0, 999, 1000, 12_345, 999_900, 1e6, 2.5e9)] == [
        *("0", "999", "1k", "12.3k", "1,000k", "1M", "2.5G"),
    ]
    assert [duration(seconds) for seconds in (0.5, 12.4, 90, 7200)] == ["0.5 s", "12 s", "1.5 min", "2 h"]
