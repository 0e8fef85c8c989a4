#!/usr/bin/env bash
# Check the whole project: style, types, import rules, tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin

$bin/ruff check .
$bin/ruff format --check .
$bin/mypy
$bin/lint-imports
xvfb-run -a -s "-screen 0 1920x1080x24" $bin/python -m pytest "$@"
