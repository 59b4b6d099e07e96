# Two commands: `make book` builds the book, `make test` runs the tests. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PAGE := _build/html/index.html

export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: book pdf test lint lab clean

book: $(STAMP)
	$(BIN)/jupyter-book build .
	@echo "The book is built. Open $(CURDIR)/$(PAGE)"
	@if [ -n "$(OPEN)" ]; then $(BIN)/python -m webbrowser "file://$(CURDIR)/$(PAGE)"; fi

pdf: book
	$(BIN)/python -m _ext.pdf

test: lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The root is the project, for the server writes nothing outside its root; Lab opens in notebooks/.
lab: $(STAMP)
	$(BIN)/jupytext --quiet --sync $$(grep -l '{code-cell}' chapters/*.md)
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one: make PYTHON=python3.12 book" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $(STAMP)

clean:
	rm -rf _build notebooks .pytest_cache .mypy_cache .ruff_cache .hypothesis
