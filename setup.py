"""The compiled kernels: optional, so that the package installs without a C compiler too. All else: pyproject.toml.

They are called through ctypes and know nothing of Python, so one wheel serves all of its versions.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

KERNELS = "src/understudy/model/recurrence/kernels"
RUNTIME = "src/understudy/generation/portable/runtime"
KERNELS_PARTS, RUNTIME_PARTS = (sorted(map(str, Path(folder).glob("*.h"))) for folder in (KERNELS, RUNTIME))
OPTIMISED = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]

setup(
    ext_modules=[
        Extension(
            "understudy.model.recurrence._kernels",
            [f"{KERNELS}/kernels.c"],
            depends=KERNELS_PARTS,
            extra_compile_args=[*OPTIMISED, "-ffp-contract=fast", "-pthread"],
            extra_link_args=["-pthread"],
            libraries=["m"],
            py_limited_api=True,
            optional=True,
        ),
        Extension(
            "understudy.generation.portable._engine",
            [f"{RUNTIME}/engine.c"],
            depends=[*RUNTIME_PARTS, f"{KERNELS}/team.h"],
            extra_compile_args=[*OPTIMISED, "-ffp-contract=off", "-pthread"],
            extra_link_args=["-pthread"],
            py_limited_api=True,
            optional=True,
        ),
    ]
    if os.name == "posix"
    else [],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
