"""The arithmetic of docs/portable.md in JavaScript is that in NumPy, to the last bit."""

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.portable.javascript import SCRIPT, Came, Job, in_node, in_numpy, node
from understudy.generation.portable import arithmetic
from understudy.generation.portable.packing import Matrix, Packed, pack
from understudy.generation.sampling import LARGEST_SEED, Sampling, uniforms
from understudy.model.config import Cell, ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

DRAWS = {
    "greedy": Sampling(0),
    "plain": Sampling(0.8),
    "top-k": Sampling(1.3, top_k=7),
    "top-p": Sampling(0.9, top_p=0.85),
    "both": Sampling(1.1, top_k=11, top_p=0.7),
    "more than there is": Sampling(1.0, top_k=1 << 40, top_p=1.0),
}
MODELS = {
    "gru": ModelConfig("gru", 37, 12, 21, 1),
    "two layers of lstm": ModelConfig("lstm", 37, 12, 19, 2),
    "three layers of gru": ModelConfig("gru", 5, 12, 19, 3),
    "bytes": ModelConfig("gru", 256, 24, 24, 1),
    "n-grams": ModelConfig("lstm", 37, 24, 20, 1, 101),
    "narrow n-grams": ModelConfig("gru", 37, 9, 20, 2, 101),
    "6,000 symbols": ModelConfig("lstm", 6000, 16, 48, 1, 50),
}
FULL = {
    "gru": ModelConfig("gru", 65, 256, 1024, 1),
    "two layers of lstm": ModelConfig("lstm", 65, 64, 256, 2),
    "bytes": ModelConfig("gru", 256, 64, 256, 1),
    "n-grams": ModelConfig("gru", 65, 64, 256, 1, 131_071),
    "6,000 symbols": ModelConfig("lstm", 6000, 64, 256, 1),
}


@cache
def packed(config: ModelConfig) -> Packed:
    """A model of that shape with opinions, packed."""
    chance = np.random.default_rng(config.vocabulary * config.units)
    tensors: dict[str, NDArray[Any]] = {}
    for name, shape in config.shapes().items():
        if name == "ngrams.codes":
            tensors[name] = 1 + np.arange(shape[0], dtype=np.int64) * 2_654_435 % ((1 << 24) - 1)
            tensors[name][0] = (1 << 24) - 1
        else:
            wide = 1.0 if len(shape) == 1 or not name.startswith("layers") else 3 / np.sqrt(shape[1])
            tensors[name] = chance.normal(0, wide, shape).astype(np.float32)
    tensors["output.weight"] = tensors["output.weight"] * np.float32(6 / np.sqrt(config.units))
    symbols = "".join(map(chr, range(0x100, 0x100 + config.vocabulary)))
    return pack(ModelFile(config, Vocabulary("characters", symbols), {}, tensors))


