# What developers and CI run alike. CI calls make and nothing else.
# `make help` lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/sh
CARGO ?= cargo
PYTHON ?= python3
export CARGO_TERM_COLOR ?= auto

# What tests need besides the default features. Not --all-features: cuda and metal need their devices' tools.
FEATURES = plimsoll-router/conformance,plimsoll-router/schema,plimsoll-fit/testing,plimsoll-backend/conformance

# The folder of binaries, wherever CARGO_TARGET_DIR puts it.
TARGET = $(or $(CARGO_TARGET_DIR),target)
PLIMSOLL = $(TARGET)/debug/plimsoll

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-15s %s\n", $$1, $$2 }'

.PHONY: build
build: ## Build the plimsoll binary (development profile; arithmetic is optimised).
	$(CARGO) build --locked -p plimsoll

.PHONY: release
release: ## Build the optimised plimsoll binary, target/release/plimsoll.
	$(CARGO) build --locked --release -p plimsoll

.PHONY: test
test: ## Run every test. PLIMSOLL_REAL_DATA=DIR adds those on real outputs, PLIMSOLL_REAL_MODELS=DIR those on real models.
	$(CARGO) test --locked --workspace --features $(FEATURES)

.PHONY: store-test
store-test: ## Test buckets against moto's S3. Needs moto: pip install 'moto[server]', and make store-test PYTHON=its python.
	CARGO="$(CARGO)" PYTHON="$(PYTHON)" crates/objects/tests/moto.sh

.PHONY: cluster-proof
cluster-proof: ## Share series and chunks through moto's S3 while processes are killed and hang; see benches/cluster/README.md.
	CARGO="$(CARGO)" PYTHON="$(PYTHON)" benches/cluster/proof.sh

# What `make calibrate` runs.
PIPELINE ?= pipelines/pocket.yaml

.PHONY: calibrate
calibrate: build ## From questions to thresholds and report, offline; or another plan: make calibrate PIPELINE=pipelines/mine.yaml.
	$(PLIMSOLL) run $(PIPELINE) $(ARGS)

# Where the toy models are trained, and from which seed.
POCKET_MODELS ?= $(TARGET)/pocket
POCKET_SEED ?= 1
POCKET_TRAIN = $(TARGET)/debug/toy-trainer

.PHONY: pocket-models
pocket-models: ## Train both toy models, each on one thread; resumes from the last checkpoint. Prints how long it took.
	$(CARGO) build --locked --workspace --features $(FEATURES) --bin toy-trainer
	@mkdir -p $(POCKET_MODELS); begun=$$(date +%s); failed=0; \
	$(POCKET_TRAIN) slm --seed $(POCKET_SEED) --out $(POCKET_MODELS)/slm --resume > $(POCKET_MODELS)/slm.log 2>&1 & slm=$$!; \
	$(POCKET_TRAIN) llm --seed $(POCKET_SEED) --out $(POCKET_MODELS)/llm --resume > $(POCKET_MODELS)/llm.log 2>&1 & llm=$$!; \
	wait $$slm || failed=1; wait $$llm || failed=1; tail -n 2 $(POCKET_MODELS)/slm.log $(POCKET_MODELS)/llm.log; \
	echo "both models after $$(( $$(date +%s) - begun )) s"; \
	for model in slm llm; do \
		if cmp -s $(POCKET_MODELS)/$$model/model.safetensors models/pocket/$$model/model.safetensors; \
		then echo "$$model: the released one, byte for byte"; \
		else echo "$$model: not the released one: another seed, or a processor that rounds otherwise"; fi; \
	done; exit $$failed

# A run, and the folder of calibration/ that holds what is released of it: make release-calibration NAME=smollm2-135m.
# ARGS go to the run, for instance --set slms.0.source=../models/FILE.gguf.
NAME ?= pocket
FOLDER ?= $(NAME)
SEARCH ?= --omit-text

.PHONY: release-calibration
release-calibration: build ## Run pipelines/NAME.yaml and rewrite calibration/FOLDER, without a text of any benchmark.
	$(PLIMSOLL) run pipelines/$(NAME).yaml $(ARGS) --out calibration/runs/$(NAME)
	$(PLIMSOLL) release calibration/runs/$(NAME) --to calibration/$(FOLDER) $(SEARCH)

.PHONY: release-pocket
release-pocket: ## Rewrite calibration/pocket, the released example, whose questions are generated.
	$(MAKE) release-calibration NAME=pocket SEARCH=

.PHONY: release-smollm2
release-smollm2: ## Run SmolLM2-135M on 14 benchmarks (hours) and rewrite calibration/smollm2-135m.
	$(MAKE) release-calibration NAME=smollm2-135m

