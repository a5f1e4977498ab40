#!/bin/sh
# Installs this checkout where it stands, into .venv: dependencies from the lock, each hash checked, wheels only.
# The init container runs it, and the image's build. It may run again over what an earlier try left.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv --clear .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check --no-cache-dir --quiet "$@"; }
pip install --only-binary :all: --require-hashes --requirement requirements/deploy.txt
pip install --no-index --no-deps --no-build-isolation .
.venv/bin/open-llm-proxy version
