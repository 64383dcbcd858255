#!/bin/sh
# Makes portable.wasm of the runtime: sh make_wasm.sh [FILE], with PYTHON naming an interpreter that has the compiler.
# One compiler in one version gives the same bytes on every machine: pip install ziglang==0.13.0 (clang 18 and its linker).
set -eu
cd "$(dirname "$0")"
compiler="${PYTHON:-python3} -m ziglang"
wanted=0.13.0
found=$($compiler version 2>/dev/null) || found=none
if [ "$found" != "$wanted" ]; then
    echo "make_wasm.sh: expected the compiler of ziglang $wanted, found $found; pip install ziglang==$wanted" >&2
    exit 2
fi
# SIMD128 (Chrome 91, Firefox 89, Safari 16.4) and bulk memory, which is older. Nothing relaxed: it is not the
# same everywhere.
exec $compiler cc -target wasm32-freestanding -mcpu=generic+simd128+bulk_memory -std=c99 -O3 -ffp-contract=off \
    -Wall -Wextra -pedantic -Werror -nostdlib -I runtime/web runtime/portable.c runtime/web.c \
    -Wl,--no-entry -Wl,--strip-all -o "${1:-portable.wasm}"