.PHONY: release-qwen
release-qwen: ## Run Qwen2.5-Coder-0.5B on 14 benchmarks (a night) and rewrite calibration/qwen2.5-coder-0.5b.
	$(MAKE) release-calibration NAME=qwen2.5-0.5b FOLDER=qwen2.5-coder-0.5b

# Seconds for each reader of untrusted bytes.
FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: ## Run every reader of untrusted bytes on changes of its corpus, FUZZ_SECONDS each; no nightly toolchain needed.
	$(CARGO) build --locked --release -p plimsoll-fuzz-readers --example mutate
	for target in $$(ls fuzz/corpus); do $(TARGET)/release/examples/mutate $$target $(FUZZ_SECONDS) || exit 1; done

.PHONY: lint
lint: ## Check formatting and lints; warnings are errors.
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path bindings/python/Cargo.toml --check
	$(CARGO) fmt --manifest-path $(PLIMSOLL_PACKAGE) --check
	$(CARGO) clippy --locked --workspace --all-targets --features $(FEATURES) -- -D warnings

.PHONY: fmt
fmt: ## Format every file.
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path bindings/python/Cargo.toml
	$(CARGO) fmt --manifest-path $(PLIMSOLL_PACKAGE)

# The oldest Rust that the router promises, and its cargo.
MSRV = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' crates/router/Cargo.toml)
MSRV_CARGO ?= cargo +$(MSRV)

.PHONY: msrv
msrv: ## Check the router with the oldest Rust that it promises (rustup toolchain install VERSION before).
	$(MSRV_CARGO) check --locked -p plimsoll-router --all-features --all-targets --target-dir $(TARGET)/msrv

.PHONY: doc
doc: ## Build the documentation; broken links are errors.
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --features $(FEATURES)

.PHONY: schemas
schemas: build ## Write schemas/ anew from the types.
	$(PLIMSOLL) schema write schemas

.PHONY: bench
bench: ## Time fit and transfer against NumPy, pandas and scikit-learn (needs Python; see benches/README.md).
	benches/run.sh

.PHONY: bench-kernels
bench-kernels: ## Time products with packed weights by every kernel, beside what a thread of the machine can do at best.
	$(CARGO) bench --locked -p plimsoll-kernels

.PHONY: bench-engine
bench-engine: ## Time a model in process against transformers and llama.cpp (needs Python; see benches/engine/README.md).
	benches/engine/run.sh

# What other languages bind to. Each target builds, tests, and says what it needs; `make bindings-test` does what can be done here.
# Tools that are not on the PATH are given by variables; `.ci/bindings` sets them for CI.
WASM_CARGO ?= $(CARGO)
KOTLINC ?= kotlinc
export KOTLINC
TSC ?= tsc
export TSC
# A class path with JNA in it, and flags of the JVM if its native half lies elsewhere.
JNA ?= /usr/share/java/jna.jar
export JNA
WASM = $(TARGET)/wasm32-unknown-unknown/bindings/plimsoll_c.wasm

.PHONY: bindings-c
bindings-c: ## C: build both libraries into target/bindings and test them. Needs a C compiler; valgrind is used where it is.
	$(CARGO) build --locked --profile bindings -p plimsoll-c
	bindings/c/test.sh $(TARGET)/bindings

.PHONY: bindings-js
bindings-js: ## WebAssembly and its JS package: build and test. Needs Node 18, `rustup target add wasm32-unknown-unknown`.
	$(WASM_CARGO) build --locked --profile bindings --target wasm32-unknown-unknown -p plimsoll-c
	cp $(WASM) bindings/js/plimsoll.wasm
	bindings/js/test.sh

.PHONY: bindings-kotlin
bindings-kotlin: ## Kotlin for the JVM: build and test. Needs Java 17, kotlinc and JNA: make bindings-kotlin [KOTLINC=..] [JNA=..].
	$(CARGO) build --locked --profile bindings -p plimsoll-c
	bindings/kotlin/test.sh $(TARGET)/bindings

.PHONY: bindings-swift
bindings-swift: ## Swift: check the module map with clang, and compile and test where there is a Swift compiler.
	$(CARGO) build --locked --profile bindings -p plimsoll-c
	bindings/swift/test.sh $(TARGET)/bindings

# A Python from 3.10 on that has venv is $(PYTHON).
MATURIN ?= maturin
MYPY ?= mypy
export PYTHON MATURIN MYPY
WHEEL = $(MATURIN) build --release --locked --manifest-path bindings/python/Cargo.toml --target-dir $(TARGET)/python

