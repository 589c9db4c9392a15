# `make run` and `make test` work on a machine that has Python 3.11-3.14 and make, and nothing else.
# The rest of the commands: `.venv/bin/python -m console --help`.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test check demo bench matrix crash lock words clean browser

# PY=python3.12 make run   chooses another interpreter
PY ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11, 3) <= sys.version_info[:3] < (3, 15))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: --no-deps
JOBS ?= 2

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

run: .venv/run  ## everything from nothing: servers, roles, tables, base data, demo people, web, worker, relay, cron
	@exec $(BIN)/python -m console run

test: .venv/dev browser  ## all tests, on real PostgreSQL, real Redis and a real browser
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: .venv/dev  ## ruff, mypy, import direction, translations, bundles
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -p no:xdist tests/test_architecture.py tests/test_words.py tests/test_workshop.py
	@$(BIN)/python -m console bundle check

demo: .venv/run  ## the whole walk on a scratch database, as proof: a table department x outcome
	@exec $(BIN)/python -m console demo

bench: .venv/dev  ## the figures of the README, as ratios
	@exec $(BIN)/python -m bench

matrix: .venv/dev  ## the wide property tests (hours; `make test` has their short form)
	@HYPOTHESIS_PROFILE=matrix $(BIN)/python -m pytest -n $(JOBS) -m "matrix or hypothesis" --timeout 7200

crash: .venv/dev  ## 2,000 admissions while everything is killed, and a program that judges (about 8 minutes; SEED=7 repeats one)
	@exec $(BIN)/python -m tests.crash

words: .venv/run  ## compile the translations
	@$(BIN)/python -m console words

lock: .venv/dev  ## resolve requirements*.in again into the two lock files
	@for part in requirements requirements-dev; do CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m piptools compile --quiet \
		--upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --output-file $$part.lock $$part.in; done

clean:  ## remove what make made here (not the data folder)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find console -name '*.mo' -delete

# ---- what the above stand on

.venv/python:
	@test -n "$(PY)" || { echo "Ruku needs Python 3.11.3 or newer, up to 3.14, and found none on the PATH. Install one, or name it: make PY=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PY) -c 'import sys; sys.exit(not (3, 11, 3) <= sys.version_info[:3] < (3, 15))' \
		|| { echo "Ruku needs Python 3.11.3 or newer, up to 3.14; '$(PY)' is $$($(PY) --version 2>&1). Name another: make PY=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making the virtual environment .venv with $$($(PY) --version) ..."
	@$(PY) -m venv .venv || { echo "'$(PY) -m venv' did not work. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

.venv/run: .venv/python requirements.lock $(wildcard console/translations/*/*.po)
	@cmp -s requirements.lock .venv/installed.run || { echo "Installing what requirements.lock lists ..."; $(PIP) -r requirements.lock && cp requirements.lock .venv/installed.run; }
	@$(BIN)/python -m console words --quiet
	@touch $@

.venv/dev: .venv/run requirements-dev.lock
	@cmp -s requirements-dev.lock .venv/installed.dev || { echo "Installing what requirements-dev.lock lists ..."; $(PIP) -r requirements-dev.lock && cp requirements-dev.lock .venv/installed.dev; }
	@touch $@

# The browser tests drive the distribution's Chromium. No browser is ever downloaded by the tests themselves.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && echo "Installing Chromium from the distribution ..." \
			&& apt-get update -qq >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null 2>&1; } \
		|| echo "No Chromium here and none could be installed: the browser tests will be skipped (install the package 'chromium' to run them)."
