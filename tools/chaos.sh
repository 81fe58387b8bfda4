#!/usr/bin/env bash
# Holds revocation to its promise under faults: a control plane and three applications of four workers each,
# with everything between them broken at random. SECONDS_LONG says for how long, SEED repeats an earlier run.
# `--with-tests` runs the tests of crashes and of the harness itself first.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${1:-} == --with-tests ]]; then
  shift
  .venv/bin/python -m pytest -q tests/chaos
fi
options=(--seconds "${SECONDS_LONG:-60}")
[[ -z ${SEED:-} ]] || options+=(--seed "$SEED")
PYTHONPATH=tests:tools exec .venv/bin/python -m chaos.run "${options[@]}" "$@"