.PHONY: bindings-python
bindings-python: ## Python: build a wheel and test it. Needs Python 3.10, maturin (pip install maturin); mypy is used where it is.
	rm -rf $(TARGET)/python/wheels
	$(WHEEL) --interpreter $(PYTHON) --auditwheel skip --out $(TARGET)/python/wheels
	$(CARGO) clippy --release --locked --manifest-path bindings/python/Cargo.toml --target-dir $(TARGET)/python -- -D warnings
	bindings/python/test.sh $(TARGET)/python/wheels/*.whl $(TARGET)/python

# The package plimsoll is built of what the program is built of: the same target folder, versions and, by --config, profiles.
PLIMSOLL_PACKAGE = bindings/python-plimsoll/Cargo.toml
PLIMSOLL_WHEEL = $(MATURIN) build --locked --manifest-path $(PLIMSOLL_PACKAGE) --config $(CURDIR)/Cargo.toml --target-dir $(TARGET)

.PHONY: bindings-plimsoll
bindings-plimsoll: ## Python: build the package plimsoll (development profile) and test it. READERS=PYTHON has polars, pandas, pyarrow, duckdb.
	rm -rf $(TARGET)/python/plimsoll
	$(PLIMSOLL_WHEEL) --profile dev --interpreter $(PYTHON) --auditwheel skip --out $(TARGET)/python/plimsoll
	$(CARGO) clippy --locked --manifest-path $(PLIMSOLL_PACKAGE) --config $(CURDIR)/Cargo.toml --target-dir $(TARGET) -- -D warnings
	READERS="$(READERS)" bindings/python-plimsoll/test.sh $(TARGET)/python/plimsoll/*.whl $(TARGET)/python

# Of Linux's wheels: where they run.
PORTABLE = $(if $(filter Linux,$(shell uname -s)),--zig --compatibility manylinux2014)

.PHONY: wheels
wheels: ## Both Python wheels into target/wheels. Needs maturin; for Linux ziglang too (pip install maturin ziglang), for manylinux2014.
	@mkdir -p $(TARGET)/wheels
	$(WHEEL) $(PORTABLE) --out $(TARGET)/wheels
	$(PLIMSOLL_WHEEL) --release $(PORTABLE) --out $(TARGET)/wheels

.PHONY: bindings-test
bindings-test: ## Test every binding that this machine can, and say which were skipped and why.
	bindings/test.sh

# What the report's readers have: a browser, and the readers of the hub. Each target says what is missing and is then skipped.
.PHONY: report-test
report-test: ## The report in headless Chromium. Needs Node 20, Chromium, npm packages: CHROMIUM=.., NODE_PACKAGES=FOLDER (see tests/browser).
	$(CARGO) test --locked -p plimsoll-report --test report
	tests/browser/test.sh $(TARGET)/tmp/report $(TARGET)/report-test

.PHONY: hub-test
hub-test: ## The released folders read by datasets, pandas, polars, DuckDB. Needs tests/hub/requirements.txt: HUB_PYTHON=PROGRAM.
	tests/hub/test.sh $(dir $(wildcard calibration/*/README.md))

.PHONY: notebook-test
notebook-test: ## docs/notebooks, from a CSV of scores to a decision. Needs tests/notebook/requirements.txt, plimsoll-router: NOTEBOOK_PYTHON=PROGRAM.
	PLIMSOLL=$(PLIMSOLL) tests/notebook/test.sh

.PHONY: serve-test
serve-test: ## `plimsoll serve` under the official OpenAI client and curl. Needs curl, tests/openai/requirements.txt: OPENAI_PYTHON=PROGRAM.
	PLIMSOLL=$(PLIMSOLL) tests/openai/test.sh

# What writes golden numbers. tests/goldens/methods/model.py is not among them: it makes another model each time.
GOLDENS = $(wildcard crates/*/tests/goldens/*.py crates/*/tests/goldens/*/*.py tests/goldens/*.py tests/goldens/methods/goldens.py)

.PHONY: goldens
goldens: ## Write golden numbers anew: make goldens [GOLDENS=SCRIPT...] (needs Python; packages: see CONTRIBUTING.md).
	@for script in $(GOLDENS); do \
		if [ -z "$$PLIMSOLL_REAL_DATA" ] && grep -q 'environ\["PLIMSOLL_REAL_DATA"\]' $$script; then \
			echo "skipped, needs PLIMSOLL_REAL_DATA: $$script"; continue; \
		fi; \
		echo $$script; $(PYTHON) $$script || exit 1; \
	done

.PHONY: ci
ci: lint doc test ## Everything that must pass before a change lands.
