# `make` alone lists what there is. Everything runs in the virtual environment that ./run makes.

PYTHON ?= python3
INDEXSITE_VENV ?= .venv
export INDEXSITE_VENV
BIN := $(abspath $(INDEXSITE_VENV))/bin
ON_SQLITE := -n 2 --dist loadfile --no-loadscope-reorder --database sqlite
ON_POSTGRESQL := -n 2 --dist loadfile --no-loadscope-reorder --database postgresql
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: help run demo install-dev test test-long lint format lock ci clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{printf "make %-12s %s\n", $$1, $$2}'

run: ## Start Indexsite; PORT, HOST, INDEXSITE_DATA and more: ./run --help
	@exec $(PYTHON) run

demo: install-dev ## Take a guided tour with the real tools, in a throw-away folder
	@exec $(BIN)/python tests/demo.py

install-dev: ## Install what the other targets need
	@$(PYTHON) run install --dev

# Tests start servers again and again, of which each would compile all that it loads
demo test test-long: export PYTHONDONTWRITEBYTECODE :=

test: install-dev ## Run the tests: all on SQLite, then on PostgreSQL what depends on the database
	$(BIN)/python -m pytest -q $(ON_SQLITE)
	$(BIN)/python -m pytest -q $(ON_POSTGRESQL) -m "not browser and not clients and not once"

test-long: install-dev ## Run what takes long, and see that tests miss guards that are taken out
	$(BIN)/python -m pytest -q --long
	$(BIN)/python -m tests.guards

lint: export SECRET_KEY := any text, for these checks load the settings
lint: install-dev ## Check style, types, the order of imports and missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --scripts-are-modules run
	$(BIN)/lint-imports
	data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && INDEXSITE_DATA="$$data" DATABASE_URL= \
	$(BIN)/python manage.py makemigrations --check --dry-run

format: install-dev ## Put the style right where a program can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install-dev ## Pin and hash the packages anew, after a change of a .in file
	$(COMPILE) requirements.in -o requirements.txt
	cd requirements && $(COMPILE) dev.in -o dev.txt
	cd requirements && $(COMPILE) production.in -o production.txt
	cd requirements && $(COMPILE) pdm.in -o pdm.txt

ci: lint test ## What must pass before a change is taken

clean: ## Remove caches and the virtual environment; the data in var/ stays
	rm -rf .venv .venv.lock .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./var -prune -o -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
