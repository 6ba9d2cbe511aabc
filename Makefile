# The front door. `make run` starts Berth; `make test` proves it; `make bench` measures it.
# Build output stays outside the clone, so that later runs are quick.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/berth/target
export PATH := $(PATH):$(HOME)/.cache/berth/tools

ARGS ?=
SOAK_MINUTES ?= 180
WORK := $(CARGO_TARGET_DIR)/../test-services

.PHONY: run build portal openapi screenshots test check tools soak bench deny fuzz-check clean-services help

help: ## What can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 18

run: portal ## Build Berth and start it with the embedded defaults (ARGS="--listen 0.0.0.0:8080")
	cargo run --release --locked -p berth -- serve $(ARGS)

build: portal ## Build the release binary
	cargo build --release --locked -p berth

portal: ## Build the web interface (needs Node; skipped when nothing changed)
	@bash scripts/portal.sh || echo "The web interface could not be built: going on without what is new in it" >&2

openapi: ## Write web/openapi.json, from which the web interface's client is generated
	cargo run -q --locked -p berth -- openapi > web/openapi.json.new
	mv web/openapi.json.new web/openapi.json

SCREENSHOTS ?= $(WORK)/screenshots
screenshots: tools portal ## Pictures of every page, language, theme and width, into SCREENSHOTS
	cargo build --locked -p berth
	mkdir -p $(SCREENSHOTS)
	cd web && BERTH_TEST_BINARY=$(CARGO_TARGET_DIR)/debug/berth BERTH_TEST_SCREENSHOTS=$(SCREENSHOTS) npm run --silent screenshots
	@echo "The pictures are in $(SCREENSHOTS)"

tools: ## Install what the tests need: Debian packages and registry clients
	bash scripts/test-tools.sh

check: ## Formatting, lints, arrows between crates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo run -q --locked -p xtask -- check

test: tools ## Everything: lints, both databases, real clients; ends with a count
	bash scripts/test.sh

soak: tools ## Three hours (SOAK_MINUTES) of pushes, deletes, collections and kills on both databases
	bash scripts/soak.sh $(SOAK_MINUTES)

bench: ## Measure beside nginx and docker-registry; writes bench/RESULTS.md
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light docker-registry pigz zstd
	cargo build --release --locked -p berth
	bash scripts/bench.sh

fuzz-check: ## Build the fuzz targets, which are a workspace of their own
	cargo check --locked --manifest-path fuzz/Cargo.toml --bins

deny: ## Licences, bans and sources of dependencies (needs cargo-deny)
	cargo deny --locked check bans licenses sources
