# Each target says what it does, sets up what it needs, and needs nothing left over from before.

.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
CHECK ?=
ONLY ?=
export PYTHON CHECK

.PHONY: help demo test lint fmt bench fuzz chaos corpus venv browser interop interop-mcp clean

help: ## say what the targets do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: venv ## run the control plane and the expense tracker, perform the story, stay up (CHECK=1: end after it)
	@PYTHONPATH=tools .venv/bin/python -m demo

test: ## set everything up and run every test
	@tools/test.sh

lint: venv ## formatters, linters and type checkers, changing nothing
	@tools/lint.sh

fmt: venv ## format the code
	@cargo fmt --all && .venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

bench: ## build for release, run the benchmarks, write target/bench/results.json (ONLY=name,... runs some)
	@$(PYTHON) benches/run.py $(if $(ONLY),--only $(ONLY))

fuzz: ## run every fuzz target for a minute (SECONDS=...)
	@SECONDS_EACH=$(or $(SECONDS),60) tools/fuzz.sh

chaos: venv ## break everything between applications and control plane for a minute (SECONDS=... SEED=...)
	@SECONDS_LONG=$(or $(SECONDS),60) SEED=$(SEED) tools/chaos.sh

corpus: ## scan real applications and compare with their true routes (CORPUS=folder ONLY=name,... DETAILS=1)
	@CORPUS="$(CORPUS)" ONLY="$(ONLY)" DETAILS="$(DETAILS)" PROGRAM="$(PROGRAM)" tools/corpus.sh

venv: ## build the wheel and install it into .venv
	@tools/venv.sh

browser: ## install what the browser test needs
	@tools/browser.sh

interop: venv ## run other people's programs against the control plane, with races and crashes
	@tools/interop.sh

interop-mcp: venv ## run the Model Context Protocol's conformance suite and clients, both directions
	@tools/interop_mcp.sh

clean: ## remove everything that was built or installed here
	rm -rf target .venv .demo wheel-data tests/browser/node_modules tests/interop/node_modules
