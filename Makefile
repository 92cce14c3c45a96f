# One interpreter, one folder: everything lives in .venv, made from the hashed locks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
           --no-emit-index-url --no-annotate --no-header --quiet

# Processes come and go here; one that may keep no bytecode reads every module anew, a fifth of its start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test tests bytecode browser promtool check style types coverage lock bench soak shots new-provider clean

help: ## Show what there is to do
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: .venv/ready ## Make .venv with what running Vagus needs

demo: .venv/ready ## A made-up person's nights, one alert, one mail; serves until Ctrl-C
	@$(BIN)/vagus demo

TESTS := pytest -q -n 3 --dist loadfile --no-loadscope-reorder --durations=10

test: browser promtool style bytecode .venv/ready-dev ## What CI runs: format, lint, types, imports, tests
	@$(MAKE) --no-print-directory --jobs 2 types tests || { \
	    echo "not all is well: what failed stands above, types and imports where the tests began"; exit 1; }

tests: .venv/ready-dev # beside the types, which one processor alone can look through
	@$(BIN)/python -m $(TESTS)

bytecode: .venv/ready # the accounts that Vagus drops to may write none
	@$(BIN)/python -m compileall -q providers scoring ingest workers

coverage: browser promtool .venv/ready-dev ## The tests again, traced, which takes twice as long: 90 % of lines and branches
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m $(TESTS)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

browser:
	@command -v chromium >/dev/null || [ "$(WITHOUT_BROWSER)" = 1 ] || { \
	    echo "no chromium: apt-get install chromium, or WITHOUT_BROWSER=1 make test to leave out the page tests"; exit 1; }

promtool:
	@command -v promtool >/dev/null || [ "$(WITHOUT_PROMTOOL)" = 1 ] || { \
	    echo "no promtool: apt-get install --no-install-recommends prometheus, or WITHOUT_PROMTOOL=1 make test to leave out the rule tests"; exit 1; }

check: style types ## The part of the tests that runs nothing: format, lint, types, imports

style: .venv/ready-dev
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet

types: .venv/ready-dev
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: .venv/ready-dev ## Measure, as a table; JSON=file writes it as one object too
	@PYTHONPATH=. $(BIN)/python tests/bench/run.py $(if $(JSON),--json $(JSON))

soak: .venv/ready-dev ## Thirty days of two hundred people with faults and kills, beside a calm run; at most an hour
	@PYTHONPATH=. $(BIN)/python tests/soak/run.py $(ARGS)

shots: .venv/ready-dev ## Take the pictures of the README in Debian's chromium
	@$(BIN)/python docs/pictures/take.py

lock: .venv/ready-dev ## Resolve the locks anew from pyproject.toml
	@$(COMPILE) --group build --output-file requirements.lock
	@$(COMPILE) --group build --group dev --constraints requirements.lock --output-file requirements-dev.lock

new-provider: .venv/ready-dev ## Begin a vendor: NAME=pebble writes a skeleton whose tests say what is missing
	@$(BIN)/python tests/new_provider.py $(NAME)

clean: ## Remove .venv and what tools left behind
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Vagus needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv || { echo "no venv module: apt-get install python3-venv"; rm -rf .venv; exit 1; }

.venv/ready: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing what the lock names into .venv …"
	@$(PIP) -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q providers scoring ingest workers
	@touch $@

.venv/ready-dev: requirements-dev.lock .venv/ready
	@echo "installing the tools of development …"
	@$(PIP) -r requirements-dev.lock
	@touch $@
