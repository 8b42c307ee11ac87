# make demo   environment, install, and the main job end to end on the data in the repository
# make test   environment, install, and the fast tests
# make check  formatting, lint, types, import contracts
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
STAMP := $(VENV)/.installed

.PHONY: demo test check install slow faults format clean

$(STAMP): pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt torch==2.13.0
	$(PIP) install --constraint constraints.txt --editable ".[train,corpus,zh,pages,postgres,dev]"
	touch $(STAMP)

install: $(STAMP)

demo: install
	$(BIN)/triga run recipes/demo/support-intents.yaml
	$(BIN)/triga predict support-intents "where is my parcel?" "我要退货"

test: install
	$(BIN)/pytest

slow: install
	$(BIN)/pytest -m slow

faults: install
	$(BIN)/pytest -m faults

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist workspace
