# Everything sets itself up: no step has to be run before another by hand.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help loop test lint weights constraints clean

PHOTOS ?=
OUT ?= runs/loop
export PHOTOS OUT

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# The first Python on this machine that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

loop: $(VENV)/.train ## The whole loop: mine, judge, train, align, measure, report: make loop [PHOTOS=folder] [OUT=runs/loop]
	$(BIN)/editloop loop --out "$$OUT" $(if $(PHOTOS),--photos "$$PHOTOS")

test: lint weights ## Lint, types, import rules and all tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.dev ## Format, lint, types and import rules only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

weights: $(VENV)/.dev ## Fetch the embedded model weights that some tests need (once)
	@$(BIN)/python -m editloop.models.fetch \
		|| echo "weights are missing: the tests that need them are skipped, with the reason" >&2

constraints: $(VENV)/.dev ## Write the installed versions to constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(PIP) freeze --exclude-editable --exclude editloop | sed 's/+cpu$$//'; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## Remove the virtual environment, caches and runs/loop (fetched weights stay)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache runs/loop
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "editloop needs Python 3.11 or newer: install one, or name it with PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@touch $@

$(VENV)/.photos: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "installing editloop and its CPU models' runtimes into $(VENV) (a few minutes the first time)" >&2
	$(PIP) install --quiet --constraint constraints.txt --editable '.[photos]'
	@touch $@

# torch goes first and alone: resolved together with what depends on it, pip may look at its GPU builds, which are gigabytes.
$(VENV)/.train: $(VENV)/.photos
	@echo "installing torch and diffusers (the CPU build of torch where there is one)" >&2
	$(PIP) install --quiet --constraint constraints.txt torch==2.13.0
	$(PIP) install --quiet --constraint constraints.txt --editable '.[photos,train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.train
	$(PIP) install --quiet --constraint constraints.txt --editable '.[photos,train,rate,dev]'
	@touch $@
