# Every target sets up its own .venv; nothing but python3, make and git is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL := --disable-pip-version-check -c constraints.txt -e '.[dev]'
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: demo test check bench docs screenshots format clean

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { [ "$(origin PYTHON)" = file ] && $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null; } || \
	{ echo "mm-tui needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@{ [ "$(origin PYTHON)" = file ] && $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null; } || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing mm-tui and what it needs into $(VENV)"
	@$(BIN)/python -m pip install --quiet $(INSTALL) || \
	{ echo "Once more, with every step shown:"; $(BIN)/python -m pip install $(INSTALL); } || \
	{ echo "Not installed: the packages that mm-tui needs. See docs/troubleshooting.md"; exit 1; }
	@touch $@

demo: $(STAMP)
	$(BIN)/mm-tui demo

# Compiled once, for the tests start hundreds of programs. Some of those may not write a whole file: none writes modules.
test: export PYTHONDONTWRITEBYTECODE = 1
# Five processes: most tests wait for a program, a clock or a socket rather than for a processor.
test: $(STAMP)
	$(BIN)/python -m compileall -q mm_tui
	$(BIN)/python -m pytest -n 5 --dist worksteal

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

MAILS ?= 100000
bench: $(STAMP)
	$(BIN)/python -m bench --mails $(MAILS)

docs: $(STAMP)
	$(BIN)/python -m bench.docs

screenshots: $(STAMP)
	$(BIN)/python -m bench.screenshots

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info
