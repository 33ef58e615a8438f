# Wraps what the README says in three lines: venv, pip, flask. Needs python3.11+ with venv and pip, nothing else.
# One that was compiled without its optimisations, as pyenv does unless told, takes a quarter more time for everything:
# then the system's own is taken, where it has all that is needed.
OPTIMISED := import sysconfig; exit("--enable-optimizations" not in (sysconfig.get_config_var("CONFIG_ARGS") or ""))
USABLE := import ensurepip, sys; exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell python3 -c '$(OPTIMISED)' 2>/dev/null || ! /usr/bin/python3 -c '$(USABLE)' 2>/dev/null || echo /usr/bin/)python3
endif
BIN := .venv/bin
# The lock files are complete and hashed, so nothing is resolved; bytecode is made when a module is first imported.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes --only-binary :all:
# Without bytecode every process would compile all it imports anew: some images forbid it for their own sake.
unexport PYTHONDONTWRITEBYTECODE
# Options of `flask --app wsgi up`, such as UP="--port 8080", and of pytest, such as TESTS="tests/properties".
UP ?=
TESTS ?= tests

.PHONY: up test lint format lock audit clean elasticsearch

up: .venv/runtime.stamp
	exec $(BIN)/flask --app wsgi up $(UP)

test: lint
	$(BIN)/pytest -n 2 --dist worksteal $(TESTS)

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Takes the versions of the .in files and pins all they need, for every platform and Python from 3.11 on.
lock: .venv/dev.stamp
	$(BIN)/python -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: uv
	.venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: requirements.in -o requirements.txt
	.venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: requirements-dev.in -o requirements-dev.txt

audit: .venv/dev.stamp
	$(BIN)/bandit --quiet --recursive marketplace vendors search settlements wsgi.py
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.txt

# A real Elasticsearch for tests and figures (JDK 17 and Maven needed): eval "$$(make -s elasticsearch)"
elasticsearch:
	@$(PYTHON) benchmarks/elasticsearch_server.py start

# The servers' data goes too: stop `make up` first.
clean:
	rm -rf .venv var .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "python 3.11 or newer is needed; name one with PYTHON=")'
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements.txt | .venv/bin/python
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/bin/python
	$(INSTALL) -r requirements-dev.txt
	@touch $@
