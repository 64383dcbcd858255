"""What the page asks for to learn: what is in a text, the runs of a folder, and beginning, stopping, going on."""

import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from understudy import checks
from understudy.errors import UserError
from understudy.serving import shelf
from understudy.serving.refusals import Refused
from understudy.serving.replies import json_of
from understudy.serving.sittings import Sittings
from understudy.text.amount import RARE, advice
from understudy.text.corpus import Survey
from understudy.text.vocabulary import code_points
from understudy.training.recipe import DEFAULT_PRESET, preset

LONGEST = 64 << 20
"""Characters of a text that comes from the page."""
_SHORTEST_MINUTES, _LONGEST_MINUTES = 0.1, 10_080
_HEAD, _COMMON, _SHOWN_RARE = 400, 24, 60
Handler = Callable[[Request], Awaitable[Response]]


def routes(folder: Path, depth: int) -> list[Route]:
    """The addresses of learning, for the runs of a folder; JSON may lie so deep."""
    learn = _Learning(Sittings(folder))
    found: list[tuple[str, str, Callable[[Request, Any], Any], int]] = [
        ("/studio/runs", "GET", learn.all, 200),
        ("/studio/runs", "POST", learn.begin, 201),
        ("/studio/runs/{name}", "GET", learn.one, 200),
        ("/studio/runs/{name}/stop", "POST", learn.stop, 202),
        ("/studio/runs/{name}/resume", "POST", learn.resume, 202),
        ("/studio/survey", "POST", learn.survey, 200),
    ]
    return [Route(path, _answering(work, status, depth), methods=[method]) for path, method, work, status in found]


def _answering(work: Callable[[Request, Any], Any], status: int, depth: int) -> Handler:
    """A handler that does its work in a thread."""

    async def answer(request: Request) -> Response:
        given = await json_of(request, depth) if request.method == "POST" else None
        try:
            return JSONResponse(await run_in_threadpool(work, request, given), status)
        except UserError as error:
            raise Refused(400, str(error)) from error

    return answer


class _Learning:
    """The answers; what starts or ends processes, one after the other."""

    def __init__(self, sittings: Sittings) -> None:
        self._sittings, self._lock = sittings, threading.Lock()

    def all(self, request: Request, given: Any) -> dict[str, Any]:
        """The runs of the folder, the newest first."""
        with self._lock:
            runs = [self._told(run) for run in shelf.runs_in(self._sittings.folder)]
        runs.sort(key=lambda run: run["changed"] or 0, reverse=True)
        return {"runs": runs, "minutes": preset(DEFAULT_PRESET).minutes}

    def one(self, request: Request, given: Any) -> dict[str, Any]:
        """One of them, with its metrics since a place, and its last samples."""
        run, asked = self._run(request), request.query_params
        told = asked.get("since", "0")
        since = checks.whole("since", int(told) if told.isdecimal() and len(told) < 20 else told, 0)
        found = shelf.journal(run, since, asked.get("mark", ""))
        with self._lock:
            card = self._told(run)
        return {"run": card, "journal": found._asdict(), "samples": shelf.samples(run)}

    def survey(self, request: Request, given: Any) -> dict[str, Any]:
        """What is in a text."""
        seen = _survey(_text(given))
        signs = [(chr(code), int(count)) for code, count in zip(seen.codes, seen.counts, strict=True)]
        rare = [sign for sign, count in signs if count < RARE]
        common = sorted(signs, key=lambda sign: -sign[1])
        return {
            "characters": seen.length,
            "distinct": len(signs),
            "common": common[:_COMMON],
            "rare": {"count": len(rare), "shown": rare[:_SHOWN_RARE], "fewer_than": RARE},
            "carriage_returns": seen.carriage_returns,
            "advice": advice(seen.length),
            "minutes": preset(DEFAULT_PRESET).minutes,
        }

    def begin(self, request: Request, given: Any) -> dict[str, Any]:
        """Begin a run on a text."""
        text = _text(given)
        _survey(text)
        name = checks.text("name", given.get("name"))
        minutes = checks.number("minutes", given.get("minutes"), _SHORTEST_MINUTES, _LONGEST_MINUTES)
        newlines = checks.one_of("newlines", given.get("newlines", "keep"), ("keep", "lf"))
        with self._lock:
            return {"name": self._sittings.begin(name, text, minutes, lf=newlines == "lf")}

    def stop(self, request: Request, given: Any) -> dict[str, Any]:
        """Stop a run; its checkpoint is written first."""
        run = self._run(request)
        with self._lock:
            self._sittings.stop(run)
            return self._told(run)

    def resume(self, request: Request, given: Any) -> dict[str, Any]:
        """Let a run go on."""
        run = self._run(request)
        with self._lock:
            self._sittings.go_on(run)
            return self._told(run)

    def _run(self, request: Request) -> Path:
        return shelf.run_named(self._sittings.folder, request.path_params["name"])

    def _told(self, run: Path) -> dict[str, Any]:
        told, state = shelf.card(run), self._sittings.state(run)
        if state == "resting":
            state = "done" if told.pop("finished") or told["steps"] is None else "stopped"
        else:
            told.pop("finished")
        trouble = self._sittings.trouble(run) if state == "failed" else None
        return {**told, "state": state, "trouble": trouble, "resumable": state != "done" and shelf.resumable(run)}


def _text(given: Any) -> str:
    """The text of a request.

    Raises:
        ConfigError: there is none.
        Refused: it is no text to learn from.
    """
    if not isinstance(given, dict):
        raise Refused(400, "expected a JSON object")
    text = checks.text("text", given.get("text"))
    if len(text) > LONGEST:
        raise Refused(413, f"text: {len(text):,} characters; learn it with understudy train", param="text")
    if "\0" in text:
        raise Refused(400, "text: has NUL characters, so it is no text", param="text")
    return text.removeprefix("\ufeff")


def _survey(text: str) -> Survey:
    codes, counts = np.unique(code_points(text), return_counts=True)
    if ((codes >= 0xD800) & (codes <= 0xDFFF)).any():
        raise Refused(400, "text: has halves of characters, so it is no text", param="text")
    if not len(codes):
        raise Refused(400, "text: there is nothing to learn from", param="text")
    return Survey("characters", len(text), "", codes.astype(np.int64), counts.astype(np.int64))
