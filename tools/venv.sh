#!/usr/bin/env bash
# Builds the wheel when a source of it has changed, and installs it into .venv with what the examples,
# tests and linters need. The wheel is built with the profile that the Rust tests use (PROFILE=dev), so
# that everything is compiled once; PROFILE=release is what users install.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
profile=${PROFILE:-dev}
wheels=target/wheels/$profile
stamp=.venv/installed-$profile

say() { printf '==> %s\n' "$*"; }

need() {
  command -v "$1" >/dev/null || { echo "error: $1 is not installed" >&2; echo "hint: $2" >&2; exit 2; }
}

need cargo "install Rust from https://rustup.rs"
need "$python" "install Python 3.11 or newer, or name one: make PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "error: $python is older than 3.11" >&2
  echo "hint: name a newer one: make PYTHON=python3.12" >&2
  exit 2
}

# One at a time: two builds would take the extension from each other, and who comes second finds it done.
mkdir -p target
exec 9>target/venv.lock
if command -v flock >/dev/null; then flock 9; fi

sources=(Cargo.toml Cargo.lock pyproject.toml tools/build_backend.py tools/constraints.txt tools/venv.sh crates python)
if [[ -f $stamp && -z $(find "${sources[@]}" -newer "$stamp" -type f -not -name '*.snap*' -not -name '*.pyc' -print -quit) ]]; then
  exit 0
fi

# One whose making was cut short, by a full disk say, has a Python and no pip: it is made anew.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  say "making .venv"
  "$python" -m venv --clear .venv || {
    echo "hint: Debian packs this apart: apt-get install python3-venv" >&2
    exit 2
  }
fi

started=$SECONDS
# As old as the beginning: what is changed while the build runs is built the next time.
touch .venv/began
say "building the wheel ($profile): the first time compiles everything, some minutes on two cores"
rm -rf "$wheels"
.venv/bin/pip wheel . --quiet --no-deps --wheel-dir "$wheels" --config-settings "build-args=--profile $profile"
say "the wheel is built ($((SECONDS - started)) s); installing it with what tests and examples need"
.venv/bin/pip install --quiet --force-reinstall --no-deps "$wheels"/*.whl
.venv/bin/pip install --quiet --constraint tools/constraints.txt "$(echo "$wheels"/*.whl)[test,interop,lint,examples]"
rm -f .venv/installed-*
mv .venv/began "$stamp"
