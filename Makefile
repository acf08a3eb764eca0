# `make run` and `make test` need Python >= 3.10, a C++20 compiler and make; the rest they install
# into .venv. PYTHON chooses the interpreter, TORCH the release to compare with.
PYTHON ?= python3
TORCH ?= torch
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := CMakeLists.txt pyproject.toml $(shell find csrc python -name '*.?pp' -o -name '*.h' -o -name '*.py' -o -name '*.pyi' -o -name '*.map')

.PHONY: run test test-peers test-slow accuracy instructions golden bits sanitize fuzz mutate packages bench
.PHONY: goals performance performance-threads instructions-write readme lint format clean

# Evaluates the predictions in data/ with every loss.
run: .venv/.installed
	$(BIN)/python -m tools.evaluate_data

test: .venv/.installed
	$(BIN)/python -m pytest

# Against torch, JAX, pandas and polars.
test-peers: .venv/.peers
	$(BIN)/python -m pytest -m "not slow" tests/test_peers.py tests/test_arraylike_peers.py \
	  tests/test_figures.py

test-slow: .venv/.installed
	$(BIN)/python -m pytest -m slow

# Takes the bits of this build for the golden ones.
golden: .venv/.installed
	$(BIN)/python tests/golden.py write

# The golden bits without Python: other compilers, aarch64 emulated, under Valgrind.
bits: .venv/.installed
	tools/check_bits.sh

# Every float32 number through the elementary functions, every loss against mpmath, sums of 10^8
# terms. Writes docs/accuracy.md; with SLICE=K/N or today/N it only checks a share.
accuracy: .venv/.peers
	$(BIN)/python -m bench.accuracy $(if $(SLICE),--slice $(SLICE))

# Instructions of every kernel against the stored counts. In CI the compiler must be theirs.
instructions: .venv/.peers
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench instructions $(if $(CI),--strict)

# Takes the counts of these sources and this compiler for the stored ones.
instructions-write: .venv/.peers
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench instructions --write

# Writes what README.md says of each loss.
readme: .venv/.installed
	$(BIN)/python -m tools.readme --write

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

bench: .venv/.peers
	$(BIN)/python -m bench

goals: .venv/.peers
	$(BIN)/python -m bench goals

# Measures what docs/performance.md says, on an idle machine of two CPUs or more, and writes it:
# some 20 minutes with short samples, several times as long with BUDGET= empty. A bound that is
# missed (exit status 3) stops nothing, anything else does.
RESULTS := bench/results
MEASURED := bench/measured
THREADED := --loss mse binary_cross_entropy focal cross_entropy multiclass_hinge \
  --size 1M 20M 100kx10 1024x1000 256x50257
BUDGET := --quick
MEASURE := --silent $(BUDGET) --json $(RESULTS)
OR_MISSED := || test $$? -eq 3
performance: .venv/.peers
	rm -rf $(RESULTS)
	$(BIN)/python -m bench goals --build $(MEASURE)/goals.json $(OR_MISSED)
	$(BIN)/python -m bench $(MEASURE)/losses.json --size 1M 100kx10 1024x1000 --loss mae hinge \
	  squared_hinge kl_divergence softmax_focal ranked_probability ordinal_cross_entropy
	$(BIN)/python -m bench $(MEASURE)/modes.json --mode grad grad+hess --size 1M 1024x1000 \
	  --loss mse binary_cross_entropy focal cross_entropy
	NUMLOSS_ISA=v3 $(BIN)/python -m bench goals $(MEASURE)/goals-v3.json $(OR_MISSED)
	$(BIN)/python -m bench $(MEASURE)/dtypes.json --loss mse mae huber binary_cross_entropy focal \
	  cross_entropy multiclass_hinge --dtype f64 f16 bf16 --size 10k 1M \
	  4096x10 100kx10 1024x1000 128x128256
	$(BIN)/python -m bench small $(MEASURE)/small.json $(OR_MISSED)
	$(BIN)/python -m bench variants $(MEASURE)/variants.json $(OR_MISSED)
	$(BIN)/python -m bench layouts $(MEASURE)/layouts.json $(OR_MISSED)
	$(BIN)/python -m bench scaling $(MEASURE)/scaling.json $(OR_MISSED)
	$(BIN)/python -m bench $(MEASURE)/threads.json --threads 2 $(THREADED)
	$(BIN)/python -m bench document $(RESULTS)/*.json --machine $(MEASURED)/16-cores.json

# Measures what more threads give, up to as many as this machine has CPUs, and the peers with as
# many. As there is not always a machine of many, the results are kept; the page has those of 16.
CPUS = $(shell nproc)
COUNTS = $(shell for count in 2 3 4 6 8 12 16 24 32 48 64 96; \
  do test $$count -ge $(CPUS) || echo $$count; done) $(CPUS)
performance-threads: .venv/.peers
	rm -rf $(RESULTS)/threads
	$(BIN)/python -m bench scaling $(MEASURE)/threads/scaling.json --threads $(COUNTS) $(OR_MISSED)
	$(BIN)/python -m bench $(MEASURE)/threads/cells.json --threads $(CPUS) $(THREADED)
	$(BIN)/python -m bench report $(RESULTS)/threads/scaling.json $(RESULTS)/threads/cells.json \
	  --silent --json $(MEASURED)/$(CPUS)-cores.json

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $$(git ls-files '*.hpp' '*.cpp')

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

.venv/.lint: .venv/.installed
	@$(PIP) --no-build-isolation '.[dev]'
	@touch $@
