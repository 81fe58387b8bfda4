#!/usr/bin/env bash
# Sets everything up and runs every test: linters, Rust, Python, the demo's story, a real browser, programs
# of other people. Of those, what takes minutes runs with `make interop`.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n==> %s (%d s)\n' "$*" "$SECONDS"; }

say "the wheel and its virtual environment"
tools/venv.sh
say "lint"
tools/lint.sh
say "Rust tests"
cargo test --quiet --workspace --locked
say "Python tests"
.venv/bin/python -m pytest -q
say "the demo's story, against running processes"
make --no-print-directory demo CHECK=1
say "a real browser"
tools/browser.sh
PYTHONPATH=tools .venv/bin/python tests/browser/run.py
say "programs of other people"
tools/interop.sh --fast
say "revocation while everything breaks"
tools/chaos.sh --with-tests
say "every test passed"
