"""Corpora with a name: `@python`, already on every machine, and `@shakespeare`, fetched once and checked."""

import ast
import functools
import hashlib
import io
import sysconfig
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from understudy.checks import named
from understudy.errors import DownloadError, TextError
from understudy.text import cache

SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SHAKESPEARE_ADDRESSES = (
    "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
)

_SHAKESPEARE = "shakespeare.txt"

# Not in every distribution of CPython.
_LEFT_OUT = {"turtle.py"}


def names() -> tuple[str, ...]:
    """The names that `opener` knows."""
    return tuple(_OPENERS)


def opener(name: str, *, fetched: bool = False) -> Callable[[], IO[bytes]]:
    """A function that opens the corpus `name` as UTF-8 bytes.

    Args:
        name: `@` and the corpus's name.
        fetched: whether it must be on this machine already.

    Raises:
        TextError: no corpus has that name, or it is not on this machine.
        DownloadError: the corpus could not be fetched (raised at once, not when it is opened).
    """
    if name not in _OPENERS:
        raise TextError(f"{named(name)}: no corpus of that name; there are {', '.join(names())}")
    if fetched and name == "@shakespeare" and _kept(_SHAKESPEARE, SHAKESPEARE_SHA256) is None:
        raise TextError(f"{name}: is not on this machine; name it yourself, and it is fetched")
    return _OPENERS[name]()


def python_prose() -> str:
    """English prose that every CPython carries: its language topics, then its library's docstrings.

    About 1.2 MB, read in name order, the same on every run of one Python version; no network.
    """
    from pydoc_data.topics import topics

    library = Path(sysconfig.get_paths()["stdlib"])
    pieces = [topics[name].strip() for name in sorted(topics)]
    for path in sorted(library.glob("*.py"), key=lambda path: path.name):
        if not path.name.startswith("_") and path.name not in _LEFT_OUT:
            pieces += _docstrings(path)
    return "\n\n\n".join(pieces) + "\n"


def _docstrings(path: Path) -> list[str]:
    """The docstrings of a module, its classes and its functions, in the order of the file."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_bytes())
    nodes = [node for node in ast.walk(tree) if isinstance(node, documented)]
    nodes.sort(key=lambda node: getattr(node, "lineno", 0))
    return [text.strip() for node in nodes if (text := ast.get_docstring(node)) and text.strip()]


def _python() -> Callable[[], IO[bytes]]:
    data = python_prose().encode()
    return lambda: io.BytesIO(data)


def _shakespeare() -> Callable[[], IO[bytes]]:
    path = fetch(_SHAKESPEARE, SHAKESPEARE_ADDRESSES, SHAKESPEARE_SHA256)
    return lambda: path.open("rb")


_OPENERS: dict[str, Callable[[], Callable[[], IO[bytes]]]] = {
    "@python": _python,
    "@shakespeare": _shakespeare,
}


def fetch(file_name: str, addresses: tuple[str, ...], sha256: str) -> Path:
    """Fetch a file once into the cache folder, from the first address that gives the right bytes.

    Where there can be no cache folder, a temporary one serves until the program ends.

    Raises:
        DownloadError: the folder cannot be written, or no address gave a file with that SHA-256; nothing is kept.
    """
    kept = _kept(file_name, sha256)
    return kept if kept is not None else _fetched(_folder(file_name), file_name, addresses, sha256)


def _kept(file_name: str, sha256: str) -> Path | None:
    """A fetched file, if it is there and whole."""
    root = cache.cache_folder()
    path = Path(_temporary().name) / file_name if root is None else root / cache.CORPORA / file_name
    with suppress(OSError), path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            return path
    return None


def _fetched(folder: Path, file_name: str, addresses: tuple[str, ...], sha256: str) -> Path:
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("ERROR")
    reasons = []
    for address in addresses:
        try:
            kept = pooch.retrieve(
                address,
                known_hash=f"sha256:{sha256}",
                fname=file_name,
                path=folder,
                downloader=pooch.HTTPDownloader(timeout=30),
            )
            return Path(kept)
        except (RequestException, OSError, ValueError) as error:
            reasons.append(f"{address}: {_reason(error)}")
    raise DownloadError(
        f"cannot fetch {file_name}: {'; '.join(reasons)}; put the file there yourself and name its path instead"
    )


def _folder(file_name: str) -> Path:
    """The folder to fetch into, seen to be one that can be written before anything is asked for."""
    try:
        if cache.cache_folder() is None:
            return Path(_temporary().name)
        folder = cache.private_folder(cache.CORPORA)
        cache.forget_old(cache.CORPORA)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise DownloadError(
            f"cannot fetch {file_name}: {named(str(cache.cache_folder()))} cannot be written: {error.strerror}; set "
            f"UNDERSTUDY_CACHE to a folder that can be, or name the file's path instead"
        ) from error


@functools.cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    """A folder that goes when the program ends."""
    return tempfile.TemporaryDirectory(prefix="understudy-")


def _reason(error: Exception) -> str:
    """One short line for why an address failed."""
    if isinstance(error, ValueError) and "hash" in str(error):
        return "it came with another SHA-256 than the expected one"
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
