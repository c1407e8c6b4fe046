# Everything that a fresh Debian machine with Rust needs: `make demo` and `make test`.

VENV := target/venv
PIP_QUIET := --quiet --disable-pip-version-check --no-input --no-compile --only-binary :all:
UPLOT := 1.6.32
APT := apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq

# $(call need,PROGRAM,PACKAGE): installs a Debian package if its program is missing.
need = command -v "$(1)" >/dev/null || { \
	[ "$$(id -u)" = 0 ] || { echo '$(2) is missing; run: sudo apt-get install -y $(2)' >&2; exit 1; }; \
	$(APT) $(2) >/dev/null; }

.PHONY: demo test test-deploy simulate simulate-large live bench bench-page screenshot uplot check venv client checkov tflint image \
	sbom provider-schema docs tools browser clean

# Shows the poller at work with a simulated AWS and a local Mackerel: no account, no key.
# ARGS goes to the command, such as ARGS="--cycles 3".
demo: tools
	@cargo run --locked --quiet -- demo $(ARGS)

# Runs all tests, those against moto included.
test: tools browser $(VENV)/.stamp client
	cargo test --locked
	@$(MAKE) --no-print-directory test-deploy

# The Terraform module, the CloudFormation templates and the image by real tools; what needs a tool
# that is not here (Terraform, Go, root) is skipped, and says so. With CI=true that is a failure.
# The program is the one that the other tests run: `cargo build` would build all that it depends on
# once more, without the tests' features.
test-deploy: tools $(VENV)/.stamp checkov tflint
	@cargo test --locked --quiet --no-run --test it
	cd tests/deploy && PYTHONDONTWRITEBYTECODE=1 ../../$(VENV)/bin/python -m unittest --verbose

# Lets the poller live through days of trouble in seconds: SEEDS=1000 for so many runs drawn from
# seeds (FROM=1 on), SEED=7 for one of them with its log; HOURS=36 is the length of each.
simulate: tools
	@SEED=$(SEED) SEEDS=$(SEEDS) FROM=$(FROM) HOURS=$(HOURS) RUST_BACKTRACE=0 \
		cargo test --locked --profile simulate --quiet --test it -- \
		simulation::many_seeds --exact --ignored --nocapture

# Kills the real poller every few minutes, and looks whether anything is missing afterwards; takes
# half an hour of real time. ARGS="--minutes 30" for longer.
live: tools $(VENV)/.stamp
	cargo build --locked --quiet
	@PYTHONDONTWRITEBYTECODE=1 $(VENV)/bin/python tests/live/killed.py target/debug/mackerel-ecs $(ARGS)
# Polls 20,000 services for 50 minutes of virtual time, with AWS's documented rates on.
simulate-large: tools
	cargo test --locked --profile simulate --quiet --test it -- \
		large::twenty_thousand_services --exact --ignored --nocapture

# Format, lints and docs, as CI checks them before the tests.
check: tools
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet

# Writes the files that are made of what the code knows; a test compares them.
docs: tools
	@MACKEREL_ECS_TEST_WRITE=1 cargo test --locked --quiet --test it -- generated:: >/dev/null

# Measures the poller as a process of its own against the simulated AWS, the local Mackerel as one,
# and the sidecar likewise over a day of its minutes, which pass faster for it.
bench: tools
	cargo build --locked --release --quiet
	@python3 tests/bench/bench.py target/release/mackerel-ecs $(ARGS)
	@python3 tests/bench/mackerel.py target/release/mackerel-ecs
	@python3 tests/bench/sidecar.py target/release/mackerel-ecs

# Measures how fast the local Mackerel's page draws a day.
bench-page: tools browser
	@cargo test --locked --profile simulate --quiet --test it -- \
		page::speed::many_graphs_of_a_day --exact --ignored --nocapture

# Takes the picture of the demo that the README shows.
screenshot: tools browser
	cargo test --locked --quiet --test it -- page::a_person_watches_the_demo --exact
	@$(call need,pngquant,pngquant)
	pngquant --force --strip --speed 1 --output docs/images/demo.png target/tmp/screenshots/demo.png

# Compares the charting library that the page holds with the version that it says it is.
uplot:
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		npm pack --silent --pack-destination "$$folder" uplot@$(UPLOT) >/dev/null && \
		tar -xzf "$$folder"/uplot-$(UPLOT).tgz -C "$$folder" && cd src/demo/mackerel/page/uplot && \
		cmp uPlot.js "$$folder"/package/dist/uPlot.iife.min.js && \
		cmp uPlot.css "$$folder"/package/dist/uPlot.min.css && \
		cmp LICENSE "$$folder"/package/LICENSE && echo 'uPlot is version $(UPLOT), unchanged'

