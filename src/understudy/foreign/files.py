"""Which file or files a name stands for, what they are by their first bytes, and what is refused by name."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign import hdf5, keras, objects, state_dict, tensors
from understudy.foreign.bundle import Bundle
from understudy.foreign.layers import Found
from understudy.foreign.reading import Reader
from understudy.model.container import check_regular
from understudy.storage import sha256_of

EXPECTED = (
    "expected Keras's .keras, .h5 or .weights.h5, a TensorFlow checkpoint (NAME.index with its data, or the folder), "
    "or a PyTorch state dict in .safetensors"
)
INDEX, _CHECKPOINT = ".index", "checkpoint"
_DATA = re.compile(r"(.+)\.data-\d{5}-of-\d{5}", re.DOTALL)
_LATEST = re.compile(r'^model_checkpoint_path: "([^"\n]{1,1000})"$', re.MULTILINE)
_CONFIGURATION, _WEIGHTS, _VERSIONS = "config.json", "model.weights.h5", "metadata.json"
_LARGEST_CONFIGURATION, _LARGEST_LIST, _MOST_MEMBERS = 1 << 24, 1 << 20, 1 << 12
_PACKED = 4
"""What is packed in an archive is at most so many times as large as the archive; weights hardly shrink."""
_AS_SAFETENSORS = (
    "which could run code when opened, so it is not; save the weights in PyTorch with "
    "safetensors.torch.save_file(model.state_dict(), 'model.safetensors') and import that file"
)


class Opened(NamedTuple):
    """A stranger's model, whose arrays can be read as long as its files are open.

    Attributes:
        found: its layers.
        files: the SHA-256 of each file that it lies in, by its name.
    """

    found: Found
    files: dict[str, str]


@contextmanager
def opened(name: Path) -> Iterator[Opened]:
    """Open what lies under a name, and look at everything but the numbers.

    Raises:
        ModelFileError: it is none of the forms that are read, or damaged; the message names it.
    """
    try:
        with ExitStack() as stack:
            yield _opened(name, stack)
    except ModelFileError as error:
        raise ModelFileError(f"{named(name)}: {error}") from error
    except OSError as error:
        raise ModelFileError(f"{named(name)}: cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise ModelFileError(f"{named(name)}: there is not enough memory for what it holds") from error


def small(path: Path, most: int) -> bytes:
    """A file's bytes, of which there may be so many.

    Raises:
        ModelFileError: it is no file, or larger.
        OSError: it cannot be read.
    """
    check_regular(path.stat())
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ModelFileError(f"{named(path.name)} has more than {most:,} bytes")
    return data


def _opened(name: Path, stack: ExitStack) -> Opened:
    path = _index(name)
    reader = _reader(path, stack)
    start = reader.at(0, min(reader.length, 16))
    if path.suffix == INDEX:
        return _bundle(path, reader, stack)
    if start.startswith(hdf5.MAGIC):
        found = keras.found(hdf5.contents(reader))
    elif start[8:9] == b"{" and int.from_bytes(start[:8], "little") < reader.length:  # it may begin with any two bytes
        found = state_dict.found(tensors.stored(reader))
    elif start.startswith(b"PK"):
        found = _archive(path, reader.length)
    else:
        raise _refusal(path, start)
    return Opened(found, {path.name: sha256_of(path)})


def _index(name: Path) -> Path:
    """The file to begin with: the index of a checkpoint that is named in one of the usual ways, or the file itself."""
    if name.name == _CHECKPOINT and name.is_file():
        name = name.parent
    if name.is_dir():
        return _in_folder(name)
    data = _DATA.fullmatch(name.name)
    index = name.with_name(f"{data[1] if data else name.name}{INDEX}")
    if data or not name.exists():
        if not index.exists():
            raise ModelFileError(f"no such file, nor {named(index.name)} beside it; {EXPECTED}")
        return index
    return name


def _in_folder(folder: Path) -> Path:
    """The index of the checkpoint in a folder: the last one written, as the folder tells, or the only one."""
    listed = folder / _CHECKPOINT
    if listed.is_file():
        latest = _LATEST.search(small(listed, _LARGEST_LIST).decode("utf-8", "replace"))
        index = folder / (re.split(r"[/\\]", latest[1])[-1] + INDEX) if latest is not None else None
        if index is not None and index.is_file():  # of the whole path only the name holds once a folder has moved
            return index
    saved = folder / "variables" / f"variables{INDEX}"
    found = [saved] if saved.is_file() else sorted(folder.glob(f"*{INDEX}"))
    if len(found) != 1:
        names = named(", ".join(path.name for path in found[:8]))
        raise ModelFileError(
            f"a folder with {len(found)} checkpoints ({names}): name one of them" if found else f"a folder; {EXPECTED}"
        )
    return found[0]


def _reader(path: Path, stack: ExitStack) -> Reader:
    status = path.stat()
    check_regular(status)
    return Reader(stack.enter_context(path.open("rb")), status.st_size)


def _bundle(path: Path, index: Reader, stack: ExitStack) -> Opened:
    stem, used = path.name.removesuffix(INDEX), [path]

    def shard(number: int, count: int) -> Reader:
        part = path.with_name(f"{stem}.data-{number:05d}-of-{count:05d}")
        if not part.is_file():
            raise ModelFileError(f"{named(part.name)} is missing beside it, which holds the numbers")
        used.append(part)
        return _reader(part, stack)

    found = objects.found(Bundle(index, shard))
    return Opened(found, {part.name: sha256_of(part) for part in used})


def _archive(path: Path, length: int) -> Found:
    """The layers of a `.keras` file, a zip; other zips are refused by what is in them."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if any(name.endswith(".npy") for name in members):
                raise ModelFileError(
                    "an .npz of NumPy's, which tells no layers and may hold pickles; save the model with "
                    "model.save('model.keras') and import that"
                )
            if any(name.endswith(".pkl") for name in members):
                raise ModelFileError(f"a pickle of PyTorch's, {_AS_SAFETENSORS}")
            if len(members) > _MOST_MEMBERS or not {_CONFIGURATION, _WEIGHTS} <= set(members):
                raise ModelFileError(f"a zip without {_CONFIGURATION} and {_WEIGHTS}; {EXPECTED}")
            configuration = _member(archive, members[_CONFIGURATION], _LARGEST_CONFIGURATION)
            weights = _member(archive, members[_WEIGHTS], _PACKED * length)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ModelFileError("damaged: not an intact zip") from error
    contents = hdf5.contents(Reader(io.BytesIO(weights), len(weights)))
    return keras.found(contents, configuration.decode("utf-8", "replace"))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """A file out of an archive; never more of it than `most` bytes."""
    if member.file_size > most:
        raise ModelFileError(
            f"damaged: {member.filename} would have {member.file_size:,} bytes, expected {most:,} at most"
        )
    with archive.open(member) as file:
        data = file.read(most + 1)
    if len(data) != member.file_size:
        raise ModelFileError(f"damaged: {member.filename} is not as long as the archive says")
    return data


def _refusal(path: Path, start: bytes) -> ModelFileError:
    """What to say of a file that is none of those wanted."""
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return ModelFileError(f"a pickle, {_AS_SAFETENSORS}")
    if start.startswith(b"\x93NUMPY"):
        return ModelFileError(f"one array of NumPy's, which tells no layers; {EXPECTED}")
    if path.suffix in (".pt", ".pth", ".pkl", ".pickle"):
        return ModelFileError(f"{path.suffix} is what pickles are called, {_AS_SAFETENSORS}")
    return ModelFileError(f"begins like none of the forms that are read; {EXPECTED}")
