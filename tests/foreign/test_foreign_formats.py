"""The formats that are read by ourselves: known checksums, every bit of a bundle held, sizes that lie, and no ends."""

import json
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.foreign.makers import ALPHABET, FIXTURES
from understudy.errors import ModelFileError
from understudy.foreign import gates, hdf5, protobuf, table, tensors
from understudy.foreign.crc32c import crc32c, masked
from understudy.foreign.importing import import_weights
from understudy.foreign.reading import Reader, decoded
from understudy.foreign.settings import told

CHECKPOINT = FIXTURES / "tf-keras-tutorial-checkpoint"


def reader(data: bytes) -> Reader:
    return Reader(BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_are_those_of_the_standard(data: bytes, checksum: int) -> None:
    """RFC 3720, appendix B.4, and the usual check value."""
    assert crc32c(data) == checksum


@pytest.mark.parametrize("length", [2047, 2048, 2049, 5 * 2048 + 3])
def test_stretches_side_by_side_are_the_whole(length: int) -> None:
    data = np.random.default_rng(length).integers(0, 256, length, np.uint8).tobytes()
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = (checksum >> 1) ^ (0x82F63B78 if checksum & 1 else 0)
    assert crc32c(data) == checksum ^ 0xFFFFFFFF


def test_every_byte_of_a_checkpoint_that_matters_is_under_a_checksum(tmp_path: Path) -> None:
    """Of the data file, those of the model's arrays and of the graph; of the index, all but its padding."""
    names = ("ckpt-1.index", "ckpt-1.data-00000-of-00001")
    intact = {name: (CHECKPOINT / name).read_bytes() for name in names}
    right = import_weights(CHECKPOINT, vocabulary=ALPHABET).model.tensors
    chance = np.random.default_rng(5)
    found = 0
    for _ in range(25):
        name = names[int(chance.integers(2))]
        data = bytearray(intact[name])
        data[int(chance.integers(len(data)))] ^= 1 << int(chance.integers(8))
        for other in names:
            (tmp_path / other).write_bytes(bytes(data) if other == name else intact[other])
        try:
            read = import_weights(tmp_path / names[0], vocabulary=ALPHABET).model.tensors
        except ModelFileError:
            found += 1
        else:
            assert all(np.array_equal(right[key], read[key]) for key in right)
    assert found > 5


def block(content: bytes, compression: int = 0) -> bytes:
    """A block of a table with its trailer."""
    data = content + bytes([compression])
    return data + masked(crc32c(data)).to_bytes(4, "little")


def written_table(content: bytes, compression: int = 0) -> bytes:
    """A table with one block of entries."""
    first = block(content, compression)
    handle = varint(0) + varint(len(content))
    index = entry(0, b"z", handle) + RESTARTS
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(index))
    return first + block(index) + footer.ljust(40, b"\0") + table.MAGIC


RESTARTS = struct.pack("<II", 0, 1)


def varint(number: int) -> bytes:
    data = b""
    while number > 0x7F:
        data, number = data + bytes([number & 0x7F | 0x80]), number >> 7
    return data + bytes([number])


def entry(shared: int, key: bytes, value: bytes) -> bytes:
    return varint(shared) + varint(len(key)) + varint(len(value)) + key + value


@given(st.integers(0, 2**64 - 1))
def test_numbers_of_seven_bits_a_byte_come_back(number: int) -> None:
    data = varint(number)
    assert protobuf.varint(b"x" + data + b"y", 1) == (number, 1 + len(data))


def test_keys_share_their_beginnings() -> None:
    content = entry(0, b"model/gru", b"1") + entry(6, b"fc", b"22") + entry(8, b"", b"") + RESTARTS
    assert table.entries(reader(written_table(content))) == {b"model/gru": b"1", b"model/fc": b""}


@pytest.mark.parametrize(
    ("content", "compression", "said"),
    [
        (entry(0, b"a", b"1") + RESTARTS, 1, "snappy"),
        (entry(0, b"a", b"1") + RESTARTS, 7, "unknown way 7"),
        (entry(1, b"a", b"1") + RESTARTS, 0, "longer than what holds it"),
        (b"\0\1\x7fa1" + RESTARTS, 0, "longer than what holds it"),
        (b"\xff" * 12 + RESTARTS, 0, "without an end"),
        (struct.pack("<I", 1 << 30), 0, "has no end"),
        (entry(0, b"k" * 10_000, b"") + entry(10_000, b"", b"") * 70_000 + RESTARTS, 0, "which is no model's"),
    ],
)
def test_a_table_of_another_form_is_refused(content: bytes, compression: int, said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        table.entries(reader(written_table(content, compression)))


def test_a_field_longer_than_its_message_is_refused() -> None:
    for data in (b"\x0a\x05abc", b"\x0d\x01", b"\x0b", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"):
        with pytest.raises(ModelFileError, match="damaged"):
            list(protobuf.fields(data))


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]},
        {"dtype": "F32", "shape": [4], "data_offsets": [-16, 0]},
        {"dtype": "F32", "shape": [4], "data_offsets": [16, 32]},
        {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]},
        {"dtype": "C64", "shape": [2], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]},
        {"dtype": "F32"},
        [],
        None,
    ],
)
def test_a_tensor_that_is_not_in_the_file_is_refused(entry: object) -> None:
    header = json.dumps({"fc.weight": entry}).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(16)
    with pytest.raises(ModelFileError, match=r"not an intact|damaged"):
        tensors.stored(reader(data))


