# Everything that a fresh Debian machine with Rust needs: `make demo` and `make test`.

VENV := target/venv
PIP_QUIET := --quiet --disable-pip-version-check --no-input --no-compile --only-binary :all:
APT := apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq

.PHONY: demo test simulate bench check venv tools clean

# Shows the poller at work with a simulated AWS and a local Mackerel: no account, no key.
# ARGS goes to the command, such as ARGS="--cycles 3".
demo: tools
	@cargo run --locked --quiet -- demo $(ARGS)

# Runs all tests, those against moto included.
test: tools $(VENV)/.stamp
	cargo test --locked

# Lets the poller live through days of trouble in seconds: SEEDS=1000 for so many runs drawn from
# seeds (FROM=1 on), SEED=7 for one of them with its log; HOURS=36 is the length of each.
simulate: tools
	@SEED=$(SEED) SEEDS=$(SEEDS) FROM=$(FROM) HOURS=$(HOURS) RUST_BACKTRACE=0 \
		cargo test --locked --profile simulate --quiet --test it -- \
		simulation::many_seeds --exact --ignored --nocapture

# Format, lints and docs, as CI checks them before the tests.
check: tools
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet

# Measures the poller as a process of its own against the simulated AWS, and the sidecar likewise
# over a day of its minutes, which pass faster for it.
bench: tools
	cargo build --locked --release --quiet
	@python3 tests/bench/bench.py target/release/mackerel-ecs $(ARGS)
	@python3 tests/bench/sidecar.py target/release/mackerel-ecs

# What the build needs besides Rust: a C compiler.
tools:
	@command -v cargo >/dev/null || { echo 'Rust is missing: see https://rustup.rs' >&2; exit 1; }
	@command -v cc >/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'a C compiler is missing; run: sudo apt-get install -y build-essential' >&2; exit 1; }; \
		$(APT) build-essential >/dev/null; }

venv: $(VENV)/.stamp

# The Python that the tests run moto with; made anew only when its requirements change.
$(VENV)/.stamp: tests/moto/requirements.txt
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'Python venv support is missing; run: sudo apt-get install -y python3-venv' >&2; exit 1; }; \
		$(APT) python3-venv >/dev/null; }
	@rm -rf $(VENV)
	@python3 -m venv $(VENV)
	@$(VENV)/bin/python -m pip install $(PIP_QUIET) -r $<
	@touch $@

clean:
	rm -rf target
