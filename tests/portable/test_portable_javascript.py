"""The arithmetic of docs/portable.md in JavaScript is that in NumPy, to the last bit; in browsers too."""

import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.browsers.driving import Browser, chromium, firefox
from tests.portable.examples import DRAWS, FULL, MODELS, jobs, packed
from tests.portable.javascript import SCRIPT, Job, node
from tests.portable.programs import Came, in_numpy
from tests.portable.running_scripts import in_browser, in_node
from understudy.generation.portable import arithmetic
from understudy.generation.portable.packing import Matrix, Packed
from understudy.generation.sampling import LARGEST_SEED, Sampling, uniforms
from understudy.model.config import ModelConfig

BROWSERS: dict[str, Callable[[], AbstractContextManager[Browser]]] = {"chromium": chromium, "firefox": firefox}


SMALL = [MODELS[name] for name in ("gru", "two layers of lstm", "n-grams")]


def asked(config: ModelConfig, *, seeds: int, length: int) -> list[Job]:
    """Streams of every way to draw, side by side."""
    return [job for draw in DRAWS.values() for job in jobs(config, draw, seeds=seeds, length=length)]


def hold(found: list[Came], expected: list[Came]) -> None:
    """Hold what came of jobs against what is to come of them."""
    assert [
        (place, came.difference(other)) for place, (came, other) in enumerate(zip(found, expected, strict=True))
    ] == [(place, None) for place in range(len(found))]


QUICK = ("two layers of lstm", "bytes", "narrow n-grams", "embedded")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODELS]
)
def test_node_writes_the_ids_of_numpy_and_has_its_bits_after_each_step(name: str, tmp_path: Path) -> None:
    config, many = MODELS[name], MODELS[name].vocabulary > 1000
    work = asked(config, seeds=2 if many else 20, length=4 if many else 8)
    hold(in_node(packed(config), work, tmp_path), in_numpy(packed(config), work))


def test_a_step_in_pieces_is_the_step(tmp_path: Path) -> None:
    config = MODELS["embedded"]
    work = jobs(config, DRAWS["plain"], seeds=2, length=3)
    hold(in_node(packed(config), work, tmp_path, products=1), in_numpy(packed(config), work))


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
    work = jobs(config, DRAWS["plain"], seeds=3, length=5)
    hold(in_node(model, work, tmp_path), in_numpy(model, work))


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


