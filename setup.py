"""The compiled kernels: optional, so that the package installs without a C compiler too. All else: pyproject.toml."""

import os

from setuptools import Extension, setup

KERNELS = "src/understudy/model/recurrence/kernels"

setup(
    ext_modules=[
        Extension(
            "understudy.model.recurrence._kernels",
            [f"{KERNELS}/kernels.c"],
            depends=[f"{KERNELS}/{name}.h" for name in ("numbers", "cells", "steps", "sequences")],
            extra_compile_args=["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"],
            libraries=["m"],
            optional=True,
        )
    ]
    if os.name == "posix"
    else []
)
