# setup: .venv with everything; run: the service with two real sittings; check: fast; test: all; test-faults: long
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: setup run test static test-unit test-media test-faults test-postgresql check preflight chromium clean

PYTHON ?= python3
BIN := .venv/bin
NODE_PATH_FIRST := PATH="$(CURDIR)/$(BIN):$$PATH"
UI := web/ui
UI_SOURCES := $(wildcard $(UI)/src/*) $(wildcard $(UI)/*.json) $(UI)/vite.config.ts
NEEDED_MIB := 2500

setup: .venv/.models web/static/app.css

run: preflight chromium setup
	$(BIN)/proctor demo --serve

check: static test-unit

test: chromium static
# side by side: the second waits more than it works
	$(MAKE) --no-print-directory -j 2 --output-sync=target test-unit test-media
# alone, since browsers and their service want both cores; and a process of its own, since the
# browser's driver keeps an event loop running in it
	$(BIN)/pytest -q -rs -m "acceptance and not faults"

static: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd $(UI) && $(NODE_PATH_FIRST) npm run --silent check
	cd $(UI) && $(NODE_PATH_FIRST) npm run --silent test

test-unit: setup
	$(BIN)/pytest -q -n 2 -m "unit or db"

test-media: setup
	$(BIN)/pytest -q -rs -m "media and not faults"

# the long forms: thirty kills under a real browser, a million hostile packets and offers, everything
# installed anew on each Python found
test-faults: chromium setup
	$(BIN)/pytest -s -rs -m "media and faults"
	$(BIN)/pytest -s -rs -m "acceptance and faults"

# the long form: every test with a database, on a PostgreSQL server of its own
test-postgresql: setup
	TEST_DATABASE=postgresql $(BIN)/pytest -q -n 2 -m db

preflight:
	@$(PYTHON) -c 'import os, socket; s = socket.socket(); \
	s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
	s.bind((os.environ.get("PROCTOR_HOST", "127.0.0.1"), int(os.environ.get("PROCTOR_PORT", "8000"))))' \
	2>/dev/null || { echo "port $${PROCTOR_PORT:-8000} is taken; set PROCTOR_PORT to a free one" >&2; exit 1; }

chromium:
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
	  || echo "Chromium could not be installed; an aiortc peer plays the browser" >&2; \
	else echo "no Chromium and not root (apt-get install chromium): an aiortc peer plays the browser, browser tests are skipped" >&2; fi

.venv/.made:
	@free=$$(df -Pm . | awk 'NR == 2 { print $$4 }'); [ "$$free" -ge $(NEEDED_MIB) ] \
	  || { echo "$(CURDIR) has $$free MiB free, setup needs $(NEEDED_MIB) MiB" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

# Python compiles what it imports; compiling everything would take a quarter of the installation
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile

.venv/.libraries: .venv/.made requirements.lock requirements-nodeps.lock
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps --require-hashes -r requirements-nodeps.lock
	touch $@

.venv/.package: .venv/.libraries pyproject.toml
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	touch $@

.venv/.models: .venv/.package models/registry.toml
	$(BIN)/proctor models fetch
	touch $@

$(UI)/node_modules/.installed: .venv/.libraries $(UI)/package-lock.json
	cd $(UI) && $(NODE_PATH_FIRST) npm ci --loglevel=error --no-audit --no-fund
	touch $@

web/static/app.css: $(UI)/node_modules/.installed $(UI_SOURCES)
	cd $(UI) && $(NODE_PATH_FIRST) npm run --silent build
	touch $@

clean:
	rm -rf .venv web/static $(UI)/node_modules
