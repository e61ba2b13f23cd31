# The front door. Everything below calls cargo or the program `eigenscope`.
#
#   make figures                                    every figure from the embedded digits
#   make figures PIPELINE=paper DATA_DIR=~/data     the published analyses on real MNIST
#   make figures TARGETS='figure.similarity'        only some tasks and what they need
#   make test                                       all tests

PIPELINE ?= digits
DATA_DIR ?= $(if $(EIGENSCOPE_DATA_DIR),$(EIGENSCOPE_DATA_DIR),data)
JOBS     ?=
TARGETS  ?=
PUBLISHED ?=
FUZZ_SECONDS ?= 60
SAMPLE ?=

# A misspelt variable would go unnoticed and something else be done than was asked for.
VARIABLES := PIPELINE DATA_DIR JOBS TARGETS PUBLISHED SAMPLE FUZZ_SECONDS CARGO CARGO_TARGET_DIR PYTHON
UNKNOWN := $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(filter-out $(VARIABLES),$(name)))))
ifneq ($(UNKNOWN),)
$(error unknown: $(UNKNOWN). Variables are $(VARIABLES); others are set before the command: NAME=value make ...)
endif

# Not every shell expands ~ after `DATA_DIR=`.
override DATA_DIR := $(patsubst ~/%,$(HOME)/%,$(DATA_DIR))

CARGO      ?= cargo
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# The Python of the comparisons with PyTorch: an environment of their own, made when first needed.
PYTHON     ?= $(TARGET_DIR)/bench-python/bin/python
KERNEL_BENCHES := $(basename $(notdir $(wildcard crates/*/benches/*.rs)))
EIGENSCOPE := $(TARGET_DIR)/release/eigenscope --data-dir '$(DATA_DIR)'

.PHONY: figures build test fuzz lint bench compare report verify lock status readers duplicates clean help

figures: build ## Bring results and figures up to date (PIPELINE= DATA_DIR= JOBS= TARGETS=)
	@$(EIGENSCOPE) run '$(PIPELINE)' $(if $(JOBS),--jobs $(JOBS)) $(TARGETS)

build: ## Compile everything
	@$(CARGO) build --release --workspace --locked

test: build ## Run all tests; those on real data need EIGENSCOPE_DATA_DIR
	$(CARGO) test --release --workspace --locked

fuzz: build ## Feed every reader of outside bytes with made-up ones (FUZZ_SECONDS= each, JOBS=)
	@fuzz/run $(FUZZ_SECONDS) $(JOBS)

lint: ## Formatting and clippy, warnings are errors; whether the fuzz targets compile
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml -- --check
	@command -v c++ >/dev/null || { echo 'no C++ compiler: the fuzz targets are not checked'; exit 0; }; \
	RUSTFLAGS='--cfg fuzzing' $(CARGO) check --manifest-path fuzz/Cargo.toml --target-dir '$(TARGET_DIR)/fuzz-check' --bins --locked

bench: build ## Measure everything, against PyTorch, too (PYTHON= another one than its own, or none)
	@case '$(PYTHON)' in '$(TARGET_DIR)'/*) $(MAKE) --no-print-directory '$(PYTHON)' || echo 'no environment with PyTorch';; esac
	$(CARGO) bench --workspace --locked $(foreach bench,$(KERNEL_BENCHES),--bench $(bench))
	$(CARGO) bench --workspace --locked --bench epochs -- --python '$(abspath $(PYTHON))' \
		--parquet '$(abspath artifacts/bench/epochs.parquet)' --markdown '$(abspath BENCHMARKS.md)'
	@if [ -x "$$(command -v '$(PYTHON)')" ]; then '$(PYTHON)' crates/metrics/benches/clipping_pytorch.py; \
	else echo 'the comparison of clipping with PyTorch is skipped: no $(PYTHON)'; fi

$(TARGET_DIR)/bench-python/bin/python:
	python3 -m venv '$(TARGET_DIR)/bench-python.new'
	'$(TARGET_DIR)/bench-python.new/bin/python' -m pip install --quiet --disable-pip-version-check torch numpy
	rm -rf '$(TARGET_DIR)/bench-python' && mv '$(TARGET_DIR)/bench-python.new' '$(TARGET_DIR)/bench-python'

compare: build ## Compare our numbers with the published ones (PIPELINE= PUBLISHED=)
	@$(EIGENSCOPE) compare '$(PIPELINE)' $(if $(PUBLISHED),--published '$(PUBLISHED)')

report: build ## Write all figures and the comparison into one HTML file (PIPELINE= PUBLISHED=)
	@$(EIGENSCOPE) report '$(PIPELINE)' $(if $(PUBLISHED),--published '$(PUBLISHED)')

verify: build ## Compute results again and compare bytes, or values with a lock file of another machine (PIPELINE= SAMPLE= TARGETS=)
	@$(EIGENSCOPE) verify '$(PIPELINE)' --bytes $(if $(wildcard pipelines/$(PIPELINE).lock),--lock) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(JOBS),--jobs $(JOBS)) $(TARGETS)

lock: build ## Write down what a pipeline computes, for verify (PIPELINE=)
	@$(EIGENSCOPE) lock '$(PIPELINE)'

status: build ## Say what is up to date and what is not, and why (PIPELINE= TARGETS=)
	@$(EIGENSCOPE) status '$(PIPELINE)' $(TARGETS)

readers: build ## Read the results with old and new polars, pandas, pyarrow and DuckDB (PIPELINE=)
	@tests/python_readers/run '$(TARGET_DIR)' "$${EIGENSCOPE_ARTIFACTS:-artifacts}" '$(PIPELINE)'

duplicates: ## List crates locked in several versions
	@$(CARGO) tree -d --depth 0 --locked | sort -u

clean: ## Remove all results (not the compiled programs: cargo clean)
	find artifacts -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
