# `make run` and `make test` need Python >= 3.10, a C++20 compiler and make; the rest they install
# into .venv. PYTHON chooses the interpreter, TORCH the release to compare with.
PYTHON ?= python3
TORCH ?= torch
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := CMakeLists.txt pyproject.toml $(shell find csrc python -name '*.?pp' -o -name '*.h' -o -name '*.py' -o -name '*.pyi' -o -name '*.map' -o -name '*.j2' -o -name '*.css')

.PHONY: run picture site test test-peers test-integrations test-service test-clusters test-slow test-browser accuracy instructions
.PHONY: instructions-write golden readme bits openmp c-library wheels ports
.PHONY: sanitize fuzz mutate packages bench performance performance-threads lint format clean

# Evaluates the predictions in data/ with every loss.
run: .venv/.installed
	$(BIN)/python -m tools.evaluate_data

# A file of tests stays in one process, whose fixtures are made once.
test: .venv/.installed
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# Against torch, JAX, pandas and polars.
test-peers: .venv/.peers
	$(BIN)/python -m pytest -m "not slow" tests/test_peers.py tests/test_binary_peers.py \
	  tests/test_arraylike_peers.py tests/test_figures.py tests/test_stores.py tests/test_zero_copy_peers.py

# Inside torch, JAX, Keras, the boosters and scikit-learn.
test-integrations: .venv/.integrations
	$(BIN)/python -m pytest -m "not slow" tests/integrations

# The scoring service of examples/, on SQLite and PostgreSQL (apt-get install postgresql).
test-service: .venv/.service
	$(BIN)/python -m pytest tests/scoring_service

# On a cluster of Dask's and on Spark, which needs Java 17 or newer.
test-clusters: .venv/.clusters
	@command -v java > /dev/null || { echo "Spark needs Java: apt-get install default-jre-headless"; exit 1; }
	$(BIN)/python -m pytest -m "not slow" tests/test_dask.py tests/test_spark.py tests/test_clusters.py

test-slow: .venv/.installed
	$(BIN)/python -m pytest -m slow $(SHARE:%=--share %)

# The documentation site, in build/site/html; warnings are errors.
site: .venv/.site
	$(BIN)/python -m tools.site

# The HTML report and the site in Chromium, which must be installed; npm brings the checks of
# accessibility.
AXE := build/axe/node_modules/axe-core/axe.min.js
test-browser: .venv/.site $(AXE)
	@$(PIP) 'websocket-client>=1.6'
	$(BIN)/python -m pytest tests/test_browser.py tests/test_site.py

# docs/report.png, of the page that `make run` writes.
picture: run
	@$(PIP) 'websocket-client>=1.6'
	$(BIN)/python -m tools.report_picture

$(AXE):
	@npm install --silent --no-audit --no-fund --prefix build/axe axe-core@4.14.1
	@touch $@

# Takes the bits of this build for the golden ones.
golden: .venv/.installed
	$(BIN)/python tests/golden.py write

# The golden bits without Python: other compilers, aarch64 emulated, under Valgrind; with SHARE=K/N
# the last two take the K-th of every N losses.
bits: .venv/.installed
	tools/check_bits.sh $(SHARE)

# Every float32 number through the elementary functions, every loss against mpmath, sums of 10^8
# terms. Writes docs/accuracy.md; with PART=losses that part of it alone, with SLICE=K/N or today/N
# it only checks a share; with NEW=1 only what the document has not is measured.
accuracy: .venv/.peers
	cd tests && ../$(BIN)/python -m accuracy $(if $(PART),--part $(PART)) $(if $(SLICE),--slice $(SLICE)) $(if $(NEW),--new)

# Instructions of every kernel against the stored counts. In CI the compiler must be theirs.
COUNT = cd tests && PATH="$(CURDIR)/$(BIN):$$PATH" ../$(BIN)/python -m instructions
instructions: .venv/.installed
	$(COUNT) $(if $(CI),--strict)

# Takes the counts of these sources and this compiler for the stored ones.
instructions-write: .venv/.installed
	$(COUNT) --write

# Writes the losses of README.md and docs/losses.md.
readme: .venv/.installed
	$(BIN)/python -m tools.readme --write

# libnumloss as its users have it, with the examples in C, C++, Rust and Go. Needs cargo, go,
# pkg-config and abidiff (Debian: cargo golang-go pkg-config abigail-tools).
c-library: .venv/.installed
	tools/check_c_library.sh

