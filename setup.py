"""The compiled kernels: optional, so that the package installs without a C compiler too. All else: pyproject.toml."""

import os
from pathlib import Path

from setuptools import Extension, setup

KERNELS = "src/understudy/model/recurrence/kernels"
RUNTIME = "src/understudy/generation/portable/runtime"
RUNTIME_PARTS = sorted(str(path) for path in Path(RUNTIME).glob("*.h"))
OPTIMISED = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]

setup(
    ext_modules=[
        Extension(
            "understudy.model.recurrence._kernels",
            [f"{KERNELS}/kernels.c"],
            depends=[f"{KERNELS}/{name}.h" for name in ("numbers", "cells", "steps", "sequences")],
            extra_compile_args=OPTIMISED,
            libraries=["m"],
            optional=True,
        ),
        Extension(
            "understudy.generation.portable._engine",
            [f"{RUNTIME}/engine.c"],
            depends=RUNTIME_PARTS,
            extra_compile_args=[*OPTIMISED, "-ffp-contract=off", "-pthread"],
            extra_link_args=["-pthread"],
            optional=True,
        ),
    ]
    if os.name == "posix"
    else []
)
