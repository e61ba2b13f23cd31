# The front door. Everything below calls cargo or the program `eigenscope`.
#
#   make figures                                    every figure from the embedded digits
#   make figures PIPELINE=paper DATA_DIR=~/data     the published analyses on real MNIST
#   make figures TARGETS='figure.similarity'        only some tasks and what they need
#   make test                                       all tests

PIPELINE  ?= digits
DATA_DIR  ?=
JOBS      ?=
TARGETS   ?=
PUBLISHED ?=
FUZZ_SECONDS ?= 60
SAMPLE    ?=
CARGO     ?= cargo
PREFIX    ?=
DESTDIR   ?=
CARGO_TARGET_DIR ?=
# The Python of the comparisons with PyTorch; by default that of an environment of their own, made when first needed.
PYTHON    ?=

# A misspelt variable would go unnoticed and something else be done than was asked for.
VARIABLES := PIPELINE DATA_DIR JOBS TARGETS PUBLISHED SAMPLE FUZZ_SECONDS CARGO CARGO_TARGET_DIR PYTHON PREFIX DESTDIR
UNKNOWN := $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(filter-out $(VARIABLES),$(name)))))
ifneq ($(UNKNOWN),)
$(error unknown: $(UNKNOWN). Variables are $(VARIABLES); others are set before the command: NAME=value make ...)
endif

# `make clean` without PIPELINE= removes everything.
ASKED_FOR := $(if $(filter file,$(origin PIPELINE)),,yes)

# Values reach the shell through the environment, as they are: make itself would expand a dollar sign and break at blanks, and a
# shell would take quotes and stars in a command line as its own.
define as_it_is
override $(1) := $$(value $(1))
$(if $(value $(1)),export,unexport) $(1)
endef
# Cargo would take the variable CARGO for its own path.
CARGO_COMMAND := $(value CARGO)
$(foreach name,$(filter-out CARGO,$(VARIABLES)) CARGO_COMMAND ASKED_FOR,$(eval $(call as_it_is,$(name))))

