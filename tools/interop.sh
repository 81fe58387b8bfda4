#!/usr/bin/env bash
# Runs programs of other people against the control plane, each pinned: foreign OAuth clients, a conformance
# suite, another provider beside ours, a fuzzer of the administration's API, races and crashes.
# `--fast` leaves out what takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

command -v npm >/dev/null || {
  echo "error: npm is not installed" >&2
  echo "hint: install Node.js 20 or newer with npm" >&2
  exit 2
}
marks=()
[[ ${1:-} != --fast ]] || marks=(-m "not slow")

lock=tests/interop/package-lock.json
stamp=tests/interop/node_modules/.installed
if [[ ! -f $stamp || $lock -nt $stamp ]]; then
  say "installing openid-client, oauth4webapi, oidc-provider and the conformance suite"
  (cd tests/interop && npm ci --silent --no-audit --no-fund)
  touch "$stamp"
fi
exec .venv/bin/python -m pytest -q tests/interop "${marks[@]}"
