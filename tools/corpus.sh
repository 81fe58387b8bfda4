#!/usr/bin/env bash
# Scans real applications with a program that is built for release, and compares with what is true of them.
set -euo pipefail
cd "$(dirname "$0")/.."

options=()
[[ -z ${CORPUS:-} ]] || options+=(--corpus "$CORPUS")
[[ -z ${ONLY:-} ]] || options+=(--only "$ONLY")
[[ -z ${DETAILS:-} ]] || options+=(--details)
if [[ -n ${PROGRAM:-} ]]; then
  options+=(--program "$PROGRAM")
else
  echo "==> building the program for release: the first time takes some minutes" >&2
  cargo build --quiet --release --locked --package sealgate
fi
exec "${PYTHON:-python3}" tests/corpus/run.py "${options[@]}"
