#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml: exact versions and hashes for every platform.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --custom-compile-command packaging/lock.sh --output-file "$1" pyproject.toml "${@:2}"
}
compile requirements.lock
compile packaging/requirements-dev.lock --group dev
