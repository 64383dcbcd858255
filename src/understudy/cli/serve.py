"""`understudy serve`: models for programs and for a page, on this machine."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from understudy import checks
from understudy.cli.arguments import Parser, whole
from understudy.errors import ConfigError, MissingExtraError
from understudy.showing.terminal import say

if TYPE_CHECKING:
    from understudy.serving.gate import Policy

HOST, PORT, KEY = "127.0.0.1", 8000, "UNDERSTUDY_API_KEY"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="serve models to programs, and a page to learn and write with",
        description="Serve models on this machine: a page to learn, write and see with, and /v1/completions.",
        epilog=f"Others than this machine may ask only where {KEY} holds a key, which they must bring.",
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="run folders, model files, or folders with runs in them (default @shakespeare), beside the runs in runs/",
    )
    parser.add_argument("--host", default=HOST, metavar="NAME", help=f"where to listen (default {HOST})")
    parser.add_argument("--port", type=whole, default=PORT, metavar="N", help=f"0 takes a free one (default {PORT})")
    parser.add_argument("--runs", default="runs", metavar="FOLDER", help="where the page keeps its runs (default runs)")
    parser.add_argument("--allow-host", action="append", metavar="NAME", help="a name that requests may be for")
    parser.add_argument("--allow-origin", action="append", metavar="ORIGIN", help="pages of this origin may ask too")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Serve; the status."""
    port = checks.whole("--port", parsed.port, 0, 65535)
    host, runs = checks.text("--host", parsed.host), checks.place("--runs", parsed.runs)
    key = _key(host)
    try:
        from understudy.serving.limits import Limits
        from understudy.serving.offered import offered
        from understudy.serving.server import Settings, bind, serve
    except ModuleNotFoundError as error:
        if error.name not in ("anyio", "h11", "starlette", "uvicorn"):
            raise
        raise MissingExtraError(f"serve: {error.name} is not installed; pip install 'understudy[serve]'") from error
    limits = Limits()
    policy = _policy(parsed, host, key)
    models = offered(parsed.models, runs, limits)
    listener = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/"

    def ready() -> None:
        say(f"{address}  serves {', '.join(map(checks.named, models.names()))}; Ctrl-C ends it")
        if parsed.open:
            from webbrowser import open_new_tab

            open_new_tab(address)

    try:
        serve(models, listener, Settings(Path(runs), policy, limits), ready)
    except KeyboardInterrupt:
        say("stopped")
    return 0


def _key(host: str) -> str | None:
    """The key that requests must bring.

    Raises:
        ConfigError: others than this machine could ask, and there is none; or it is none that a header can hold.
    """
    key = os.environ.get(KEY)
    if key is None:
        if host not in _LOOPBACK:
            raise ConfigError(
                f"--host {checks.shown(host)}: others than this machine could ask; put a key that they must bring "
                f"into {KEY}, or leave --host out"
            )
        return None
    if len(key) < 16 or not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(f"{KEY}: expected at least 16 printable ASCII characters without spaces")
    return key


def _policy(parsed: argparse.Namespace, host: str, key: str | None) -> "Policy":
    from understudy.serving.gate import policy

    hosts = [*(parsed.allow_host or []), *([] if host in _LOOPBACK else [host])]
    origins = parsed.allow_origin or []
    for origin in origins:
        if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
            raise ConfigError(f"--allow-origin {checks.shown(origin)}: expected http://NAME:PORT or https://NAME:PORT")
    return policy(hosts, origins, key, beyond=host not in _LOOPBACK)
