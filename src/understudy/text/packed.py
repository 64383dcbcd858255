"""What was packed, unpacked again: gzip, bzip2, xz and Zstandard, known by their first bytes and never by a name."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any

from understudy.checks import named
from understudy.errors import MissingExtraError

HEAD_BYTES = 10
"""So many bytes at its beginning tell what a file is."""
_BLOCK = 1 << 16
_XZ_MEMORY = 1 << 28
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\0"
_BZIP2 = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
"""What follows `BZh` and a digit: a block, or the end of an empty file. The first four bytes might be a text's."""
_ZSTANDARD, _SKIPPED = b"\x28\xb5\x2f\xfd", b"*M\x18"


class DamagedError(Exception):
    """What is packed ends too soon, or is none of what its beginning says."""

    def __init__(self, form: str, error: object) -> None:
        super().__init__(f"the {form} file is damaged: {error}")


def unpacked(file: IO[bytes], head: bytes, name: str) -> IO[bytes]:
    """A file's bytes; those of a packed file are what was packed, and closing that closes the file.

    Reading what is damaged raises `DamagedError`.

    Args:
        file: the file, at its beginning.
        head: its first `HEAD_BYTES` bytes, or all where there are fewer.
        name: the file's, for messages.

    Raises:
        MissingExtraError: it is packed with Zstandard, which nothing here unpacks.
    """
    form = _form(head)
    if form is None:
        return file
    return io.BufferedReader(_Gzip(file) if form == "gzip" else _Unpacked(form, _unpacker(form, name), file), _BLOCK)


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is packed."""
    return _form(head) is not None


def _form(head: bytes) -> str | None:
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_XZ):
        return "xz"
    if head.startswith(b"BZh") and head[3:4].isdigit() and head[4:10] in _BZIP2:
        return "bzip2"
    if head.startswith(_ZSTANDARD) or (head[1:4] == _SKIPPED and 0x50 <= head[0] <= 0x5F):
        return "Zstandard"
    return None


def _unpacker(form: str, name: str) -> Callable[[], Any]:
    if form == "xz":
        return lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    return bz2.BZ2Decompressor if form == "bzip2" else _zstandard(name)


def _zstandard(name: str) -> Callable[[], Any]:
    try:
        from compression import zstd  # Python's own from 3.14 on
    except ImportError:
        try:
            from backports import zstd
        except ImportError as error:
            raise MissingExtraError(
                f"{named(name)}: packed with Zstandard, and backports.zstd is not installed; "
                f"pip install 'understudy[zstd]'"
            ) from error
    found: Callable[[], Any] = zstd.ZstdDecompressor
    return found


class Over(io.RawIOBase):
    """What is made of a file as it is read; closing it closes the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def fileno(self) -> int:
        """The file's number."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


class _Gzip(Over):
    """A gzip file, of one member or several."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._inside = gzip.GzipFile(fileobj=file, mode="rb")

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        try:
            return self._inside.readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DamagedError("gzip", error) from error

    def close(self) -> None:
        if not self.closed:
            self._inside.close()
        super().close()


class _Unpacked(Over):
    """One stream after another, each unpacked piece by piece: never more than is asked for."""

    def __init__(self, form: str, new: Callable[[], Any], file: IO[bytes]) -> None:
        super().__init__(file)
        self._form = form
        self._new = new
        self._unpacker = new()

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while True:
            data = b""
            if self._unpacker.eof:
                data = self._unpacker.unused_data.lstrip(b"\0") or self._file.read(_BLOCK).lstrip(b"\0")
                if not data:
                    return 0
                self._unpacker = self._new()
            elif self._unpacker.needs_input:
                data = self._file.read(_BLOCK)
                if not data:
                    raise DamagedError(self._form, "it ends before what is packed in it does")
            try:
                taken = self._unpacker.decompress(data, len(buffer))
            except Exception as error:  # each format has its own
                raise DamagedError(self._form, error) from error
            if taken:
                buffer[: len(taken)] = taken
                return len(taken)
