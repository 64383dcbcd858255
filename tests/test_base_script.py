"""Making the base: the same texts, steps and threads give the same bytes, however often the script is stopped."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from understudy.model import file

ROOT = Path(__file__).parents[1]
STEPS, LATE = 24, 8


def sentences(length: int, seed: int) -> str:
    chance = random.Random(seed)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 7))) for _ in range(300)]
    text = ""
    while len(text) < length:
        text += " ".join(chance.choices(words, k=8)) + ".\n"
    return text[:length]


def prepared(place: Path) -> Path:
    """A folder in which the texts have been gathered already."""
    (place / "held").mkdir(parents=True)
    (place / "account.txt").write_text("40,000 characters of invented sentences, free", encoding="utf-8")
    texts = {"mix": 40_000, "late": 30_000, "held": 3_000, "held/sentences": 3_000}
    for seed, (name, length) in enumerate(texts.items()):
        (place / f"{name}.txt").write_text(sentences(length, seed), encoding="utf-8", newline="")
    return place


def script(into: Path) -> list[str]:
    unused = [str(into / "unused")] * 3  # the novels, the texts, Shakespeare: what is gathered is not gathered again
    asked = ["--into", str(into), "--to", str(into / "base.safetensors"), "--steps", str(STEPS), "--late", str(LATE)]
    return [sys.executable, "-m", "scripts.base", *unused, *asked]


def stopped_in(run: str, into: Path) -> None:
    """Begin or go on, and stop it once that run has begun to learn."""
    process = subprocess.Popen(script(into), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    while not (into / run / "checkpoint").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() - began < 300
        time.sleep(0.05)
    time.sleep(2)  # some steps
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 1, said
    assert "run again" in said
    assert not (into / "base.safetensors").exists()


@pytest.mark.slow
def test_the_base_has_the_same_bytes_however_often_its_script_is_stopped(tmp_path: Path) -> None:
    once, often = prepared(tmp_path / "once"), prepared(tmp_path / "often")
    subprocess.run(script(once), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    stopped_in("early", often)
    stopped_in("run", often)
    subprocess.run(script(often), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    made = once / "base.safetensors"
    card = file.read(made).card
    assert "invented sentences" in card["Data"]
    assert "sentences" in card["Loss"]
    assert made.read_bytes() == (often / "base.safetensors").read_bytes()
