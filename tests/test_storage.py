import errno
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from understudy.errors import StorageError
from understudy.storage import remove_partials, replacing, sync_folder, write_whole

OLD, NEW = b"the old file", b"the new file, which is longer"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "file.bin"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def only_file_beside(path: Path) -> bool:
    return list(path.parent.iterdir()) == [path]


def test_a_block_that_ends_well_replaces_the_file(path: Path) -> None:
    with replacing(path) as file:
        file.write(NEW)
        assert path.read_bytes() == OLD
    assert path.read_bytes() == NEW
    assert only_file_beside(path)


def test_what_is_written_whole_is_what_was_given(path: Path) -> None:
    write_whole(path, NEW)
    assert path.read_bytes() == NEW
    assert only_file_beside(path)


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    write_whole(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("exception", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_keeps_the_old_file_and_leaves_nothing(path: Path, exception: BaseException) -> None:
    def half_written() -> None:
        with replacing(path) as file:
            file.write(NEW[:5])
            file.flush()
            raise exception

    with pytest.raises(type(exception)) as raised:
        half_written()
    assert raised.value is exception
    assert path.read_bytes() == OLD
    assert only_file_beside(path)


def test_an_exception_before_the_first_file_leaves_none(tmp_path: Path) -> None:
    def half_written() -> None:
        with replacing(tmp_path / "file.bin") as file:
            file.write(NEW)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        half_written()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_the_old_file_and_a_partial_that_can_be_removed(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from understudy.storage import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -9
    assert path.read_bytes() == OLD
    assert not only_file_beside(path)
    remove_partials(path.parent, lambda name: name == path.name)
    assert path.read_bytes() == OLD
    assert only_file_beside(path)


def test_removing_partials_spares_other_files(tmp_path: Path) -> None:
    names = (
        ".hidden",
        "a.partial",
        ".model.safetensors",
        ".mine.partial",
        ".mine.123.partial",
        ".mine.12-0123abcd.partial",
    )
    spared = [tmp_path / name for name in names]
    gone = [tmp_path / f".model.safetensors.{tail}.partial" for tail in ("123", "123-0123abcd")]
    for file in [*spared, *gone]:
        file.write_bytes(NEW)
    remove_partials(tmp_path, lambda name: name == "model.safetensors")
    assert sorted(tmp_path.iterdir()) == sorted(spared)


def test_two_writers_of_one_file_do_not_share_a_partial(path: Path) -> None:
    """As two threads, or two containers whose processes have the same number."""
    with replacing(path) as one:
        one.write(b"one")
        with replacing(path) as other:
            other.write(b"the other")
        assert path.read_bytes() == b"the other"
    assert path.read_bytes() == b"one"
    assert only_file_beside(path)


def test_a_link_gives_way_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(OLD)
    (tmp_path / "link").symlink_to("mine")
    write_whole(tmp_path / "link", NEW)
    assert (tmp_path / "mine").read_bytes() == OLD
    assert (tmp_path / "link").read_bytes() == NEW
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_is_written_in_all_the_same(
    number: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW


def test_a_full_disk_is_a_storage_error_and_the_old_file_stays_whole(small_disk: Path) -> None:
    path = small_disk / "file.bin"
    old = os.urandom(100_000)
    write_whole(path, old)
    with pytest.raises(StorageError, match="No space left on device") as raised:
        write_whole(path, os.urandom(1_000_000))
    assert str(path) in str(raised.value)
    assert path.read_bytes() == old
    assert only_file_beside(path)


def test_a_disk_that_fills_up_in_the_last_buffer_is_a_storage_error(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with pytest.raises(StorageError, match="No space left on device"):
        write_whole(small_disk / "file.bin", b"few bytes, written only when the buffer is flushed")
    assert only_file_beside(filler)


def test_a_read_only_disk_is_a_storage_error(small_disk: Path) -> None:
    path = small_disk / "file.bin"
    write_whole(path, OLD)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="Read-only file system"):
        write_whole(path, NEW)
    assert path.read_bytes() == OLD


def test_a_folder_that_is_a_file_is_a_storage_error(path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        write_whole(path / "below" / "file.bin", NEW)
    with pytest.raises(StorageError, match="cannot write"):
        write_whole(path / "file.bin", NEW)
    assert path.read_bytes() == OLD
    assert only_file_beside(path)


def test_a_path_that_is_a_folder_is_a_storage_error(path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*folder"):
        write_whole(path.parent, NEW)
    assert only_file_beside(path)
    assert list(path.parent.parent.iterdir()) == [path.parent]


def test_syncing_a_folder_leaves_no_file_open(tmp_path: Path, open_files: None) -> None:
    sync_folder(tmp_path)
