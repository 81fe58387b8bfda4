#!/usr/bin/env bash
# Installs the programs from npm that tests/interop runs, each pinned by its lock file. Those in Python are in .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

command -v npm >/dev/null || {
  echo "error: npm is not installed" >&2
  echo "hint: install Node.js 20 or newer with npm" >&2
  exit 2
}

lock=tests/interop/package-lock.json
stamp=tests/interop/node_modules/.installed
if [[ ! -f $stamp || $lock -nt $stamp ]]; then
  say "installing openid-client, oauth4webapi, oidc-provider and the conformance suite"
  (cd tests/interop && npm ci --silent --no-audit --no-fund)
  touch "$stamp"
fi
