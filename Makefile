# Every chore through one short door. `make run` and `make test` are all a newcomer needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
DONE := $(VENV)/.installed

.PHONY: install run quest test test-slow bench check doctor soak mutations pin clean

install: $(DONE)

# Without a GPU PyTorch is about 200 MB, with one 3 GB; what stands in $(VENV) already is not fetched again.
PIP := $(PY) -m pip --disable-pip-version-check --no-input

$(DONE): constraints.txt pyproject.toml
	@echo "Installing into $(VENV): PyTorch and some sixty libraries, from 0.5 GB (no GPU) to 4 GB; a few minutes, once."
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "  1 of 3  pip"
	@$(PIP) install --quiet --root-user-action=ignore --upgrade pip
	@echo "  2 of 3  PyTorch, the largest part"
	@$(PIP) install --root-user-action=ignore --progress-bar on --constraint constraints.txt torch | grep --line-buffered -E "Downloading|Using cached|Installing" | cut -c1-100 || true
	@$(PY) -c "import importlib.util as find, sys; sys.exit(find.find_spec('torch') is None)"
	@echo "  3 of 3  the other libraries"
	@$(PIP) install --quiet --root-user-action=ignore --constraint constraints.txt '.[dev]'
	@$(PIP) uninstall --quiet --root-user-action=ignore --yes styleseal
	@touch $(DONE)
	@echo "Installed."

run: install
	@$(PY) -m launch

quest: install
	@$(PY) -m launch.quest

test: install
	$(PY) -m pytest -m 'not slow'

# Kills, browsers, real processes and trainings of full size.
test-slow: install
	$(PY) -m pytest -m slow

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
