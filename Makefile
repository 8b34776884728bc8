# Everything goes through here; `make` alone names the targets. How it is done: deploy/setup/.

BIN := .venv/bin
SETUP := deploy/setup
ROUNDS ?= 20

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench faults mutants test-setup

help: ## name the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## bring .venv up to date, with the command yinqiao (activate it: . .venv/bin/activate)
	@bash $(SETUP)/python.sh run

demo: setup ## four nodes, 25 bureaus; EXCHANGE=kafka over a real broker, FRESH=1 starts over
	@$(if $(filter kafka,$(EXCHANGE)),bash $(SETUP)/broker.sh)
	@$(BIN)/yinqiao demo $(if $(EXCHANGE),--exchange $(EXCHANGE)) $(if $(FRESH),--fresh)

test: test-setup check ## set everything up, check, and run all tests: the whole proof
	$(BIN)/pytest -n 2 --dist loadfile

check: ## style, types and layers
	@bash $(SETUP)/python.sh test
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo

bench: setup ## each figure beside its limit, measured in the same run
	@bash $(SETUP)/broker.sh
	@$(BIN)/yinqiao bench

faults: test-setup ## kill at every named step, ROUNDS=20 times each
	FAULT_ROUNDS=$(ROUNDS) $(BIN)/pytest -m faults --timeout 3600

mutants: ## break tree, notes, append and verification on purpose: tests must notice 90 % (ONLY=merkle: one)
	@bash $(SETUP)/python.sh test
	@nice -n 19 $(BIN)/python -m tests.mutants $(ONLY)

test-setup: # what the tests need: environment, broker, browser, fonts
	@bash $(SETUP)/python.sh test
	@bash $(SETUP)/broker.sh
	@bash $(SETUP)/browser.sh