# What the build needs besides Rust: a C compiler.
tools:
	@command -v cargo >/dev/null || { echo 'Rust is missing: see https://rustup.rs' >&2; exit 1; }
	@command -v cc >/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'a C compiler is missing; run: sudo apt-get install -y build-essential' >&2; exit 1; }; \
		$(APT) build-essential >/dev/null; }

# The browser that the tests look at the page with.
browser:
	@$(call need,$${MACKEREL_ECS_TEST_CHROMIUM:-chromium},chromium)

venv: $(VENV)/.stamp

# A public client of Mackerel that the tests run against the local one; its HTTP stack wants OpenSSL.
client: tools
	@pkg-config --exists openssl 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'OpenSSL is missing; run: sudo apt-get install -y pkg-config libssl-dev' >&2; exit 1; }; \
		$(APT) pkg-config libssl-dev >/dev/null; }
	@CARGO_TARGET_DIR=target/client cargo build --locked --quiet --manifest-path tests/client/Cargo.toml

# The Python that the tests run moto, a public client of Mackerel and the checks of the deployment with;
# made anew only when its requirements change.
$(VENV)/.stamp: tests/moto/requirements.txt tests/client/requirements.txt tests/deploy/requirements.txt \
		tests/metrics/requirements.txt
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'Python venv support is missing; run: sudo apt-get install -y python3-venv' >&2; exit 1; }; \
		$(APT) python3-venv >/dev/null; }
	@rm -rf $(VENV)
	@python3 -m venv $(VENV)
	@$(VENV)/bin/python -m pip install $(PIP_QUIET) $(patsubst %,-r %,$^)
	@touch $@

# Checkov, in a venv of its own: its versions clash with moto's.
checkov: target/checkov/.stamp
target/checkov/.stamp: tests/deploy/checkov.txt $(VENV)/.stamp
	@rm -rf target/checkov
	@python3 -m venv target/checkov
	@target/checkov/bin/python -m pip install $(PIP_QUIET) -r $<
	@touch $@

# TFLint, built by Go where that is: two minutes the first time. Its rules for AWS are a program of
# their own, whose source the Go module proxy does not give everywhere.
TFLINT := target/deploy/bin/tflint
tflint: $(TFLINT)
$(TFLINT):
	@if command -v go >/dev/null; then \
		GOBIN=$(CURDIR)/$(dir $@) go install github.com/terraform-linters/tflint@v0.64.0; \
	else echo 'Go is missing: TFLint is not built' >&2; fi

# The published schema of what the Terraform module uses, extracted anew from the npm package.
AWS_PROVIDER := @cdktf/provider-aws@21.22.1
provider-schema:
	@mkdir -p target/deploy/npm
	cd target/deploy/npm && npm pack --silent $(AWS_PROVIDER) && tar xzf cdktf-provider-aws-*.tgz
	python3 tests/deploy/extract_schema.py target/deploy/npm/package $$(grep -rhoE \
		'^(resource|data) "aws_[a-z_0-9]+"' terraform --include='*.tf' | sort -u | \
		sed -E 's/resource "(.*)"/\1/; s/data "(.*)"/data.\1/')

# The image without a container engine: the same Dockerfile, with the build done here in place of its
# first stage. It is left in target/image.tar (OCI), compressed as a registry keeps it.
BUILDAH := buildah --storage-driver vfs --root $(CURDIR)/target/buildah
image: tools
	@command -v buildah >/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo 'buildah is missing; run: sudo apt-get install -y buildah' >&2; exit 1; }; \
		$(APT) buildah >/dev/null; }
	cargo build --profile image --locked --no-default-features
	@rm -rf target/rootfs target/image.tar
	image/rootfs.sh target/image/mackerel-ecs target/rootfs
	$(BUILDAH) bud --isolation chroot --build-context rootfs=target/rootfs -t mackerel-ecs .
	$(BUILDAH) push --quiet mackerel-ecs oci-archive:target/image.tar:mackerel-ecs
	@ls -l target/image.tar

# The software bill of materials of the image's program, CycloneDX: target/mackerel-ecs.cdx.json.
sbom: tools
	@command -v cargo-cyclonedx >/dev/null || cargo install --locked --quiet cargo-cyclonedx
	cargo cyclonedx --format json --no-default-features --no-build-deps
	@mv mackerel-ecs.cdx.json target/

clean:
	rm -rf target
