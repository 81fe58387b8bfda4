#!/usr/bin/env bash
# Formatters, linters and type checkers. It changes nothing; `make fmt` does.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

say "rustfmt";  cargo fmt --all --check
say "clippy";   cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
say "ruff";     .venv/bin/ruff format --check -q . && .venv/bin/ruff check -q .
say "mypy";     .venv/bin/mypy --no-error-summary
say "pyright";  .venv/bin/pyright
