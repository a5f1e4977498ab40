#!/bin/sh
# Installs this checkout where it stands, into .venv: from the lock, each hash checked, wheels only, compiled now since
# it is read-only later. The init container runs it, and the image's build. It may run again over what a first try left.
# Another package index: PIP_INDEX_URL and UV_DEFAULT_INDEX.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv --clear .venv
python=.venv/bin/python
$python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes --requirement requirements/uv.txt
uv() { .venv/bin/uv pip "$@" --quiet --no-cache --python $python; }
uv install --compile-bytecode --only-binary :all: --require-hashes --requirement requirements/deploy.txt
uv install --compile-bytecode --no-deps --no-build-isolation .
uv uninstall uv
.venv/bin/open-llm-proxy version
