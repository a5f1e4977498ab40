# open-llm-proxy: `make` says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 3
export PYTHONDONTWRITEBYTECODE :=
# uv trusts whom this machine trusts, as pip and git do; where nobody is listed, its own list.
ifneq ($(wildcard /etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS := 1
endif

.DEFAULT_GOAL := help
.PHONY: help install run test test-slow test-long coverage check format lock lock-deploy reference parts bench peers bench-peers fuzz mutation release licences clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## a .venv from the lock file, hashes checked

$(STAMP): requirements/lock.txt requirements/uv.txt pyproject.toml config.json
	@$(PYTHON) -c 'import sys; sys.exit("CPython 3.11 or newer is needed: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/lock.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'import open_llm_proxy.cli.serve, open_llm_proxy.serve.worker, open_llm_proxy.serve.recorder' # compiled now, quick to start later
	@touch $(STAMP)

run: install ## run it: a proxy on this machine with a demo model (ARGS="--port 9000")
	@exec $(BIN)/open-llm-proxy serve --demo $(ARGS)

test: install ## test it: all but the slow ones, under 4 minutes on 2 cores
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not slow and not long" $(ARGS)

# pytest ends with 5 where nothing is marked.
test-slow: install ## the marked runs that CI takes: browser, model server, kill -9 under load
	$(PYTEST) -n 2 --dist loadfile -m "slow and not long" $(ARGS) || test $$? = 5

test-long: install ## everything: browser, model server, soak, long fuzz
	$(PYTEST) $(ARGS)

# What must not lose a call or leak a key: the packages of [tool.coverage.run]. Traced, a test takes twice its time.
HELD := http1 proxy records recorder spool
COVERED := build/coverage.json
coverage: install ## lines and branches that the unit tests take, 95 % a package held
	@mkdir -p $(dir $(COVERED))
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not slow and not long" --timeout 300 -q --cov --cov-report=term-missing:skip-covered --cov-report=json:$(COVERED) $(HELD:%=tests/%) $(ARGS)
	@$(BIN)/python tests/coverage_floor.py $(COVERED)

check: install ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pyright --pythonplatform Darwin src
	$(BIN)/lint-imports

format: install ## mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install ## renew the lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade requirements/uv.in --output-file requirements/uv.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --all-extras --group dev pyproject.toml --output-file requirements/lock.txt
	@set -e; for wanted in tests/parts/bare/*.in; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade --no-annotate --no-header "$$wanted" --output-file "$${wanted%.in}.txt"; \
	done
	@$(MAKE) --no-print-directory lock-deploy

lock-deploy: install ## take from the lock what a deployment installs
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --constraint requirements/lock.txt --extra logs --extra traces pyproject.toml requirements/deploy.in --output-file requirements/deploy.txt

reference: install ## renew the schema, docs/config.md's tables and .env.example from the code
	$(BIN)/python -m open_llm_proxy.config.reference

parts: install ## the real parts that tests use (as root: apt, npm, pip)
	sh tests/parts/install.sh

bench: install ## the proxy beside nginx, one table (ARGS="--quick")
	$(BIN)/python -m bench $(ARGS)

peers: install ## the proxy's peers, for bench-peers (as root: apt, npm, pip)
	sh bench/peers/install.sh

bench-peers: install ## the proxy beside its peers: docs/performance.md, README.md, plot (ARGS="--quick")
	$(BIN)/python -m bench.peers $(ARGS)

fuzz: install ## search for inputs that break a parser (TARGET=requests ARGS="--seconds 60 --keep")
	$(BIN)/python -m fuzz $(TARGET) $(ARGS)

mutation: install ## which wrong code no test notices (TARGET=routing, edits, scrub or http1; ARGS="--jobs 4")
	$(BIN)/python -m mutation $(TARGET) $(ARGS)

release: install ## wheel, sdist, SBOM and their sums, into dist/ (no network)
	$(BIN)/python -m release

licences: install ## renew docs/licences.md from what is installed
	$(BIN)/python -m release.licences

clean: ## remove what was made here
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis .coverage node_modules
