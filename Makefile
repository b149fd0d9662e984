# What people type. `make` alone lists it.

CARGO ?= cargo
CARGO_DENY_VERSION = 0.20.2
CARGO_FUZZ_VERSION = 0.13.2
FUZZ_TARGETS = agreement initiating jid reader receiving
FUZZ_SECONDS ?= 20
BUILT = $(or $(CARGO_TARGET_DIR),target)

.PHONY: help demo setup setup-guest test check quick fmt clippy doc docs deny cargo-deny advisories bench fuzz cargo-fuzz

help: ## Lists these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: setup-guest ## Runs Refrain between two small servers of its own, with ordinary and unwanted traffic
	$(CARGO) run -p refrain -- demo

setup: ## Installs the guest target and the Debian packages of the tests; nothing that is there already
	scripts/setup.sh

setup-guest:
	@scripts/setup.sh guest

test: setup ## Runs all tests, the end-to-end ones between real servers included
	$(CARGO) test --workspace

check: quick deny ## Checks format, lints, documentation and dependencies

quick: setup-guest fmt clippy doc ## Checks format, lints and documentation

fmt:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

doc: ## Builds the documentation of every crate
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --no-deps --workspace

docs: setup-guest ## Writes the settings of the bundled filters into their pages
	REFRAIN_WRITE_DOCS=1 $(CARGO) test --workspace --lib -- the_pages_have_the_settings

deny: cargo-deny ## Checks licences, sources and duplicates of the dependencies
	$(CARGO) deny check licenses sources bans

advisories: cargo-deny ## Checks the dependencies against the RustSec advisories
	$(CARGO) deny check advisories

cargo-deny:
	@$(CARGO) deny --version >/dev/null 2>&1 || \
	{ echo "installing cargo-deny $(CARGO_DENY_VERSION): this takes some minutes"; \
	$(CARGO) install --locked cargo-deny@$(CARGO_DENY_VERSION); }

bench: setup-guest ## Measures: reader and writer, filters and selectors, then end to end beside a byte relay
	$(CARGO) bench -p refrain-proto --bench xml --bench stream
	$(CARGO) bench -p refrain-filter --bench chain
	$(CARGO) build --release -p refrain -p refrain-tests --bins
	$(BUILT)/release/load

# RUSTC_BOOTSTRAP: sanitizers are unstable in stable Rust, and there all the same. What is new is kept in target/fuzz/found.
fuzz: cargo-fuzz setup-guest ## Looks for inputs that make parsers differ or streams fail, FUZZ_SECONDS (20) for each target
	@scripts/setup.sh fuzz
	$(CARGO) run -q -p refrain-agreement --bin seeds -- $(BUILT)/fuzz/seeds
	@for target in $(FUZZ_TARGETS); do \
	mkdir -p $(BUILT)/fuzz/found/$$target $(BUILT)/fuzz/seeds/$$target && \
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --fuzz-dir tests/fuzz $$target \
	$(BUILT)/fuzz/found/$$target tests/fuzz/corpus/$$target $(BUILT)/fuzz/seeds/$$target -- \
	-dict=tests/fuzz/xmpp.dict -max_len=4096 -timeout=10 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; done
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --workspace --test configuration -- --nocapture

cargo-fuzz:
	@$(CARGO) fuzz --version >/dev/null 2>&1 || \
	{ echo "installing cargo-fuzz $(CARGO_FUZZ_VERSION): this takes some minutes"; \
	$(CARGO) install --locked cargo-fuzz@$(CARGO_FUZZ_VERSION); }