def jobs(config: ModelConfig, sampling: Sampling, *, seeds: int, length: int) -> list[Job]:
    last = config.vocabulary - 1
    prompt = tuple(place % config.vocabulary for place in (0, 1, last, 2, 2, last, 0, 3, 1, 4))
    return [Job(seed * (LARGEST_SEED // seeds) + seed, prompt, length, sampling) for seed in range(seeds)]


@pytest.mark.parametrize("name", MODELS)
def test_node_writes_the_ids_of_numpy_and_has_its_bits_after_each_step(name: str, tmp_path: Path) -> None:
    model = packed(MODELS[name])
    seeds, length = (20, 8) if MODELS[name].vocabulary < 1000 else (2, 4)
    draws = DRAWS.values()
    asked = [job for draw in draws for job in jobs(MODELS[name], draw, seeds=seeds, length=length)]
    found = in_node(model, asked, tmp_path)
    assert found == in_numpy(model, asked)
    assert len({tuple(came.ids) for came in found}) > 6  # the settings and the seeds make a difference


def test_a_step_in_pieces_is_the_step(tmp_path: Path) -> None:
    model = packed(MODELS["6,000 symbols"])
    asked = jobs(MODELS["6,000 symbols"], DRAWS["plain"], seeds=2, length=3)
    assert in_node(model, asked, tmp_path, products=1) == in_node(model, asked, tmp_path)


def test_the_largest_sums_are_exact(tmp_path: Path) -> None:
    """Rows longer than are added up at once, of the greatest numbers there are, -128 of a damaged model among them."""
    config = ModelConfig("gru", 5, 4999, 9, 1)
    chance = np.random.default_rng(0)
    wide = 3 * config.units
    inputs = chance.choice(np.array([127, -128], np.int8), (config.vocabulary, config.embedding))
    inputs[0], inputs[1], inputs[2] = 127, -128, 1
    weights = chance.choice(np.array([127, -128], np.int8), (wide, config.embedding))
    weights[:4], weights[4:6], weights[-1] = -128, 127, 127
    small = Matrix(weights, np.full(wide, 2.0**-24, np.float32), np.zeros(wide, np.float32))
    rows = chance.integers(-128, 128, (wide + config.vocabulary, config.units)).astype(np.int8)
    layer = Matrix(rows, np.full(len(rows), 2.0**-12, np.float32), np.zeros(len(rows), np.float32))
    model = Packed(config, "int8", Matrix(inputs, np.full(5, 0.5, np.float32)), small, None, (layer,))
    asked = jobs(config, DRAWS["plain"], seeds=3, length=5)
    assert in_node(model, asked, tmp_path) == in_numpy(model, asked)


def run(program: str) -> str:
    """What Node prints for a program that has `P`."""
    done = subprocess.run(
        [node(), "-e", f"const P = require({json.dumps(str(SCRIPT))}); {program}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_random_numbers_are_those_of_the_seed_at_every_place() -> None:
    seeds, places = [0, 1, (1 << 32) - 1, 1 << 32, LARGEST_SEED], [0, 1, 2, 3, 4, 4999, (1 << 35) + 3]
    pairs = [[[seed & 0xFFFFFFFF, seed >> 32], place] for seed in seeds for place in places]
    found = json.loads(run(f"console.log(JSON.stringify({json.dumps(pairs)}.map(([s, i]) => P.uniform(s, i))))"))
    assert found == [float(uniforms(seed, place, 1)[0]) for seed in seeds for place in places]


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_the_functions_are_those_of_numpy(name: str, tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 1 << 32, 100_000, np.uint32)
    bits[:6] = [0, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 1]
    dense = np.linspace(-12, 12, 100_000, dtype=np.float32)
    given = np.concatenate([bits.view(np.float32), dense])
    file = tmp_path / "numbers"
    given.tofile(file)
    program = (
        f"const b = require('fs').readFileSync({json.dumps(str(file))});"
        f"const x = new Float32Array(new Uint8Array(b).buffer).map(P.{name});"
        f"require('fs').writeFileSync({json.dumps(str(file))}, Buffer.from(x.buffer))"
    )
    run(program)
    function: Callable[[arithmetic.Floats], arithmetic.Floats] = getattr(arithmetic, name)
    with np.errstate(all="ignore"):
        expected = function(given)
    np.testing.assert_array_equal(np.fromfile(file, np.uint32), expected.view(np.uint32))


def test_the_exponential_is_that_of_numpy(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    ends = [0.0, -0.0, -708.0, np.nextafter(-708.0, -709), -np.inf, np.nan, -5e-324]
    given = np.concatenate([ends, -chance.exponential(10, 50_000), -chance.uniform(0, 720, 50_000)])
    file = tmp_path / "numbers"
    given.tofile(file)
    program = (
        f"const b = require('fs').readFileSync({json.dumps(str(file))});"
        f"const x = new Float64Array(new Uint8Array(b).buffer).map(P.exponential);"
        f"require('fs').writeFileSync({json.dumps(str(file))}, Buffer.from(x.buffer))"
    )
    run(program)
    with np.errstate(all="ignore"):
        expected = arithmetic.exponential(given)
    np.testing.assert_array_equal(np.fromfile(file, np.uint64), expected.view(np.uint64))


def test_equal_logits_are_ranked_by_id_and_drawn_as_numpy_does() -> None:
    chance = np.random.default_rng(1)
    cases = []
    for _ in range(400):
        logits = chance.integers(-3, 3, chance.integers(1, 40)).astype(np.float32) * np.float32(
            chance.choice([0.5, 300])
        )
        top_k, top_p = (None, 1, 3, 50)[chance.integers(4)], (None, 1e-9, 0.5, 1.0)[chance.integers(4)]
        sampling = Sampling(float(chance.choice([0.0, 1e-9, 0.3, 1.0, 1e9])), top_k, top_p)
        cases.append((logits, sampling, float(chance.uniform())))
    told = [
        [logits.tolist(), {"temperature": sampling.temperature, "topK": sampling.top_k, "topP": sampling.top_p}, u]
        for logits, sampling, u in cases
    ]
    program = f"{json.dumps(told)}.map(([l, s, u]) => P.draw(Float32Array.from(l), s, u))"
    found = json.loads(run(f"console.log(JSON.stringify({program}))"))
    assert found == [int(sampling.draw(logits[None], np.array([u]))[0]) for logits, sampling, u in cases]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, b"X", "no packed model"),
        (8, b"\2", "format 2"),
        (12, b"\2", "damaged header"),
        (16, b"\2", "damaged header"),
        (20, b"\0\0\0\0", "damaged header"),
        (28, b"\xff\xff\xff\xff", "damaged header"),
        (32, b"\x41", "damaged header"),
        (40, b"\1", "damaged header"),
        (44, b"\1", "damaged header"),
        (63, b"\1", "damaged header"),
        (20, b"\x26", "asks for"),
        (52, b"\1", "asks for"),
    ],
)
def test_a_damaged_header_is_refused(place: int, value: bytes, said: str, tmp_path: Path) -> None:
    whole = bytearray(packed(MODELS["gru"]).to_bytes())
    whole[place : place + len(value)] = value
    assert said in refusal(bytes(whole), tmp_path)


@pytest.mark.parametrize("cut", [0, 7, 63, 64, -64, -1])
def test_a_model_that_is_cut_is_refused(cut: int, tmp_path: Path) -> None:
    assert refusal(packed(MODELS["gru"]).to_bytes()[:cut], tmp_path)


def refusal(data: bytes, folder: Path) -> str:
    file = folder / "damaged"
    file.write_bytes(data)
    opened = f"P.open(new Uint8Array(require('fs').readFileSync({json.dumps(str(file))})))"
    return run(f"try {{ {opened}; }} catch (error) {{ console.log(error.message); }}").strip()


@pytest.mark.slow
@pytest.mark.parametrize("draw", ["greedy", "plain", "top-k", "top-p"])
@pytest.mark.parametrize("name", FULL)
def test_node_writes_twenty_pages_of_2000_characters_as_numpy_does(name: str, draw: str, tmp_path: Path) -> None:
    model = packed(FULL[name])
    asked = jobs(FULL[name], DRAWS[draw], seeds=20, length=2000)

    def last(came: Came) -> tuple[list[int], list[str], str]:
        return came.ids, came.state, came.logits

    for first in range(0, 20, 4):  # the trace of them all would take gigabytes
        some = asked[first : first + 4]
        expected, found = in_numpy(model, some), in_node(model, some, tmp_path)
        assert [last(came) for came in found] == [last(came) for came in expected]
        assert found == expected


def test_every_cell_is_there() -> None:
    cells: set[Cell] = {config.cell for config in MODELS.values()}
    assert cells == {"gru", "lstm"}
