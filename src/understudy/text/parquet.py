"""Parquet -> documents: a column of texts, read a few rows at a time."""

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from understudy.checks import named, shown
from understudy.errors import MissingExtraError, TextError
from understudy.text.json_lines import names

if TYPE_CHECKING:
    from pyarrow import Schema
    from pyarrow.parquet import ParquetFile

_MAGIC = b"PAR1"
_BATCH_BYTES, _MOST_ROWS = 1 << 22, 4096
_READ_BYTES = 1 << 20


def begins(head: bytes) -> bool:
    """Whether a file that begins so is Parquet: after its mark comes what no text has."""
    return head.startswith(_MAGIC) and len(head) > 4 and head[4] < ord(" ") and head[4] not in b"\t\n\r"


def documents(file: IO[bytes], name: str, field: str) -> Iterator[bytes]:
    """The texts of a column in UTF-8, those of null empty.

    Args:
        file: the file, in which places can be sought.
        name: the file's, for messages.
        field: the column's name.

    Raises:
        MissingExtraError: pyarrow is not installed.
        TextError: the file is damaged, or has no such column of texts.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError(
            f"{named(name)}: a Parquet file, and pyarrow is not installed; pip install 'understudy[parquet]'"
        ) from error
    try:
        opened = ParquetFile(file, buffer_size=_READ_BYTES, pre_buffer=False)
        _check_column(opened.schema_arrow, name, field)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(name, error) from error
    return _texts(opened, name, field)


def _texts(opened: "ParquetFile", name: str, field: str) -> Iterator[bytes]:
    import pyarrow

    try:
        for batch in opened.iter_batches(_rows(opened, field), columns=[field], use_threads=False):
            for text in batch.column(0).to_pylist():
                yield b"" if text is None else text.encode()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(name, error) from error


def _rows(opened: "ParquetFile", field: str) -> int:
    """How many rows are read at a time: few where texts are long."""
    about = opened.metadata
    longest = 1.0
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        if group.num_rows:
            longest = max(longest, _bytes_of(group, field) / group.num_rows)
    return max(1, min(_MOST_ROWS, int(_BATCH_BYTES / longest)))


def _bytes_of(group: Any, field: str) -> int:
    columns = (group.column(number) for number in range(group.num_columns))
    return sum(column.total_uncompressed_size for column in columns if column.path_in_schema == field)


def _check_column(schema: "Schema", name: str, field: str) -> None:
    import pyarrow

    there = f"{named(name)}: the Parquet file"
    if field not in schema.names:
        raise TextError(f"{there} has no column {shown(field)}; {names(schema.names)}")
    if schema.names.count(field) > 1:
        raise TextError(f"{there} has several columns {shown(field)}; expected one")
    kind = schema.field(field).type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or pyarrow.types.is_string_view(kind)):
        nested = "nested" if pyarrow.types.is_nested(kind) else "not of texts"
        raise TextError(
            f"{there}: the column {shown(field)} is {nested} ({shown(str(kind))}); expected texts; "
            f"{names(schema.names)}"
        )


def _damaged(name: str, error: Exception) -> TextError:
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return TextError(f"{named(name)}: the Parquet file is damaged, or of a kind that cannot be read: {named(said)}")
