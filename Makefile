# Everything starts here. Each target sets up what it needs first; that costs nothing when done.

PYTHON ?=
PROJECT ?= motor_health
EXIT ?=
CONCEPT ?=
JOBS ?= 3
FAST ?=
BENCHMARKS ?= dag_parse story false_alarms exercise_watch motor_health uestc \
  gateway_footprint flashing edges quantisation on_the_chip serving big_data gate
BIN := .venv/bin
FIRMWARE = $(shell find include/tinyops/firmware tests -name '*.[ch]' -o -name '*.cpp')

# Set in some environments, it would make every process compile every import again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench soak docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing (OS packages, .venv); repeated: at once
	@PYTHON='$(PYTHON)' sh scripts/setup.sh

demo: setup ## Tell the whole story: PROJECT=motor_health, CONCEPT=1 for more, EXIT=1 to end after it
	@$(BIN)/tinyops demo --project '$(PROJECT)' $(if $(CONCEPT),--concept) $(if $(EXIT),--exit)

# A file's tests stay on one worker, so that they share its expensive fixtures. In the order of
# tests/conftest.py: sorted by their number the few long ones would come last, with one core idle.
# A third worker uses what the others leave idle while they wait for lines, timeouts and processes.
test: setup ## Run all tests: JOBS=3 workers, FAST=1 for an answer within 4 minutes
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
	  -m 'not soak$(if $(FAST), and not slow)' --junitxml build/junit.xml

# Without caches: a stale one of ruff has hidden the order of an import.
lint: setup ## Check style and types of Python and C
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/mypy --cache-dir /dev/null
	$(BIN)/clang-format --dry-run -Werror $(FIRMWARE)

bench: setup ## Measure; writes benchmarks/results/*.json and the tables in docs/
	@for each in $(BENCHMARKS); do echo "== $$each"; $(BIN)/python -m benchmarks.$$each || failed=1; done; \
	  $(BIN)/python -m benchmarks.tables; exit $${failed:-0}

soak: setup ## Long random runs
	@$(BIN)/python -m pytest -m soak

docs: setup ## Write the generated pages: DAGs, rooms and their picture
	$(BIN)/python docs/generate_dags.py
	$(BIN)/python docs/generate_architecture.py

lock: setup ## Resolve requirements.in again: UPGRADE=1 takes newer versions
	$(BIN)/uv pip compile $(if $(UPGRADE),--upgrade) --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url --quiet --output-file requirements.txt requirements.in

clean: ## Stop the stack, remove its data (.tinyops/) and all caches; .venv stays
	@[ ! -x $(BIN)/tinyops ] || [ ! -d .tinyops ] || $(BIN)/tinyops down
	rm -rf .tinyops .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -path ./.venv -prune -o -name __pycache__ -type d -print | xargs rm -rf
