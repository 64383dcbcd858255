"""The page, from memory: nothing on the disk can be named by a request."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from understudy.serving.refusals import Refused

_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript"}


class Site:
    """The files of the page."""

    def __init__(self) -> None:
        """Read them all."""
        own, shared = files("understudy.serving") / "page", files("understudy.pages")
        found = [entry for entry in own.iterdir() if entry.name.rpartition(".")[2] in _TYPES]
        found.append(shared / "base.css")
        self._files = {entry.name: entry.read_bytes() for entry in found}

    async def index(self, _: Request) -> Response:
        """The page itself."""
        return self._reply("index.html")

    async def file(self, request: Request) -> Response:
        """One of its parts.

        Raises:
            Refused: there is none of that name.
        """
        return self._reply(request.path_params["name"])

    def _reply(self, name: str) -> Response:
        if name not in self._files:
            raise Refused(404, "there is nothing of that name here", code="not_found")
        kind = _TYPES[name.rpartition(".")[2]]
        return Response(self._files[name], media_type=kind, headers={"cache-control": "no-cache"})
