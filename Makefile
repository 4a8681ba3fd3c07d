# make demo | make config SCANS='raw/*.h5' | make test | make test-faults | make test-slurm | make lint | make bench |
# make bench-gpu | make docs | make dist.
# The first one builds .venv; no other set-up is needed.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export NO_MKDOCS_2_WARNING = 1
# Without its cache each of a thousand short processes compiles the library again.
unexport PYTHONDONTWRITEBYTECODE

# NIGHTLY=1 adds the rounds and whole runs that take hours, and lets the tests by properties draw more examples.
export NIGHTLY
PYTEST := $(BIN)/python -m pytest $(if $(NIGHTLY),,-m "not nightly")
PARALLEL := -n 2 --dist loadfile

.PHONY: demo config test test-unit test-workflow test-faults test-slurm lint bench bench-gpu docs dist format clean
.DELETE_ON_ERROR:

demo: demo/raw/foam.h5
	$(BIN)/snakemake --profile profiles/local --directory demo --configfile config/demo.yaml
	$(BIN)/python workflow/scripts/compare_demo.py demo

# A commented configuration from raw files; CONFIG= names it. It never overwrites one.
config: CONFIG ?= config.yaml
config: .venv/installed
	$(BIN)/python workflow/scripts/write_config.py '$(CONFIG)' $(SCANS)

# The measured scans are looked for in the folder TOMODENOISE_DATA, by default ../shared/data; tests of these skip without.
test: .venv/installed
	$(PYTEST) $(PARALLEL)

test-unit: .venv/installed
	$(PYTEST) tests/unit tests/scripts $(PARALLEL)

test-workflow: .venv/installed
	$(PYTEST) tests/workflow tests/browser $(PARALLEL)

# Killed runs, full disks, damaged products, wrong input: one round for each kind of fault, or 200 with NIGHTLY=1.
test-faults: .venv/installed
	$(PYTEST) tests/faults -n 2 --dist worksteal --durations=5

# On a SLURM cluster that the tests start on this machine, as root on Debian; elsewhere they skip.
test-slurm: .venv/installed
	$(PYTEST) tests/slurm --durations=5

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=workflow/scripts $(BIN)/lint-imports --no-cache
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python docs/document_config.py --check
	$(BIN)/python docs/draw_imports.py --check
	$(BIN)/python docs/what_fits.py --check
	$(BIN)/mkdocs build --quiet
	$(BIN)/snakemake --lint

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# About 55 minutes on two cores. Allocations are kept as the workflow keeps them, see planning/environment.py.
bench: export MALLOC_MMAP_THRESHOLD_ = 33554432
bench: export MALLOC_TRIM_THRESHOLD_ = 4294967296
bench: .venv/installed
	$(BIN)/python benchmarks/reconstruction.py
	$(BIN)/python benchmarks/defects.py --cores 2
	$(BIN)/python benchmarks/centers.py --seeds 2
	$(BIN)/python benchmarks/throughput.py --repeats 3 --compile
	$(BIN)/python benchmarks/msd_buffer.py
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/quality.py --pixels 5e6 --classical
	$(BIN)/python benchmarks/quality.py --pixels 5e6 --phantom honeycomb --only default recipe
	$(BIN)/python benchmarks/real.py --pixels 5e6
	$(BIN)/python benchmarks/judging.py

# On a graphics card in about four minutes, see docs/gpu.md. Without .venv, with PYTHON as it is: nothing is downloaded.
bench-gpu: OUT ?= bench-gpu
bench-gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) benchmarks/card.py --out '$(OUT)'

# The pages, into site/. A broken link fails here, as in lint.
docs: .venv/installed
	$(BIN)/python docs/document_config.py
	$(BIN)/python docs/draw_imports.py
	$(BIN)/python docs/what_fits.py
	$(BIN)/mkdocs build --quiet

# The source archive of the last commit, as a release has it.
dist: VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
dist:
	git archive --prefix=tomodenoise-$(VERSION)/ --output=tomodenoise-$(VERSION).tar.gz HEAD

demo/raw/foam.h5: | .venv/installed
	$(BIN)/python workflow/scripts/simulate.py $@ --truth demo/raw/foam_truth.npy

# PACKAGES: groups of pyproject.toml.
PACKAGES ?= dev
# torch alone, whichever build this machine's index has; then the rest, each file by its checksum.
.venv/installed: pyproject.toml envs/constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tomodenoise needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --no-deps $$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' envs/constraints.txt)
	$(BIN)/pip install --quiet --constraint envs/constraints.txt $(addprefix --group ,$(PACKAGES))
	touch $@

clean:
	rm -rf .venv demo .snakemake
