#!/usr/bin/env bash
# Installs Chromium (Debian's package), playwright-core, which drives it, and Swagger UI, which FastAPI's
# documentation page otherwise gets from elsewhere.
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
if [[ ! -d tests/browser/node_modules/playwright-core || ! -d tests/browser/node_modules/swagger-ui-dist ]]; then
  say "installing playwright-core and Swagger UI"
  (cd tests/browser && npm ci --ignore-scripts --silent --no-audit --no-fund)
fi
