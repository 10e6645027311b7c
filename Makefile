# Every target makes what it needs in .venv, from the hashed requirements; a second run finds it done.
# ARGS goes to the program: make demo ARGS=--once · make test ARGS="-k probe -x"

PYTHON ?= python3
ARGS ?=
#: Test processes; more than cores, for many tests wait for a socket.
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
CORE := units readings rules alerts notify configuration trials
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
IMAGE ?= streamkap-watchdog
PYTHON_IMAGE ?= python:3.12-slim
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)

#: Done when the product can run, and when it can be worked on. Each is newer than what it was made from.
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development

.PHONY: help demo test test-core lint messages screenshots bench incidents requirements image image-test sbom licences clean
.DEFAULT_GOAL := help

help:
	@echo "make demo          the watchdog against a Streamkap of its own, with an incident; needs no account"
	@echo "make test          all tests (ARGS goes to pytest, JOBS processes run them)"
	@echo "make test-core     the tests of what decides, in seconds"
	@echo "make lint          ruff, mypy --strict, import contracts, hadolint"
	@echo "make messages      draws every kind of message as it arrives into docs/messages; needs Chromium"
	@echo "make screenshots   shoots the pages of a running watchdog into docs/status-page; needs Chromium"
	@echo "make incidents     public incidents and healthy fleets: caught, first cause right, false pages"
	@echo "make bench         the numbers: speed, memory, start-up"
	@echo "make image         the container image ($(IMAGE)), FROM $(PYTHON_IMAGE)"
	@echo "make image-test    builds the image and runs it as compose.yaml does; needs root, buildah, runc, debootstrap"
	@echo "make sbom          what is shipped, as CycloneDX (dist/sbom.cdx.json)"
	@echo "make licences      what is shipped, with the licence of each"
	@echo "make requirements  pins the dependencies of pyproject.toml anew (UPGRADE=1: to their newest releases)"
	@echo "make clean         removes .venv and everything else that can be made again"

# On a terminal the demo stays for its status page until Ctrl-C; in a pipe or a script it ends with the incident.
demo: $(RUNTIME)
	@if [ -n "$(ARGS)" ] || [ -t 1 ]; then exec $(BIN)/watchdog demo $(ARGS); else exec $(BIN)/watchdog demo --once; fi

# A file's tests stay with one worker, so that a module starts its server or browser once. JOBS=0 for a debugger.
test: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

# What decides, without sockets, databases or browsers.
test-core: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(addprefix tests/,$(CORE)) $(ARGS)

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile

# Real messages over real sockets, drawn as they arrive; docs/messages shows them.
messages: $(DEVELOPMENT)
	PYTHONPATH=tests $(BIN)/python -m pictures $(ARGS)

# Every page and state of a watchdog that really runs; docs/status-page.md shows them.
screenshots: $(DEVELOPMENT)
	PYTHONPATH=tests $(BIN)/python -m screenshots $(ARGS)

# ARGS="--years 1000" simulates more health, --only bank or calm one of the two tables.
incidents: $(DEVELOPMENT)
	PYTHONPATH=tests $(BIN)/python -m incidents $(ARGS)

bench: $(DEVELOPMENT)
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script" $(ARGS) || exit 1; done

# The first engine that answers; ENGINE=podman names one. HEALTHCHECK needs docker's format, which is docker's only one.
image:
	@for engine in $(or $(ENGINE),docker podman buildah); do \
	  $$engine info >/dev/null 2>&1 || continue; \
	  case $$engine in *docker) format= ;; *) format="--format docker" ;; esac; \
	  exec $$engine build $$format --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) \
	    --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --tag $(IMAGE) $(ARGS) .; \
	done; echo "make image needs docker, podman or buildah, and none of them answers" >&2; exit 1

# BASE=registry/python:3.12 builds on that image; without it one is made of Debian's packages.
image-test: $(DEVELOPMENT)
	PYTHON_IMAGE=$(BASE) $(BIN)/python tests/image/run.py

requirements: $(BIN)/uv
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  | $(UV) $(if $(UPGRADE),--upgrade) --no-annotate - -o requirements-build.txt
	$(UV) $(if $(UPGRADE),--upgrade) pyproject.toml -o requirements.txt
	$(UV) $(if $(UPGRADE),--upgrade) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	printf 'cyclonedx-bom>=7\npip-licenses>=5\n' | $(UV) $(if $(UPGRADE),--upgrade) --no-annotate - -o requirements-supply.txt

# What is shipped: of the runtime's requirements alone, in an environment of its own.
dist/.supply: requirements.txt requirements-supply.txt
	@mkdir -p dist && $(PYTHON) -m venv dist/shipped && $(PYTHON) -m venv dist/supply
	@dist/shipped/bin/python -m pip install --quiet --require-hashes -r requirements.txt
	@dist/supply/bin/python -m pip install --quiet --require-hashes -r requirements-supply.txt
	@touch $@

sbom: dist/.supply
	dist/supply/bin/cyclonedx-py environment dist/shipped/bin/python --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json

licences: dist/.supply
	dist/supply/bin/pip-licenses --python dist/shipped/bin/python --order license --format markdown --ignore-packages pip setuptools

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The development environment is the runtime's and more, so it counts as both.
$(DEVELOPMENT): requirements-build.txt requirements-dev.txt pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) what the tests need; this takes a minute, once"
	@$(PIP) install --quiet --require-hashes -r requirements-build.txt -r requirements-dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME) $@

$(RUNTIME): requirements-build.txt requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) what the watchdog needs; this takes a minute, once"
	@$(PIP) install --quiet --require-hashes -r requirements-build.txt -r requirements.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$(PYTHON) is missing or older than 3.11; name another one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	  || { echo "this $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Only its output is kept, so uv itself needs no pin.
$(BIN)/uv: | $(BIN)/python
	$(PIP) install --quiet uv
