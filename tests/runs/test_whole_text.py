"""`--use-all-text`: a run that holds text back finds out how long to train; a second one learns from everything."""

from pathlib import Path
from typing import Any

import pytest

from tests.runs.conftest import SMALL
from understudy.errors import ConfigError
from understudy.layout import HELD_BACK, MODEL
from understudy.model import file
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session
from understudy.runs.whole_text import sessions


def request(out: Path, *texts: Path, resume: bool = False, **settings: Any) -> Request:
    options = TextOptions(tuple(map(str, texts))) if texts else None
    given = {} if resume else SMALL | settings
    return Request(options, None if resume else "tiny", given, out, resume, whole_text=not resume)


def run(wanted: Request, stop_at: tuple[int, int] | None = None) -> list[Session]:
    """Run the sessions of a request; `stop_at` is a session's place and the step after which the user stops it."""
    done = []
    for place, session in enumerate(sessions(wanted)):
        done.append(session)
        try:
            for _ in session.prepare():
                pass
            for _ in session.reports():
                if stop_at == (place, session.trainer.progress.step):
                    session.save()
                    return done
        finally:
            session.close()
    return done


def test_the_second_run_learns_from_everything_for_as_long_as_the_first_did_well(text: Path, tmp_path: Path) -> None:
    first, second = run(request(tmp_path / "run", text))
    length = len(text.read_text())
    assert first.folder.path == tmp_path / "run" / HELD_BACK
    assert first.material.validation is not None
    assert second.material.validation is None
    assert len(second.material.train) == length
    best = first.trainer.progress.best_step
    assert second.trainer.progress.step == round(best * length / len(first.material.train))
    written, before = file.read(tmp_path / "run").training, file.read(first.folder.path).training
    assert written["corpus"]["train_characters"] == length
    assert written["held_back"] == {name: before[name] for name in written["held_back"]}
    assert written["held_back"]["validation_loss"] == first.trainer.progress.best_loss
    assert second.result()["held_back"] == written["held_back"]
    same = set(before["recipe"]) - {"steps", "validation", "evaluate_every"}
    assert {name: written["recipe"][name] for name in same} == {name: before["recipe"][name] for name in same}


@pytest.mark.parametrize("stop_at", [(0, 13), (1, 5)])
def test_interrupted_in_either_run_it_goes_on_to_the_same_model(
    stop_at: tuple[int, int], text: Path, tmp_path: Path
) -> None:
    run(request(tmp_path / "whole", text))
    stopped = run(request(tmp_path / "parts", text), stop_at)
    assert not stopped[-1].finished
    assert stopped[-1].resume_command.endswith(f"--out {tmp_path / 'parts'} --resume")
    resumed = run(request(tmp_path / "parts", resume=True))
    assert len(resumed) == 2 - stop_at[0]
    whole, parts = ((tmp_path / name / MODEL).read_bytes() for name in ("whole", "parts"))
    assert whole == parts


def test_a_plain_run_in_the_place_of_such_a_run_goes_on_as_a_plain_run(text: Path, tmp_path: Path) -> None:
    run(request(tmp_path / "run", text))
    plain = Request(TextOptions((str(text),)), "tiny", SMALL | {"units": 9}, tmp_path / "run", overwrite=True)
    run(plain, (0, 5))
    (resumed,) = run(request(tmp_path / "run", resume=True))
    assert resumed.finished
    assert resumed.facts.recipe.units == 9
    assert "held_back" not in resumed.result()


def test_such_a_run_in_the_place_of_a_plain_one_goes_on_as_such(text: Path, tmp_path: Path) -> None:
    run(Request(TextOptions((str(text),)), "tiny", SMALL | {"units": 9}, tmp_path / "run"))
    wanted = request(tmp_path / "run", text)
    run(Request(wanted.texts, "tiny", wanted.settings, wanted.out, overwrite=True, whole_text=True), (0, 5))
    first, second = run(request(tmp_path / "run", resume=True))
    assert first.facts.recipe.units == second.facts.recipe.units == SMALL["units"]
    assert second.finished


def test_without_a_held_back_part_there_is_nothing_to_find_out(text: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--use-all-text"):
        run(request(tmp_path / "run", text, validation=0.0))
    assert not (tmp_path / "run").exists()


def test_the_minutes_are_those_of_both_runs(text: Path, tmp_path: Path) -> None:
    wanted = request(tmp_path / "run", text)
    settings = {name: value for name, value in wanted.settings.items() if name != "steps"} | {"minutes": 2.0}
    first = next(sessions(Request(wanted.texts, "tiny", settings, wanted.out, whole_text=True)))
    assert 0.8 < first.request.settings["minutes"] < 1.0
