# `make` lists the targets. Whatever a target needs is set up first, and only once.

VENV := .venv
BIN := $(VENV)/bin
PYTHON_IN_VENV := $(BIN)/python
DIST := dist
# Of what is for debuggers alone; links the core once more.
STRIP := --strip

# Stamps: what stands in them was installed from files that have not changed since.
LOCKED := $(VENV)/.locked
EDITABLE := $(VENV)/.editable
EXTENSION := core_rs/python/creditgate/core/_core.abi3.so

MEMBERS := client core_rs server loaders audit
PURE_MEMBERS := $(filter-out core_rs,$(MEMBERS))
PROTOS := $(wildcard proto/creditgate/v1/*.proto)
RUST_SOURCES := Cargo.toml Cargo.lock $(PROTOS) \
	$(shell find core_rs -name '*.rs' -o -name Cargo.toml)

# Two steps, because hashes and editable installs cannot mix. The build backends come from the lock.
PIP := PATH="$(CURDIR)/$(BIN):$$PATH" $(PYTHON_IN_VENV) -m pip --disable-pip-version-check
PIP_INSTALL_EDITABLE := $(PIP) install --quiet --no-deps --no-build-isolation

# The extension is linked by maturin alone: a test binary of it would need libpython to link
# against, which many machines lack. Its tests are Python's.
CARGO_TEST := cargo test --locked --workspace --exclude creditgate-core

export PYO3_PYTHON := $(CURDIR)/$(PYTHON_IN_VENV)

.DEFAULT_GOAL := help
# Two pips in one environment would trip over each other.
.NOTPARALLEL:
.PHONY: help setup demo demo-ledger test torture bench bench-full budget micro profile peers lint format \
	protos release-protos lock wheels clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(EDITABLE) $(EXTENSION) ## Set up .venv with everything in it; a second time does nothing

$(LOCKED): requirements.lock
	@python=$$(sh tools/prerequisites.sh) && { test -x $(PYTHON_IN_VENV) || \
		{ echo "Creating $(VENV) with $$python"; "$$python" -m venv $(VENV); }; }
	@echo "Installing the locked packages"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@touch $@

$(EDITABLE): $(LOCKED) $(PURE_MEMBERS:%=%/pyproject.toml)
	@echo "Installing $(PURE_MEMBERS)"
	@$(PIP_INSTALL_EDITABLE) $(PURE_MEMBERS:%=-e ./%)
	@touch $@

$(EXTENSION): $(LOCKED) $(RUST_SOURCES) core_rs/pyproject.toml
	@echo "Building the core, optimised; the first time takes a few minutes"
	@$(PIP_INSTALL_EDITABLE) -e ./core_rs
	@touch $@

demo: setup ## Play a day of orders against a new server (DATA=folder for files of your own)
	@$(PYTHON_IN_VENV) -m demo $(if $(DATA),--data "$(DATA)")

demo-ledger: setup ## Keep in step with a ledger in PostgreSQL, live, and reconcile to zero
	@sh tools/peers.sh
	@$(PYTHON_IN_VENV) -m demo.ledger

peers: ## Install what benchmarks and tests compare with and look through (Debian, as root)
	@sh tools/peers.sh

test: setup ## Run all tests (ARGS="..." goes to pytest)
	@sh tools/peers.sh || echo "Tests that need these are skipped."
	$(CARGO_TEST)
	$(PYTHON_IN_VENV) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

torture: setup ## Kill the server at random under load until stopped (ROUNDS=n to end)
	@$(PYTHON_IN_VENV) -m tests.torture $(if $(ROUNDS),--rounds $(ROUNDS))

bench: setup ## Measure beside peers, at most 10 minutes; fails below a gate; report in bench/out
	@sh tools/peers.sh || echo "What is missing is left out."
	@$(PYTHON_IN_VENV) -m bench quick

bench-full: setup ## All figures: 10 M accounts, recovery, a soak; about an hour
	@sh tools/peers.sh || echo "What is missing is left out."
	@$(PYTHON_IN_VENV) -m bench full

budget: setup ## Hold a day of users against the latency budget (DURATION=60s); report in bench/out
	@$(PYTHON_IN_VENV) -m bench.locust $(if $(DURATION),--duration $(DURATION))

micro: setup ## Time each step of an order and count its instructions (COMMAND=check or record)
	@$(PYTHON_IN_VENV) -m bench.micro $(COMMAND)

profile: setup ## Draw flame graphs of the server under load (SECONDS=10); bench/out/profile*.svg
	@$(PYTHON_IN_VENV) -m bench.profile $(if $(SECONDS),--seconds $(SECONDS))

lint: setup ## Check formatting, lint, types and the protos
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/stubtest creditgate.core._core
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/buf lint proto
	$(BIN)/buf breaking proto --against proto/released.binpb

format: $(LOCKED) ## Format Python and Rust, and apply safe fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	cargo fmt --all

protos: $(LOCKED) ## Generate the Python stubs in client/creditgate/v1
	rm -f client/creditgate/v1/*_pb2*
	$(PYTHON_IN_VENV) -m grpc_tools.protoc -I proto --python_out=client \
		--grpc_python_out=client --pyi_out=client $(PROTOS)

release-protos: $(LOCKED) ## At a release: promise the present protos (proto/released.binpb)
	$(BIN)/buf build proto --exclude-source-info -o proto/released.binpb

lock: $(LOCKED) ## Resolve requirements.lock anew
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header \
		$(PURE_MEMBERS:%=--no-emit-package creditgate-%) --no-emit-package creditgate-core \
		--group pyproject.toml:dev --group pyproject.toml:build \
		--output-file requirements.lock $(MEMBERS:%=%/pyproject.toml)

wheels: $(LOCKED) ## Build the wheels into dist/ (DIST=folder for another place)
	$(BIN)/maturin build --quiet --release --locked $(STRIP) --manifest-path core_rs/Cargo.toml \
		--interpreter $(PYTHON_IN_VENV) --out "$(DIST)"
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir "$(DIST)" \
		$(PURE_MEMBERS:%=./%)

clean: ## Remove what was set up and built
	rm -rf $(VENV) target dist bench/out .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f $(EXTENSION)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
