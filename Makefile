# The two commands of the README: `make run` and `make test`. Needs Python 3.11 or later with venv.
PYTHON ?= python3
BIN := .venv/bin
# pip would compile all modules, most of which are never used. Python compiles and keeps those that it imports.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt

.PHONY: run test test-all test-foreign smoke docs lint types unit build bench bench-peers kill-test clean

run: .venv/installed
	$(BIN)/python -m experiments.mnist_direct $(ARGS)

test: lint types docs unit

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy

# The documentation as a site in build/site, in seconds; a warning, a dead link or a dead anchor is an error.
docs: .venv/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# A file's tests stay in one process, which makes its fixtures once. Claims of equal bits are made of programs as users compile them, and beside a second (virtual) device.
OPTIMISED := JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS=--xla_force_host_platform_device_count=2
# Where these tests are: to look through all files takes as long as to run them.
WITH_OPTIMISED = $(shell grep -rl --include='test_*.py' mark.optimised tests)
unit: .venv/installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not optimised" $(ARGS)
	$(OPTIMISED) $(BIN)/python -m pytest -n 2 --dist loadfile -m "optimised and not slow" $(or $(ARGS),$(WITH_OPTIMISED))

# All experiments in their small size, in two processes.
smoke: .venv/installed-dev
	$(BIN)/python -m pytest -m slow tests/experiments/test_paper.py $(ARGS)

test-all: test
	$(BIN)/python -m pytest -n 2 -m "slow and not optimised" $(ARGS)
	$(OPTIMISED) $(BIN)/python -m pytest -n 2 -m "slow and optimised" $(or $(ARGS),$(WITH_OPTIMISED))

# Networks of other frameworks, in an environment that has these; it is large.
test-foreign: build/foreign-env/installed
	build/foreign-env/bin/python -m pytest -m "slow or not slow" tests/targets/foreign $(ARGS)

# The sdist and the wheel, in dist/.
build: .venv/installed-dev
	rm -rf build/lib dist
	$(BIN)/python -c "from setuptools import build_meta as b; b.build_sdist('dist'); b.build_wheel('dist')"

bench: .venv/installed
	$(BIN)/python -m benchmarks.evolution $(ARGS)

bench-peers: .venv/installed build/peers/qdax-env/installed build/peers/pyribs-env/installed
	$(BIN)/python -m benchmarks.peers.compare $(ARGS)

kill-test: .venv/installed
	$(BIN)/python tests/kill_and_resume.py $(ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[digits]'
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) -e '.[dev,docs,imagenet]'
	touch $@

build/foreign-env/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv build/foreign-env
	build/foreign-env/bin/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[dev,foreign]'
	touch $@

build/peers/%-env/installed: benchmarks/peers/%.txt constraints.txt
	$(PYTHON) -m venv build/peers/$*-env
	build/peers/$*-env/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