def test_a_group_that_holds_itself_has_an_end() -> None:
    """Where the groups of Keras's file are made to point at the outermost one."""
    data = bytearray((FIXTURES / "keras-lstm2.weights.h5").read_bytes())
    root = int.from_bytes(data[64:72], "little")
    place = data.find(b"SNOD")
    data[place + 16 : place + 24] = root.to_bytes(8, "little")
    with pytest.raises(ModelFileError, match="have no end"):
        hdf5.contents(reader(bytes(data)))


@pytest.mark.parametrize("version", [2, 3])
def test_a_later_form_of_hdf5_is_refused_with_the_way_out(version: int) -> None:
    with pytest.raises(ModelFileError, match=r"h5repack --low=0 --high=0"):
        hdf5.contents(reader(hdf5.MAGIC + bytes([version]) + bytes(100)))


def test_parts_that_lie_in_one_another_are_read_no_more_than_a_few_times() -> None:
    source = reader(bytes(1 << 20))
    for _ in range(5):
        source.at(0, 1 << 20)
    with pytest.raises(ModelFileError, match="lie in one another"):
        source.at(0, 1 << 20)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("big", [False, True])
def test_numbers_of_every_width_are_read(kind: str, big: bool) -> None:
    values = np.array([1.0, -2.5, 0.15625, 96.0], np.float32)
    raw: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    raw = (values.view(np.uint32) >> 16).astype(np.uint16) if kind == "bfloat16" else values.astype(kind)
    data = (raw.byteswap() if big else raw).tobytes()
    assert decoded(data, kind, (2, 2), big=big).tolist() == values.reshape(2, 2).tolist()


@pytest.mark.parametrize(
    "document", ["", "[" * 100_000, "{}", '{"config": 3}', '{"class_name": "Sequential", "config": {"layers": 3}}']
)
def test_a_configuration_tells_its_layers_or_nothing(document: str) -> None:
    if document[:1] == "{":
        assert told(document) is None
    else:
        with pytest.raises(ModelFileError, match="not JSON"):
            told(document)


@pytest.mark.parametrize("layout", [gates.cudnn_gru, gates.cudnn_lstm])
def test_cudnns_matrices_lie_by_gate_with_outputs_first(layout: Callable[..., gates.Layout]) -> None:
    """By the definition of the layout, number by number; TensorFlow's own conversion is held in the logits."""
    H, E, gru = 3, 2, layout is gates.cudnn_gru
    G = 3 if gru else 4
    kernel, recurrent = (np.arange(rows * G * H, dtype=np.float32).reshape(rows, G * H) for rows in (E, H))
    bias = np.arange(2 * G * H, dtype=np.float32)
    weight_ih, weight_hh, bias_ih, bias_hh = layout(kernel, recurrent, bias)
    for ours, theirs in enumerate((1, 0, 2) if gru else range(4)):
        share = [kernel[row, theirs * H + column] for row in range(E) for column in range(H)]
        for unit in range(H):
            assert weight_ih[ours * H + unit].tolist() == share[unit * E : unit * E + E]
            assert weight_hh[ours * H + unit].tolist() == recurrent[unit, theirs * H : theirs * H + H].tolist()
            assert bias_ih[ours * H + unit] == bias[theirs * H + unit]
            assert bias_hh[ours * H + unit] == bias[(G + theirs) * H + unit]


@pytest.mark.parametrize("length", [896, 1152, 1408, 19_280])
def test_a_safetensors_file_is_known_whatever_its_header_s_length_looks_like(length: int, tmp_path: Path) -> None:
    """A file begins with that length: of these the first two bytes are those of a pickle, or of a zip."""
    whole = (FIXTURES / "torch-gru.safetensors").read_bytes()
    old = int.from_bytes(whole[:8], "little")
    assert old < length
    padded = whole[8 : 8 + old].ljust(length)
    (tmp_path / "padded.safetensors").write_bytes(length.to_bytes(8, "little") + padded + whole[8 + old :])
    read = import_weights(tmp_path / "padded.safetensors", vocabulary=ALPHABET).model.tensors
    expected = import_weights(FIXTURES / "torch-gru.safetensors", vocabulary=ALPHABET).model.tensors
    assert all(np.array_equal(read[name], expected[name]) for name in expected)