# A wheel, repaired as a release does it and used in a clean room; ccache makes it faster.
wheels:
	tools/check_wheels.sh $(PYTHON)

# What can be compiled for Windows, macOS and musl. Needs clang-19, ninja and MinGW's headers (Debian:
# g++-mingw-w64-x86-64-posix).
ports: .venv/.installed
	tools/check_ports.sh

# A build with NUMLOSS_OPENMP: the tests of bits and threads with OpenMP's team.
openmp: .venv/.installed
	tools/check_openmp.sh

# The tests under the address, undefined-behaviour and thread sanitizers of Clang.
sanitize: .venv/.installed
	tools/sanitize.sh address
	tools/sanitize.sh undefined
	tools/sanitize.sh thread

fuzz: .venv/.installed
	tools/fuzz.sh 300

# Seeds faults one by one; the tests must notice each.
mutate: .venv/.installed
	$(BIN)/python -m tools.mutate --write CONTRIBUTING.md

# sdist and wheel, whose bytes are the same in two builds.
packages: .venv/.lint
	tools/check_packages.sh

BENCH := $(BIN)/python -m bench
bench: .venv/.peers
	$(BENCH)

# Measures what docs/performance.md says, on an idle machine of two CPUs or more, and writes it:
# some 30 minutes with short samples, several times as long with BUDGET= empty.
RESULTS := build/results
BUDGET := --quick
performance: .venv/.peers
	$(BENCH) --page $(BUDGET) --json $(RESULTS)/cells.json
	NUMLOSS_ISA=v3 $(BENCH) $(BUDGET) --json $(RESULTS)/v3.json
	$(BENCH) --page --threads 2 $(BUDGET) --json $(RESULTS)/two.json
	$(BENCH) layouts $(BUDGET) --json $(RESULTS)/layouts.json
	$(BENCH) options $(BUDGET) --json $(RESULTS)/options.json
	$(BENCH) threads $(BUDGET) --json $(RESULTS)/threads.json
	$(BENCH) page $(addprefix $(RESULTS)/,$(addsuffix .json,cells v3 two layouts options threads))

# Measures what more threads give, up to as many as this machine has CPUs, and the other libraries
# with as many, and puts that into docs/performance.md beside what the target above measured.
CPUS = $(shell nproc)
COUNTS = $(shell for count in 2 3 4 6 8 12 16 24 32 48 64 96; \
  do test $$count -ge $(CPUS) || echo $$count; done) $(CPUS)
performance-threads: .venv/.peers
	$(BENCH) threads --threads $(COUNTS) $(BUDGET) --json $(RESULTS)/scaling.json
	$(BENCH) --page --threads $(CPUS) $(BUDGET) --json $(RESULTS)/many.json
	$(BENCH) page $(RESULTS)/scaling.json $(RESULTS)/many.json

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/basedpyright
	$(BIN)/python tools/make_stubs.py --check
	$(BIN)/clang-format --dry-run -Werror $$(git ls-files '*.hpp' '*.cpp')
	$(BIN)/python -m tools.mutate --check

format: .venv/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files '*.hpp' '*.cpp')

clean:
	rm -rf .venv .sanitize build dist

.venv/.made:
	@$(PYTHON) -m venv .venv
	@touch $@

# Without build isolation, so that a second build compiles only what changed.
.venv/.tools: .venv/.made pyproject.toml
	@$(PIP) "scikit-build-core>=1.0" "pybind11>=3.0.2" "cmake>=3.21" ninja
	@touch $@

.venv/.installed: .venv/.tools $(SOURCES)
	@echo "installing into .venv; the first build takes about a minute"
	@$(PIP) --no-build-isolation '.[cli,test]'
	@touch $@

.venv/.peers: .venv/.installed
	@$(PIP) '$(TORCH)'
	@$(PIP) --no-build-isolation '.[cli,test,bench]'
	@touch $@

.venv/.integrations: .venv/.peers
	@$(PIP) --no-build-isolation '.[integrations]'
	@touch $@

.venv/.site: .venv/.installed
	@$(PIP) --no-build-isolation '.[site]'
	@touch $@

.venv/.service: .venv/.installed
	@$(PIP) --no-build-isolation '.[service]'
	@touch $@

.venv/.clusters: .venv/.installed
	@$(PIP) --no-build-isolation '.[cli,test,dask,spark]'
	@touch $@

.venv/.lint: .venv/.installed
	@$(PIP) --no-build-isolation '.[dev]'
	@touch $@
