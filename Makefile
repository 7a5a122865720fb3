# Each target makes what it needs, in .venv, the first time; a second run installs nothing.
#   make demo PYTHON=/path/to/python3.12          another Python
#   make test CONSTRAINTS=requirements/oldest.txt other versions of the dependencies; CONSTRAINTS= for the newest
#   make bench BENCH='--rows cnn --seeds 2'       options of one benchmark; BENCH=--help lists them
#   make bench BENCHMARKS=bench_handwriting       one benchmark alone; without it, BENCH=... goes to the first
#   make bench BENCHMARKS=speed BENCH=--list      the questions of speed, with other libraries beside this one

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
CONSTRAINTS ?= requirements/ci.txt
WORKERS ?= 2
BENCHMARKS ?= $(if $(BENCH),published,published bench_accuracy bench_handwriting bench_pages bench_serve speed)

VENV := .venv
RUN := $(VENV)/bin/python -m
# What is installed belongs to the contents of these files: when one changes, the next run installs again.
KEY := $(shell cat pyproject.toml $(CONSTRAINTS) | cksum | tr -cd '0-9')
RUNTIME := $(VENV)/.ready-$(KEY)-runtime
SERVE := $(VENV)/.ready-$(KEY)-serve
DEV := $(VENV)/.ready-$(KEY)-dev
BROWSER := $(VENV)/.ready-$(KEY)-browser
DOCS := $(VENV)/.ready-$(KEY)-docs
# Other libraries want other versions of what they share with us: they live in an environment of their own.
PEERS := $(VENV)/bench
PEERS_READY := $(PEERS)/.ready-$(shell cat pyproject.toml $(CONSTRAINTS) requirements/bench.txt | cksum | tr -cd '0-9')
SPEED := $(filter speed $(patsubst benchmarks/%.py,%,$(wildcard benchmarks/bench_*.py)),$(BENCHMARKS))
PLAIN := bench_accuracy bench_handwriting bench_pages bench_serve
PIP := $(RUN) pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-all test-slow check docs format bench pretrained lock
.DELETE_ON_ERROR:

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(RUNTIME)  ## Train on real digits and show what comes out
	@$(VENV)/bin/jaxdigits demo

serve: $(SERVE)  ## Show the web page, on this machine
	@$(VENV)/bin/jaxdigits serve

test: $(DEV)  ## Run the tests, without the slow ones
	@$(RUN) pytest --quiet --numprocesses $(WORKERS) --dist loadfile -m "not slow"

test-all: $(BROWSER)  ## Run all tests; those of the page need a chromium
	@$(RUN) pytest --quiet --numprocesses $(WORKERS) --dist loadfile

test-slow: $(BROWSER)  ## Run the slow tests alone
	@$(RUN) pytest --quiet --numprocesses $(WORKERS) --dist loadfile -m slow

check: $(DEV) $(if $(wildcard docs/conf.py),$(DOCS))  ## Check format, lint, types, layers and docs; change nothing
	@$(RUN) ruff format --check .
	@$(RUN) ruff check --quiet .
	@$(RUN) mypy
	@$(RUN) pytest --quiet tests/test_layers.py
ifneq ($(wildcard docs/conf.py),)
	@$(RUN) sphinx --quiet --fail-on-warning --jobs 2 --define plot_gallery=0 docs $(VENV)/docs
endif

docs: $(DOCS)  ## Build the documentation, its examples run (up to 8 minutes)
	@$(RUN) sphinx --quiet --fail-on-warning --keep-going docs docs/_build/html
	@echo "Saved docs/_build/html/index.html."

format: $(DEV)  ## Format the code and mend what the linter can
	@$(RUN) ruff format --quiet .
	@$(RUN) ruff check --quiet --fix .

bench: $(BROWSER) $(if $(filter-out $(PLAIN),$(SPEED)),$(PEERS_READY))  ## Run all benchmarks (over four hours; most go on where they were stopped)
	@for benchmark in $(BENCHMARKS); do \
		case " $(filter-out $(PLAIN),$(SPEED)) " in *" $$benchmark "*) python=$(PEERS)/bin/python;; *) python=$(VENV)/bin/python;; esac; \
		$$python -m benchmarks.$$benchmark $(BENCH) || exit; \
	done

pretrained: $(RUNTIME)  ## Train the models that come with the package (20 to 30 minutes on 2 cores)
	@$(RUN) benchmarks.train_pretrained

lock: $(VENV)/bin/python  ## Renew requirements/ci.txt with the newest versions
	@echo "Resolving in a fresh environment (1 to 3 minutes)"
	@rm -rf $(VENV)/lock && $(VENV)/bin/python -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check '.[dev,browser,docs]'
	@head -n 2 requirements/ci.txt > $(VENV)/lock/ci.txt
	@$(VENV)/lock/bin/python -m pip freeze | grep -v '^jaxdigits' >> $(VENV)/lock/ci.txt
	@mv $(VENV)/lock/ci.txt requirements/ci.txt && rm -rf $(VENV)/lock

$(VENV)/bin/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "jaxdigits needs Python 3.11 or newer. Install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot create $(VENV). On Debian or Ubuntu, install the package python3-venv."; exit 1; }

$(RUNTIME): | $(VENV)/bin/python
	@echo "Installing JAX, Flax, scikit-learn and Matplotlib into $(VENV) (1 GB, once, 1 to 3 minutes)"
	@rm -f $(VENV)/.ready-*
	@$(PIP) --editable .
	@touch $@

$(DEV): | $(VENV)/bin/python
	@echo "Installing JAX, Flax, scikit-learn, pytest, ruff and mypy into $(VENV) (1 GB, once, 1 to 3 minutes)"
	@rm -f $(VENV)/.ready-*
	@$(PIP) --editable '.[dev]'
	@touch $(RUNTIME) $(SERVE) $@

$(SERVE): | $(RUNTIME)
	@echo "Installing FastAPI and uvicorn into $(VENV) (once, some seconds)"
	@$(PIP) --editable '.[serve]'
	@touch $@

$(BROWSER): | $(DEV)
	@echo "Installing Playwright, schemathesis and Flask into $(VENV) (once, half a minute)"
	@$(PIP) --editable '.[browser]'
	@touch $@

$(PEERS_READY): requirements/bench.txt | $(VENV)/bin/python
	@echo "Installing PyTorch, TensorFlow and other libraries to measure beside into $(PEERS) (2 GB or more, once)"
	@test -x $(PEERS)/bin/python || $(VENV)/bin/python -m venv $(PEERS)
	@rm -f $(PEERS)/.ready-*
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
		$(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) --editable .
	@grep -v '^#' requirements/bench.txt | while read -r peer; do \
		$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check "$$peer" </dev/null \
			|| echo "$$peer cannot be installed here: its rows will say so"; \
	done
	@touch $@

$(DOCS): | $(DEV)
	@echo "Installing Sphinx into $(VENV) (once, half a minute)"
	@$(PIP) --editable '.[docs]'
	@touch $@
