"""A damaged packed model is refused, or runs within its memory: in C under the sanitizers."""

import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.portable.examples import MODELS, packed
from tests.portable.programs import RUNTIME, TARGETS, build
from understudy.generation.portable.packing import ALIGNMENT, MAGIC
from understudy.model.config import GATES, LIMITS, NGRAM_LENGTHS

ORIGINALS = [replace(MODELS[name], vocabulary=min(MODELS[name].vocabulary, 300)) for name in MODELS]
FIELDS = {"format": 8, "cell": 12, "inputs": 16, "V": 20, "E": 24, "H": 28, "L": 32, "R": 36, "D": 40, "zero": 44}
FIELDS |= {"length": 48, "length's upper half": 52, "last": 60}
EXTREMES = [0, 1, 2, 3, 5, 16, 17, 64, 65, 127, 255, 1 << 15, (1 << 15) + 1, 1 << 20, (1 << 20) + 1]
EXTREMES += [0x110000, 0x110001, 1 << 24, 1 << 31, (1 << 32) - 1]
NUMBERS = [float("nan"), float("inf"), float("-inf"), 3.4e38, -3.4e38, 1e-45, -0.0, 2.0**-100]
CODES = [0, 1, (1 << 24) - 1, 1 << 24, (1 << 32) - 1]

Mutation = Callable[[bytearray, np.random.Generator], bytearray]


def sections(header: bytes | bytearray) -> list[tuple[str, int, int]]:
    """Name, place and size of each section that a header speaks of, as docs/portable.md says; the last is the end."""
    lstm, embedded, V, E, H, L, R, D = struct.unpack_from("<8I", header, 12)
    wide = (GATES["lstm"] if lstm else GATES["gru"]) * H
    rows = len(NGRAM_LENGTHS) * R
    named = [("inputs", V * (E if embedded else wide)), ("numbers", 4 * V)]
    if embedded:
        named += [("weight", wide * E), ("numbers", 4 * wide), ("numbers", 4 * wide)]
    if R:
        named += [("codes", 4 * V), ("weight", rows * D), ("numbers", 4 * rows), ("numbers", 4 * D * wide)]
    for layer in range(L):
        N = wide + (V if layer + 1 == L else wide)
        named += [("weight", N * H), ("numbers", 4 * N), ("numbers", 4 * N)]
    place, found = ALIGNMENT, []
    for name, size in named:
        found.append((name, place, size))
        place += -(-size // ALIGNMENT) * ALIGNMENT
    return [*found, ("end", place, 0)]


def in_sections(data: bytearray, kind: str, chance: np.random.Generator) -> Iterator[int]:
    """Places of a few numbers of four bytes in sections of a kind."""
    for name, place, size in sections(data):
        if name == kind:
            for number in chance.integers(0, size // 4, 1 + int(chance.integers(4))):
                yield place + 4 * int(number)


def another_field(data: bytearray, chance: np.random.Generator) -> bytearray:
    place = list(FIELDS.values())[chance.integers(len(FIELDS))]
    struct.pack_into("<I", data, place, EXTREMES[chance.integers(len(EXTREMES))])
    return data


def another_shape(data: bytearray, chance: np.random.Generator) -> bytearray:
    """Another shape, allowed or nearly so, and the length that it asks for."""
    most = [2, 2, 70, 20, 24, 4, 9]
    numbers = [int(number) for number in chance.integers(0, most)]
    width = min(16, numbers[3]) if numbers[6] else 0
    struct.pack_into("<8I", data, 12, *numbers, width + int(chance.integers(20) == 0))
    size = sections(data)[-1][1]
    struct.pack_into("<Q", data, 48, size)
    return bytearray(data[:64] + (data[64:] * (size // max(1, len(data) - 64) + 1))[: size - 64])


def another_length(data: bytearray, chance: np.random.Generator) -> bytearray:
    return data[: int(chance.integers(len(data)))] if chance.integers(2) else data + bytes(int(chance.integers(1, 99)))


def other_numbers(data: bytearray, chance: np.random.Generator) -> bytearray:
    for place in in_sections(data, "numbers", chance):
        struct.pack_into("<f", data, place, NUMBERS[chance.integers(len(NUMBERS))])
    return data


def other_codes(data: bytearray, chance: np.random.Generator) -> bytearray:
    for place in in_sections(data, "codes", chance):
        struct.pack_into("<I", data, place, CODES[chance.integers(len(CODES))])
    return data


def other_bytes(data: bytearray, chance: np.random.Generator) -> bytearray:
    for place in chance.integers(0, len(data), 1 + int(chance.integers(40))):
        data[place] = (0x80, 0x7F, 0xFF, int(chance.integers(256)))[chance.integers(4)]
    return data


MUTATIONS: list[Mutation] = [another_field, another_shape, another_length, other_numbers, other_codes, other_bytes]


def mutant(number: int) -> bytes:
    """One that belongs to a number."""
    chance = np.random.default_rng(number)
    data = bytearray(original(number % len(ORIGINALS)))
    data = MUTATIONS[number // len(ORIGINALS) % len(MUTATIONS)](data, chance)
    return bytes(other_bytes(data, chance) if len(data) > ALIGNMENT and chance.integers(8) == 0 else data)


@cache
def original(number: int) -> bytes:
    return packed(ORIGINALS[number]).to_bytes()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    source = Path(__file__).with_name("portable_mutants.c")
    return build(TARGETS["gcc sanitized"], tmp_path_factory.mktemp("built"), [source, RUNTIME / "portable.c"])


def hold(command: list[str], mutants: Iterable[bytes], folder: Path) -> tuple[int, int]:
    """How many are refused and how many run; none does anything else."""
    models = folder / "mutants"
    with models.open("wb") as file:
        for data in mutants:
            file.write(struct.pack("<Q", len(data)) + data)
    done = subprocess.run([*command, str(models)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
    refused, ran = map(int, done.stdout.split())
    return refused, ran


def test_the_sections_are_where_the_format_has_them() -> None:
    for number in range(len(ORIGINALS)):
        data = original(number)
        assert data[:8] == MAGIC
        assert sections(data)[-1][1] == len(data)
    assert LIMITS["vocabulary"] in EXTREMES


def test_what_is_not_damaged_runs(program: list[str], tmp_path: Path) -> None:
    assert hold(program, map(original, range(len(ORIGINALS))), tmp_path) == (0, len(ORIGINALS))


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_damaged_model_is_refused_or_runs_within_its_memory(count: int, program: list[str], tmp_path: Path) -> None:
    refused, ran = hold(program, map(mutant, range(count)), tmp_path)
    assert refused + ran == count
    assert min(refused, ran) > count / 5
