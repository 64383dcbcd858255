"""Which address leads where."""

import asyncio
import time
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from understudy.serving import learning
from understudy.serving.completions import Completions, model_document
from understudy.serving.desk import Desk
from understudy.serving.gate import Gate, Policy
from understudy.serving.limits import Limits
from understudy.serving.offered import Offered, Told
from understudy.serving.refusals import Refused
from understudy.serving.site import Site
from understudy.serving.views import Views


def application(models: Offered, desk: Desk, runs: Path, limits: Limits, policy: Policy) -> ASGIApp:
    """The server's application.

    Args:
        models: what requests may name.
        desk: runs them.
        runs: the folder of the runs that the page begins and shows.
        limits: bounds of what may be asked for.
        policy: who may ask.
    """
    since, site, views = int(time.time()), Site(), Views(models, desk, limits)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "texts": desk.waiting})

    async def listed(_: Request) -> Response:
        there = await asyncio.to_thread(models.all)
        return JSONResponse({"object": "list", "data": [model_document(model, since) for model in there]})

    async def one(request: Request) -> Response:
        model = await models.find(request.path_params["name"])
        return JSONResponse(model_document(Told(model.name, model.vocabulary.kind, model.config), since))

    router = Router(
        [
            Route("/", site.index),
            Route("/page/{name}", site.file),
            Route("/health", health),
            Route("/v1/models", listed),
            Route("/v1/models/{name:path}", one),
            Route("/v1/completions", Asgi(Completions(models, desk, limits)), methods=["POST"]),
            Route("/studio/score", Asgi(views.score), methods=["POST"]),
            Route("/studio/next", Asgi(views.next), methods=["POST"]),
            Route("/studio/units", Asgi(views.units), methods=["POST"]),
            Route("/studio/copies", views.copies, methods=["POST"]),
            *learning.routes(runs, limits.depth),
        ],
        redirect_slashes=False,
    )

    async def found(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await router({**scope, "app": None}, receive, send)
        except HTTPException as error:
            told = {404: "there is nothing of that name here", 405: "not with this method"}
            message = told.get(error.status_code, error.detail)
            raise Refused(error.status_code, message, code="not_found") from error

    return Gate(found, policy, limits)


class Asgi:
    """An endpoint that answers as ASGI has it, and not by a response that it returns."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._application(scope, receive, send)
