#!/usr/bin/env bash
# Runs programs of other people against the control plane, each pinned: foreign OAuth clients, a conformance
# suite, another provider beside ours, a fuzzer of the administration's API, races and crashes.
# `--fast` leaves out what takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

marks=()
[[ ${1:-} != --fast ]] || marks=(-m "not slow")

tools/interop_install.sh
exec .venv/bin/python -m pytest -q tests/interop "${marks[@]}"
