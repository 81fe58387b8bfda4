#!/usr/bin/env bash
# Installs Chromium (Debian's package) and playwright-core, which drives it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

command -v npm >/dev/null || {
  echo "error: npm is not installed" >&2
  echo "hint: install Node.js 20 or newer with npm" >&2
  exit 2
}
if ! command -v chromium >/dev/null; then
  say "installing Chromium from Debian's packages"
  as_root=()
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
if [[ ! -d tests/browser/node_modules/playwright-core ]]; then
  say "installing playwright-core"
  (cd tests/browser && npm ci --silent --no-audit --no-fund)
fi
