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
SAMPLE ?=

# Not every shell expands ~ after `DATA_DIR=`.
override DATA_DIR := $(patsubst ~/%,$(HOME)/%,$(DATA_DIR))

CARGO      ?= cargo
PYTHON     ?= python3
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
EIGENSCOPE := $(TARGET_DIR)/release/eigenscope --data-dir '$(DATA_DIR)'

.PHONY: figures build test lint bench compare verify lock status duplicates clean help

figures: build ## Bring results and figures up to date (PIPELINE= DATA_DIR= JOBS= TARGETS=)
	@$(EIGENSCOPE) run '$(PIPELINE)' $(if $(JOBS),--jobs $(JOBS)) $(TARGETS)

build: ## Compile everything
	@$(CARGO) build --release --workspace --locked

test: build ## Run all tests; those on real data need EIGENSCOPE_DATA_DIR
	$(CARGO) test --release --workspace --locked

lint: ## Formatting and clippy, warnings are errors
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings

bench: build ## Measure the kernels, and doing nothing for 100,000 tasks; against PyTorch, too, where $(PYTHON) has it
	$(CARGO) bench --workspace --locked --benches
	@if command -v $(PYTHON) >/dev/null; then \
		$(PYTHON) crates/train/benches/networks_pytorch.py && $(PYTHON) crates/metrics/benches/clipping_pytorch.py; \
	else echo "comparison with PyTorch skipped: no $(PYTHON)"; fi

compare: build ## Compare our numbers with the published ones (PIPELINE= PUBLISHED=)
	@$(EIGENSCOPE) compare '$(PIPELINE)' $(if $(PUBLISHED),--published '$(PUBLISHED)')

verify: build ## Compute results again and compare bytes, or values with a lock file of another machine (PIPELINE= SAMPLE= TARGETS=)
	@$(EIGENSCOPE) verify '$(PIPELINE)' --bytes $(if $(wildcard pipelines/$(PIPELINE).lock),--lock) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(JOBS),--jobs $(JOBS)) $(TARGETS)

lock: build ## Write down what a pipeline computes, for verify (PIPELINE=)
	@$(EIGENSCOPE) lock '$(PIPELINE)'

status: build ## Say what is up to date and what is not, and why (PIPELINE= TARGETS=)
	@$(EIGENSCOPE) status '$(PIPELINE)' $(TARGETS)

duplicates: ## List crates locked in several versions
	@$(CARGO) tree -d --depth 0 --locked | sort -u

clean: ## Remove all results (not the compiled programs: cargo clean)
	find artifacts -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12
