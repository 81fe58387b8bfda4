#!/bin/sh
# Runs the Python tests with one wheel on other interpreters, each in a virtual environment of its own under
# target/pythons: `run_pythons.sh python3.13 python3.14`.
# Expects the wheel in target/wheels/dev and target/debug/sealgate, as `make venv` leaves them there.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { echo "usage: $0 PYTHON..." >&2; exit 2; }
wheel=$(echo target/wheels/dev/*.whl)
failed=
for python in "$@"; do
    version=$("$python" -c 'import platform; print(platform.python_version())')
    venv="target/pythons/$version"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel[test,examples]"
    printf 'Python %s: ' "$version"
    if ! "$venv/bin/python" -m pytest --quiet --no-header -p no:cacheprovider \
        --override-ini addopts="--strict-markers --import-mode=importlib" >"$venv/report.txt" 2>&1; then
        failed="$failed $version"
        cat "$venv/report.txt"
    fi
    grep -E '[0-9]+ (passed|failed|errors?)[ ,]' "$venv/report.txt" | tail -n 1
done
if [ -n "$failed" ]; then
    echo "failed on:$failed" >&2
    exit 1
fi