# What every command begins with. Words of TARGETS are patterns for the program, not for the shell; not every shell expands ~ after
# `DATA_DIR=`; cargo may be a command with arguments, or a path with blanks.
SHELL_SETUP := set -f; \
	case $$DATA_DIR in '~/'*) DATA_DIR=$$HOME/$${DATA_DIR\#??};; esac; \
	case $$PREFIX in '~/'*) PREFIX=$$HOME/$${PREFIX\#??};; esac; \
	TARGET_DIR=$${CARGO_TARGET_DIR:-target}; \
	with_cargo() { if command -v "$$CARGO_COMMAND" >/dev/null; then "$$CARGO_COMMAND" "$$@"; else $$CARGO_COMMAND "$$@"; fi; }; \
	eigenscope() { "$$TARGET_DIR/release/eigenscope" $${DATA_DIR:+--data-dir "$$DATA_DIR"} "$$@"; };
RUN = @$(SHELL_SETUP)

# How cargo is told of the crate that is a workspace of its own.
OF_REMOTE := --manifest-path crates/remote/Cargo.toml --target-dir "$$TARGET_DIR" --locked

KERNEL_BENCHES := $(basename $(notdir $(wildcard crates/*/benches/*.rs)))

.PHONY: figures build programs remote install test fuzz lint bench bench-device compare report verify lock status readers python exchange duplicates clean help

figures: programs ## Bring results and figures up to date (PIPELINE= DATA_DIR= JOBS= TARGETS=)
	$(RUN) eigenscope run "$$PIPELINE" $${JOBS:+--jobs "$$JOBS"} $$TARGETS

build: programs remote ## Compile everything

programs: ## Compile all that figures need: everything but the program that reaches remote stores
	$(RUN) with_cargo build --release --workspace --locked

# Why it is a workspace of its own is said in its manifest.
remote: ## Compile the program that reaches remote stores
	$(RUN) with_cargo build --release $(OF_REMOTE)

install: ## Compile smaller, faster programs and install them, with pipelines, manual pages and completions (PREFIX= or ~/.local)
	$(RUN) with_cargo build --profile dist --workspace --bins --locked && with_cargo build --profile dist $(OF_REMOTE) || exit; \
	prefix=$$DESTDIR$${PREFIX:-$$HOME/.local}; programs=$$TARGET_DIR/dist; share=$$prefix/share; \
	mkdir -p "$$prefix/bin" "$$share/eigenscope/pipelines" "$$share/man/man1" "$$share/bash-completion/completions" \
		"$$share/zsh/site-functions" "$$share/fish/vendor_completions.d" || exit; \
	for stage in '' -ingest -train -import -decompose -metrics -report -remote; do \
		install -m 755 "$$programs/eigenscope$$stage" "$$prefix/bin" || exit; done; \
	set +f; install -m 644 pipelines/*.toml "$$share/eigenscope/pipelines" || exit; \
	installed=$$prefix/bin/eigenscope; \
	"$$installed" man "$$share/man/man1" \
	&& "$$installed" completions bash > "$$share/bash-completion/completions/eigenscope" \
	&& "$$installed" completions zsh > "$$share/zsh/site-functions/_eigenscope" \
	&& "$$installed" completions fish > "$$share/fish/vendor_completions.d/eigenscope.fish" \
	&& echo "installed: $$installed"

test: build ## Run all tests; those on real data need EIGENSCOPE_DATA_DIR
	$(RUN) with_cargo test --release --workspace --locked
	$(RUN) with_cargo test --release $(OF_REMOTE)

fuzz: build ## Feed every reader of outside bytes with made-up ones (FUZZ_SECONDS= each, JOBS=)
	@fuzz/run "$$FUZZ_SECONDS" $${JOBS:+"$$JOBS"}

lint: ## Formatting, clippy and documentation, warnings are errors; whether the fuzz targets compile
	$(RUN) with_cargo fmt --all -- --check
	$(RUN) with_cargo clippy --release --workspace --all-targets --locked -- -D warnings
	$(RUN) RUSTDOCFLAGS='-D warnings'; export RUSTDOCFLAGS; with_cargo doc --release --workspace --no-deps --document-private-items --locked
	$(RUN) with_cargo fmt --manifest-path crates/remote/Cargo.toml -- --check
	$(RUN) with_cargo clippy --release --all-targets $(OF_REMOTE) -- -D warnings
	$(RUN) with_cargo fmt --manifest-path fuzz/Cargo.toml -- --check
	$(RUN) command -v c++ >/dev/null || { echo 'no C++ compiler: the fuzz targets are not checked'; exit 0; }; \
	RUSTFLAGS='--cfg fuzzing'; export RUSTFLAGS; \
	with_cargo check --manifest-path fuzz/Cargo.toml --target-dir "$$TARGET_DIR/fuzz-check" --bins --locked

bench: programs ## Measure everything, against PyTorch, too (PYTHON= another one than its own, or none)
	$(RUN) if [ -z "$$PYTHON" ]; then own=$$TARGET_DIR/bench-python; PYTHON=$$own/bin/python; \
	if [ ! -x "$$PYTHON" ]; then rm -rf "$$own.new"; python3 -m venv "$$own.new" \
	&& "$$own.new/bin/python" -m pip install --quiet --disable-pip-version-check torch numpy \
	&& rm -rf "$$own" && mv "$$own.new" "$$own" || echo 'no environment with PyTorch'; fi; fi; \
	python=$$(command -v "$$PYTHON") || python=none; case $$python in /*) ;; *) python=$$PWD/$$python;; esac; \
	with_cargo bench --workspace --locked $(foreach bench,$(KERNEL_BENCHES),--bench $(bench)) \
	&& with_cargo bench --workspace --locked --bench epochs -- --python "$$python" \
	--parquet "$$PWD/artifacts/bench/epochs.parquet" --markdown "$$PWD/docs/benchmarks.md" || exit; \
	if [ -x "$$python" ]; then "$$python" crates/metrics/benches/clipping_pytorch.py && "$$python" crates/metrics/benches/masks_pytorch.py \
	&& with_cargo bench --workspace --locked --bench steps -- --python "$$python"; \
	else echo "the comparisons of clipping, masks and training steps with PyTorch are skipped: no $$PYTHON"; fi

bench-device: programs ## Check and measure training on a graphics card, in at most four minutes (DATA_DIR= with MNIST)
	$(RUN) crates/gpu/bench-device "$$TARGET_DIR/release" $${DATA_DIR:+"$$DATA_DIR"}

compare: programs ## Compare our numbers with the published ones (PIPELINE= PUBLISHED=)
	$(RUN) eigenscope compare "$$PIPELINE" $${PUBLISHED:+--published "$$PUBLISHED"}

report: programs ## Write all figures and the comparison into one HTML file (PIPELINE= PUBLISHED=)
	$(RUN) eigenscope report "$$PIPELINE" $${PUBLISHED:+--published "$$PUBLISHED"}

verify: programs ## Compute results again and compare bytes, or values with a lock file of another machine (PIPELINE= SAMPLE= TARGETS=)
	$(RUN) case $$PIPELINE in *.toml) file=$${PIPELINE%.toml};; *) file=pipelines/$$PIPELINE;; esac; \
	lock=; if [ -e "$$file.lock" ]; then lock=--lock; fi; \
	eigenscope verify "$$PIPELINE" --bytes $$lock $${SAMPLE:+--sample "$$SAMPLE"} $${JOBS:+--jobs "$$JOBS"} $$TARGETS

lock: programs ## Write down what a pipeline computes, for verify (PIPELINE=)
	$(RUN) eigenscope lock "$$PIPELINE"

status: programs ## Say what is up to date and what is not, and why (PIPELINE= TARGETS=)
	$(RUN) eigenscope status "$$PIPELINE" $$TARGETS

readers: programs ## Read the results with old and new polars, pandas, pyarrow and DuckDB (PIPELINE=)
	$(RUN) tests/python_readers/run "$$TARGET_DIR" "$${EIGENSCOPE_ARTIFACTS:-artifacts}" "$$PIPELINE"

python: programs ## Test the Python package with old and new packages, and run its guide and notebook
	$(RUN) python/tests/run "$$TARGET_DIR"

exchange: programs ## Compare exported and imported models with PyTorch and onnxruntime (PYTHON= that has them)
	$(RUN) tests/python_models/run "$$TARGET_DIR" "$$PYTHON"

duplicates: ## List crates locked in several versions
	$(RUN) with_cargo tree -d --depth 0 --locked | sort -u

clean: programs ## Remove all results, or those of a pipeline (PIPELINE=); the compiled programs stay: cargo clean
	$(RUN) eigenscope clean $${ASKED_FOR:+"$$PIPELINE"}

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16
