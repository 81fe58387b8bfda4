#!/usr/bin/env bash
# Runs the programs of the Model Context Protocol: its conformance suite against the control plane and against
# our client, the official client and FastMCP's at a server of tools behind the gate, and `sealgate doctor mcp`.
# `--fast` leaves out what takes long.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/interop_install.sh
marks=()
[[ ${1:-} != --fast ]] || marks=(-m "not slow")
tests=(tests/interop/test_conformance.py tests/interop/test_mcp_*.py tests/interop/test_sealgate_agent.py
  tests/interop/test_doctor_mcp.py)
exec .venv/bin/python -m pytest -q "${tests[@]}" "${marks[@]}"
