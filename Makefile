# Two commands for a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test test-slow tutorial wasm format clean

help:
	@echo "make demo        set up, train two minutes on prose that every Python carries, write 500 characters"
	@echo "make test        set up, then format check, types and tests"
	@echo "make test-slow   the tests that take longer than people wait for"
	@echo "make tutorial    make docs/tutorial.ipynb from docs/tutorial.py, and execute it"
	@echo "make wasm        make portable.wasm again, when the runtime in C has changed"
	@echo "make format      mend the format of the code"

KERNELS := $(wildcard src/understudy/model/recurrence/kernels/* src/understudy/generation/portable/runtime/*.[ch])

$(READY): pyproject.toml setup.py constraints.txt $(KERNELS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[onnx,plot,ppmd,serve,tensorboard]' hypothesis ipykernel mypy nbclient openai pandas pytest \
		pytest-xdist ruff websockets
	@touch $@

demo: $(READY)
	$(BIN)/understudy train @python --minutes 2 --out runs/demo --overwrite
	@echo
	$(BIN)/understudy generate runs/demo --start "The " --length 500 --temperature 0.7

test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 10

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

tutorial: $(READY)
	$(BIN)/python docs/drawings/draw.py
	$(BIN)/python scripts/tutorial.py

wasm: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt ziglang
	PYTHON=$(abspath $(BIN))/python sh src/understudy/generation/portable/make_wasm.sh
	chmod 644 src/understudy/generation/portable/portable.wasm

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
