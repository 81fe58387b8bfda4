#!/bin/sh
# Runs the Python tests on old and new FastAPI, each in a virtual environment of its own under
# target/matrix. With arguments: on these versions only, for instance `run_matrix.sh 0.121.3`.
# Expects the extension in python/sealgate (an editable install puts it there) and target/debug/sealgate.
set -eu
cd "$(dirname "$0")/../.."
versions="${*:-0.115.14 0.121.3 0.136 0.137.2 newest}"
tests="closed_by_default mounted_applications unusual_routes public route_table connections policies dependencies actors openapi testing
    control_plane_for_tests other_applications install sessions interlock route_lock inventory inventory_gates inventory_hostile
    inventory_inspect pytest_routes" # Those that FastAPI has a part in.
failed=
for version in $versions; do
    venv="target/matrix/$version"
    case "$version" in
        newest) wanted="fastapi" ;;
        *.*.*) wanted="fastapi==$version" ;;
        *) wanted="fastapi==$version.*" ;;
    esac
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade \
        "$wanted" "httpx>=0.27" "httpx2>=2" "pytest>=8" "pytest-asyncio>=1"
    printf '%s: ' "$("$venv/bin/python" -c '
import fastapi, starlette
print("fastapi", fastapi.__version__, "on starlette", starlette.__version__)')"
    if ! PYTHONPATH="$PWD/python" "$venv/bin/python" -m pytest --quiet --no-header -p no:cacheprovider \
        $(printf 'tests/python/test_%s.py ' $tests) tests/python/behaviours >"$venv/report.txt" 2>&1; then
        failed="$failed $version"
        cat "$venv/report.txt"
    fi
    grep -E '[0-9]+ (passed|failed|errors?)[ ,]' "$venv/report.txt" | tail -n 1
done
if [ -n "$failed" ]; then
    echo "failed on:$failed" >&2
    exit 1
fi
