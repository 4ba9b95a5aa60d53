# Every chore through one short door. `make run` and `make test` are all a newcomer needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV := .venv
PY := $(VENV)/bin/python
DONE := $(VENV)/.installed

.PHONY: install run quest test test-slow test-all bench check doctor soak mutations lock pin clean

install: $(DONE)

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

$(DONE): pyproject.toml launch/install.py $(wildcard locks/*.txt)
	@$(PYTHON) -c "$(SUPPORTED)" || { echo "Python 3.11, 3.12 or 3.13 is needed: make install PYTHON=python3.13"; exit 2; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m launch.install
	@touch $(DONE)

run: install
	@$(PY) -m launch

quest: install
	@$(PY) -m launch.quest

test: install
	$(PY) -m pytest -rs -m 'not slow'

# Kills, browsers, real processes and trainings of full size.
test-slow: install
	$(PY) -m pytest -rs -m slow

# Both in one run, so that neither of the two workers waits for the other's slow tests.
test-all: install
	$(PY) -m pytest -rs

bench: install
	$(PY) -m bench

check: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(PY) -m mypy
	$(VENV)/bin/deptry .

doctor: install
	@$(PY) -m bot doctor

# Renews which versions are installed; after another line in pyproject.toml: make lock LOCK=--keep
lock: install
	@$(PY) -m pip install --quiet --quiet uv
	@$(PY) -m launch.lock $(LOCK)

BASE := python:3.11-slim-bookworm
DOCKERFILE := Dockerfile

# Asks the registry which image the name means today, and writes its digest down; again, to renew it.
pin:
	@digest=$$(docker buildx imagetools inspect $(BASE) --format '{{.Manifest.Digest}}') \
	  && expr "$$digest" : 'sha256:[0-9a-f]\{64\}$$' >/dev/null \
	  && sed -i.bak "s|^ARG BASE=.*|ARG BASE=$(BASE)@$$digest|" $(DOCKERFILE) && rm $(DOCKERFILE).bak \
	  && echo "$(DOCKERFILE): $(BASE)@$$digest"

soak: install
	$(PY) -m tests.faults.drive

mutations: install
	$(PY) -m tests.mutations

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
