# make demo   set everything up and reconstruct a measured brain scan by four methods
# make test   set everything up, lint, check types, run the tests
#
# PYTHON picks the interpreter (3.11 or newer), VENV the folder of the virtual environment, WORKERS how many
# processes test; EXTRA_PIP passes options to pip, for instance --extra-index-url of PyTorch's CPU builds on a
# machine without a GPU.

PYTHON ?= python3
VENV ?= .venv
EXTRA_PIP ?=
# Of the tests, one more than there are cores: many wait for servers that start.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile $(EXTRA_PIP)
SOURCES := operators models data configs tasks flows tests benchmarks

.PHONY: demo test lint types install clean

demo: $(VENV)/.installed
	$(BIN)/proxflow demo

test: $(VENV)/.installed-test lint types
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: $(VENV)/.installed-test
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.installed-test
	$(BIN)/mypy

install: $(VENV)/.installed

# torch first: whatever depends on it would otherwise bring the newest build with CUDA.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): about a minute and 2 GB, with few words"
	$(PIP) -c constraints.txt torch
	$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -c constraints.txt -e '.[test,lint]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
