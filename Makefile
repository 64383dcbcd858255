# For a fresh machine: `make demo`, `make test` and `make docs`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS := furo latex2mathml myst-nb sphinx
DOCS_READY := $(VENV)/.docs-ready

# Each of the tests' many processes would compile every module anew where bytecode is not kept.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-slow docs tutorial wasm format clean

help:
	@echo "make demo        set up, train two minutes on prose that every Python carries, write 500 characters"
	@echo "make test        set up, then format check, types and tests"
	@echo "make test-slow   the tests that take longer than people wait for"
	@echo "make docs        set up, then make the documentation: build/docs/index.html"
	@echo "make tutorial    make docs/tutorial.ipynb from docs/tutorial.py, and execute it"
	@echo "make wasm        make portable.wasm again, when the runtime in C has changed"
	@echo "make format      mend the format of the code"

KERNELS := $(wildcard src/understudy/model/recurrence/kernels/* src/understudy/generation/portable/runtime/*.[ch])

$(READY): pyproject.toml setup.py constraints.txt $(KERNELS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[gcs,hf,onnx,parquet,plot,ppmd,s3,serve,tensorboard,zstd]' flask flask-cors hypothesis ipykernel \
		'moto[s3]' mypy nbclient openai pandas pytest pytest-xdist ruff websockets
	@touch $@

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(DOCS)
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

test-slow: $(DOCS_READY)
	$(BIN)/python -m pytest -m slow

docs: $(DOCS_READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet --builder html docs build/docs
	@echo "build/docs/index.html"

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
