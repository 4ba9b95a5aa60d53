# Every chore through one short door. `make run` and `make test` are all a newcomer needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
DONE := $(VENV)/.installed

.PHONY: install run quest test bench check doctor soak clean

install: $(DONE)

$(DONE): constraints.txt pyproject.toml
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet --constraint constraints.txt torch
	$(PY) -m pip install --quiet --constraint constraints.txt '.[dev]'
	$(PY) -m pip uninstall --quiet --yes styleseal
	@touch $(DONE)

run: install
	@$(PY) -m launch

quest: install
	@$(PY) -m launch.quest

test: install
	$(PY) -m pytest

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

soak: install
	$(PY) -m tests.faults.drive

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
