# Every command a developer needs. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install start stop reset seed demo status backup restore traces docs test chaos mutants dead-letters replay rebuild test-api-fuzz test-client test-browser test-alerts audit bench bench-quick bench-web lint format lock

PYTHON_IN := .venv/bin
LOCAL := $(PYTHON_IN)/python -m ticketing_local
INSTALLED := .venv/installed
PROJECTS := $(wildcard common/pyproject.toml services/*/pyproject.toml infra/local/pyproject.toml infra/local/stripe/pyproject.toml)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv and install what is locked (the others do it when needed)
	@:

$(INSTALLED): requirements/everything.txt $(PROJECTS) infra/local/install
	@infra/local/install

start: install ## Start the whole system at http://localhost:8080 (PORT moves it); Ctrl-C stops it
	@$(LOCAL) start

stop: install ## Stop it from another terminal, or what a killed one left
	@$(LOCAL) stop

reset: install ## Clear everything it has stored
	@$(LOCAL) reset

seed: install ## Fill the running system with a few users and tickets to look at
	@$(LOCAL).commands.seed

demo: install ## Watch one purchase and one expiry happen on the running system
	@$(LOCAL).commands.demo

status: install ## See on one screen who is well, what waits, what was given up
	@$(LOCAL).commands.status

backup: install ## Write every database and stream of the running system to a folder (TO=folder)
	@$(LOCAL).commands.backup backup $(TO)

restore: install ## Replace what the stopped system stores by a backup (FROM=folder)
	@$(LOCAL).commands.backup restore $(FROM)

traces: install ## Show traces in the browser (it says how to have them sent)
	@$(LOCAL).commands.trace_viewer

docs: install ## Write docs/openapi, docs/events and /api/docs anew, from the code
	@$(PYTHON_IN)/python -m common.apidocs.openapi docs/openapi
	@$(PYTHON_IN)/python -m common.apidocs.asyncapi docs/events

test: install ## Run every test, on real servers
	@$(PYTHON_IN)/pytest $(ARGS)

chaos: install ## Kill everything under load, then audit (SEED= MINUTES= ROUNDS= WITHOUT=webhooks)
	@PYTHONPATH=tests nice $(PYTHON_IN)/python -m chaos $(if $(SEED),--seed $(SEED)) \
	  $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(WITHOUT),--without $(WITHOUT))

mutants: install ## Take each safeguard out of a copy, and see the tests fail (ONLY="a word")
	@PYTHONPATH=tests $(PYTHON_IN)/python -m mutation $(ONLY)

dead-letters: install ## List what the running services gave up on, and why (SERVICE=orders)
	@$(LOCAL).commands.admin dead-letters $(SERVICE)

replay: install ## Have the dead letters handled again; what succeeds is gone (SERVICE=orders)
	@$(LOCAL).commands.admin replay $(SERVICE)

rebuild: install ## Emit the present state of everything again, from MongoDB (SERVICE=orders)
	@$(LOCAL).commands.admin rebuild $(SERVICE)

test-api-fuzz: install .local/fuzz ## Try each API with schemathesis: no 5xx, every answer documented (SECONDS=60)
	@PYTHONPATH=tests $(PYTHON_IN)/python -m fuzz $(if $(SECONDS),--seconds $(SECONDS))

test-client: client/node_modules/.package-lock.json ## Check the web client: fresh API types, style, types, tests
	@cd client && npm run --silent check && npm run --silent lint && npm run --silent typecheck && npm run --silent test

client/node_modules/.package-lock.json: client/package-lock.json
	@cd client && npm ci --no-audit --no-fund
	@touch $@

BROWSER := cd tests/browser && npx --no-install tsc && npx --no-install playwright test
BROWSER_PACKAGES := tests/browser/node_modules/.package-lock.json

test-browser: install $(BROWSER_PACKAGES) ## Buy, sell and fail in a real Chromium (ARGS="-g expires"; CHROMIUM=path)
	@$(BROWSER) $(ARGS)

bench-web: install $(BROWSER_PACKAGES) ## Measure the home page as a phone gets it, into client/README.md and README.md
	@$(BROWSER) --config bench.config.ts

$(BROWSER_PACKAGES): tests/browser/package-lock.json
	@cd tests/browser && npm ci --no-audit --no-fund
	@touch $@

test-alerts: install ## Make each alert fire once, in a real Prometheus, on a running system (ALERTS="ServiceDown")
	@PYTHONPATH=tests $(PYTHON_IN)/python -m alerts $(ALERTS)

audit: install .local/audit ## Look for secrets, unsafe code, and known faults in what is locked
	@infra/scripts/audit.sh .local/audit

.local/fuzz .local/audit: .local/%: requirements/%.txt
	@$(PYTHON_IN)/python -m venv --clear $@
	@$@/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

bench: install ## Measure against the Express reference into docs/benchmarks.md (ONLY="reads tickets")
	@PYTHONPATH=tests:. $(PYTHON_IN)/python -m benchmarks $(ONLY)

bench-quick: install ## See that every measurement works, a second each; nothing is kept
	@PYTHONPATH=tests:. $(PYTHON_IN)/python -m benchmarks --quick $(ONLY)

lint: install ## Check style, types and the rules of who may import whom
	@$(PYTHON_IN)/ruff check
	@$(PYTHON_IN)/ruff format --check
	@$(PYTHON_IN)/basedpyright
	@$(PYTHON_IN)/lint-imports

format: install ## Format, and mend what can be mended by itself
	@$(PYTHON_IN)/ruff check --fix
	@$(PYTHON_IN)/ruff format

lock: install ## Lock the dependencies of every pyproject, with hashes, into requirements/
	@command -v uv >/dev/null || $(PYTHON_IN)/python -m pip install --quiet uv
	@UV=$$(command -v uv || echo $(PYTHON_IN)/uv) requirements/compile

include infra/cluster.mk