def test_the_functions_are_those_of_numpy(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    bits = chance.integers(0, 1 << 32, 100_000, np.uint32)
    bits[:6] = [0, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 1]
    floats = np.concatenate([bits.view(np.float32), np.linspace(-12, 12, 100_000, dtype=np.float32)])
    ends = [0.0, -0.0, -708.0, -709.0, np.nextafter(-709.0, -710), -1e300, -np.inf, np.nan, -5e-324]
    doubles = np.concatenate([ends, -chance.exponential(10, 50_000), -chance.uniform(0, 720, 50_000)])
    given = {"tanh": floats, "sigmoid": floats, "exponential": doubles}
    for name, numbers in given.items():
        numbers.tofile(tmp_path / name)
    run(
        "const fs = require('fs');"
        f"for (const name of {json.dumps(list(given))}) {{"
        f"  const place = {json.dumps(str(tmp_path))} + '/' + name;"
        "  const kind = name === 'exponential' ? Float64Array : Float32Array;"
        "  const numbers = new kind(new Uint8Array(fs.readFileSync(place)).buffer).map(P[name]);"
        "  fs.writeFileSync(place, Buffer.from(numbers.buffer));"
        "}"
    )
    for name, numbers in given.items():
        with np.errstate(all="ignore"):
            expected: NDArray[Any] = getattr(arithmetic, name)(numbers)
        assert (tmp_path / name).read_bytes() == expected.tobytes(), name


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


DAMAGES = [
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
]


def test_what_is_no_intact_model_is_refused(tmp_path: Path) -> None:
    whole = packed(MODELS["gru"]).to_bytes()
    damaged = [whole[:place] + value + whole[place + len(value) :] for place, value, _ in DAMAGES]
    cut = [whole[:cut] for cut in (0, 7, 63, 64, -64, -1)] + [whole + bytes(64)]
    for number, data in enumerate([whole, *damaged, *cut]):
        (tmp_path / str(number)).write_bytes(data)
    count = 1 + len(damaged) + len(cut)
    opened = f"P.open(new Uint8Array(require('fs').readFileSync({json.dumps(str(tmp_path))} + '/' + number)))"
    said = run(
        f"for (let number = 0; number < {count}; number++)"
        f"try {{ {opened}; console.log('opened'); }} catch (error) {{ console.log(error.message); }}"
    ).splitlines()
    assert said[0] == "opened"
    for (_, _, wanted), found in zip(DAMAGES, said[1:], strict=False):
        assert wanted in found
    assert len(said) == count
    assert "opened" not in said[1:]


def hold_damaged(count: int, folder: Path) -> None:
    """Hold that damaged models are refused, or write ids that there are."""
    chance = np.random.default_rng(count)
    file = folder / "damaged"
    with file.open("wb") as opened:
        for number in range(count):
            whole = np.frombuffer(packed(SMALL[number % len(SMALL)]).to_bytes(), np.uint8).copy()
            header = chance.integers(2)
            places = chance.integers(0, 64 if header else len(whole), chance.integers(1, 4 if header else 200))
            whole[places] = chance.choice(np.array([0, 1, 127, 128, 192, 255], np.uint8), len(places))
            opened.write(np.uint32(len(whole)).tobytes() + whole.tobytes())
    said = json.loads(
        run(
            f"const all = new Uint8Array(require('fs').readFileSync({json.dumps(str(file))}));"
            "const counts = { refused: 0, wrote: 0, wrong: 0 };"
            "const settings = [{ temperature: 0 }, { temperature: 1 }, { temperature: 1, topK: 3 },"
            "  { temperature: 1, topP: 0.5 }, { temperature: 1, topK: 3, topP: 0.5 }];"
            "for (let place = 0; place < all.length; ) {"
            "  const size = new DataView(all.buffer, place).getUint32(0, true);"
            "  const data = all.slice(place + 4, place + 4 + size);"
            "  place += 4 + size;"
            "  let model;"
            "  try { model = P.open(data); } catch (error) { counts.refused++; continue; }"
            "  const stream = new P.Stream(model);"
            "  for (const how of settings) {"
            "    const id = P.draw(stream.logits, how, 0.7);"
            "    if (!(Number.isInteger(id) && id >= 0 && id < model.V)) counts.wrong++;"
            "    stream.read(id);"
            "  }"
            "  if (stream.h.some((h) => h.some((number) => !(Math.abs(number) <= 2)))) counts.wrong++;"
            "  counts.wrote++;"
            "}"
            "console.log(JSON.stringify(counts));"
        )
    )
    assert said["wrong"] == 0
    assert said["refused"] + said["wrote"] == count
    assert min(said["refused"], said["wrote"]) > count / 10


def test_damaged_models_are_refused_or_stay_within_bounds(tmp_path: Path) -> None:
    hold_damaged(200, tmp_path)


@pytest.mark.slow
def test_ten_thousand_damaged_models_are_refused_or_stay_within_bounds(tmp_path: Path) -> None:
    hold_damaged(10_000, tmp_path)


@cache
def pages(name: str) -> list[Came]:
    """What NumPy writes of twenty pages for every way to draw."""
    return in_numpy(packed(FULL[name]), asked(FULL[name], seeds=20, length=2000))


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_node_writes_pages_of_2000_characters_as_numpy_does(name: str, tmp_path: Path) -> None:
    hold(in_node(packed(FULL[name]), asked(FULL[name], seeds=20, length=2000), tmp_path), pages(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("where", BROWSERS)
def test_browsers_write_as_numpy_does(where: str, name: str, tmp_path: Path) -> None:
    config = MODELS[name]
    work = asked(config, seeds=4, length=60)
    expected = in_numpy(packed(config), work)
    with BROWSERS[where]() as browser:
        hold(in_browser(browser, "javascript", packed(config), work, tmp_path), expected)
        hold(in_browser(browser, "wasm", packed(config), work, tmp_path), expected)


@pytest.mark.slow
@pytest.mark.parametrize("where", BROWSERS)
@pytest.mark.parametrize("name", FULL)
def test_browsers_write_pages_of_2000_characters_as_numpy_does(name: str, where: str, tmp_path: Path) -> None:
    with BROWSERS[where]() as browser:
        found = in_browser(browser, "wasm", packed(FULL[name]), asked(FULL[name], seeds=20, length=2000), tmp_path)
    hold(found, pages(name))
