#!/usr/bin/env bash
# Runs every fuzz target for SECONDS_EACH seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

each=${SECONDS_EACH:-60}
command -v cargo-fuzz >/dev/null || {
  echo "==> installing cargo-fuzz"
  cargo install --locked --quiet cargo-fuzz
}
for target in fuzz/fuzz_targets/*.rs; do
  name=$(basename "$target" .rs)
  echo "==> $name, $each s"
  cargo +nightly fuzz run "$name" -- -max_total_time="$each" -rss_limit_mb=4096 -verbosity=0
done
