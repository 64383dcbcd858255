"""Damage of all kinds to a maker's files, each a function of a random generator."""

import random
import shutil
import zipfile
from pathlib import Path

from tests.foreign.makers import cases

NUMBERS = [
    *(b"\xff" * 8, bytes(8), b"\x01" + bytes(7), (1 << 40).to_bytes(8, "little"), (1 << 62).to_bytes(8, "little")),
    *(b"\xff\xff\xff\x7f", b"\x80" * 10),
]


class Damaged:
    """Copies of all fixtures in turn that differ from them in a place or a few."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._chance = folder, random.Random(seed)
        self._paths = sorted({path for _, _, path in cases()})

    def write(self) -> Path:
        """Make the next one; its place."""
        source = self._chance.choice(self._paths)
        target = self._folder / source.name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
            self._damage(self._chance.choice(sorted(target.iterdir())))
        elif source.suffix == ".keras" and self._chance.random() < 0.8:
            self._damage_member(source, target)
        else:
            target.write_bytes(self._changed(source.read_bytes()))
        return target

    def _damage(self, path: Path) -> None:
        path.write_bytes(self._changed(path.read_bytes()))

    def _damage_member(self, source: Path, target: Path) -> None:
        """Damage inside an archive whose own checksums are right."""
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            damaged = self._chance.choice(["config.json", "model.weights.h5", "model.weights.h5"])
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, self._changed(data) if name == damaged else data)

    def _changed(self, intact: bytes) -> bytes:
        data, chance = bytearray(intact), self._chance
        for _ in range(chance.choice([1, 1, 2, 5, 20])):
            place, kind = chance.randrange(len(data) + 1), chance.random()
            if kind < 0.5:
                data[place : place + 1] = chance.randbytes(1)
            elif kind < 0.75:
                number = chance.choice([*NUMBERS, chance.randbytes(8)])
                data[place : place + len(number)] = number
            elif kind < 0.9:
                data[place : place + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in data[place : place + 1])
            elif kind < 0.95:
                del data[place : place + chance.randrange(50)]
            else:
                data[place:place] = data[max(0, place - 30) : place]
        return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.05 else data)
