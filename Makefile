# Every target is self-sufficient on a machine that has Python >= 3.11, git and make: it makes its own virtual
# environment and installs what it needs. `make` alone lists them.
#
#   make test ARGS="-k pool"          more arguments for pytest
#   make test PYTHON=python3.13 VENV=.venv-3.13    another interpreter, beside the first

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # two pips in one environment would disturb each other

VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
PIP := $(RUN) pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/.installed
PACKAGES := pymailer pymailer_smtp_pool pymailer_wellknown

CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
PYTHONS ?= python3.11 python3.12 python3.13
WORKERS ?= 2
ARGS ?=

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1 # it would look for a newer version of itself

.PHONY: help demo test test-all-pythons coverage lint format interop soak docs bench bench-faults clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

demo: $(INSTALLED) ## send a batch through the pool to a real server on loopback, and check what arrived
	@$(RUN) pymailer demo $(ARGS)

test: $(INSTALLED)-test ## the test suite, without what needs Debian's packages or many minutes
	@$(RUN) pytest --numprocesses $(WORKERS) $(ARGS)

test-all-pythons: ## the test suite under each of PYTHONS that is to be found here
	@found=; for python in $(PYTHONS); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || \
	    { echo "$$python: not found, skipped"; continue; }; \
	  found=yes; echo "== $$python ($$version)"; \
	  $(MAKE) --no-print-directory test PYTHON="$$python" VENV=".venv-$$version" || exit 1; \
	done; test "$$found" || { echo "none of these was found: $(PYTHONS)" >&2; exit 1; }

coverage: $(INSTALLED)-test ## the test suite, and which lines and branches it does not reach
	@$(RUN) pytest --numprocesses $(WORKERS) --cov --cov-report=term --cov-report=html $(ARGS)

lint: $(INSTALLED)-dev ## format, style and types; changes nothing
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(RUN) mypy tests/typing
	@$(RUN) pyright
	@for package in $(PACKAGES); do \
	  report=$$(PATH="$(abspath $(BIN)):$$PATH" $(RUN) pyright --verifytypes $$package --ignoreexternal) || { echo "$$report"; exit 1; }; \
	  echo "$$package: $$(echo "$$report" | grep 'completeness score: 100%')" || { echo "$$report"; exit 1; }; \
	done

format: $(INSTALLED)-dev ## write the format and the repairs that are safe
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

interop: $(INSTALLED)-interop ## against real servers from Debian and npm, which it fetches and runs (as root)
	@$(RUN) pytest -m interop tests/interop $(ARGS)

soak: $(INSTALLED)-test ## random faults for minutes; nothing may be lost or left behind
	@$(RUN) pytest -m soak tests $(ARGS)

docs: $(INSTALLED)-docs ## the documentation as HTML in docs/_build
	@$(RUN) sphinx --fail-on-warning --keep-going -q docs docs/_build
	@echo "docs/_build/index.html"

bench: $(INSTALLED)-bench ## against every peer, in one run
	@$(RUN) benchmarks $(ARGS)

bench-faults: $(INSTALLED)-bench ## every peer against the same fault server
	@$(RUN) benchmarks.faults $(ARGS)

clean: ## everything that these targets made, the environments too
	rm -rf .venv .venv-3.* build dist docs/_build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) tests docs examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment -------------------------------------------------------------------------------------------------
# A stamp newer than pyproject.toml says that what it names is installed.

$(INSTALLED)-%: $(INSTALLED)
	@echo "installing what '$*' needs into $(VENV)"
	@$(PIP) --editable '.[all]' --group $*
	@touch $@

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "installing pymailer into $(VENV)"
	@$(PIP) 'pip>=25.1' # the first that knows dependency groups
	@$(PIP) --editable '.[cli]'
	@touch $@

$(BIN)/python:
	@for python in $(CANDIDATES); do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv --clear $(VENV); exit; \
	  fi; \
	done; \
	echo "No Python >= 3.11 with its venv module was found among: $(CANDIDATES)." >&2; \
	echo "Install one (on Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1
