# Developer commands. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help install install-local start stop reset seed demo status backup restore mongo-shell nats-shell redis-shell trace-viewer docs test test-nightly chaos siege mutants dead-letters replay republish-state rebuild test-api-fuzz test-client test-browser test-alerts test-first-start audit bench bench-quick bench-web lint format lock lock-upgrade

PYTHON_IN := .venv/bin
TICKETING := $(PYTHON_IN)/ticketing
INSTALLED := .venv/installed
INSTALLED_LOCAL := .venv/installed-local
PROJECTS := $(wildcard common/pyproject.toml services/*/pyproject.toml infra/local/pyproject.toml infra/local/mail/pyproject.toml infra/local/stripe/pyproject.toml)
export TICKETING_STARTED_AT := $(shell date +%s)

# The value of a variable as one word for the shell, whatever it contains.
quoted = '$(subst ','\'',$(value $(1)))'

help: ## List the commands
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-23s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use the system on this machine

start: install-local ## Start the whole system at http://localhost:8080 (or PORT=); Ctrl-C stops it
	@$(TICKETING) start

seed: install-local ## Create sample users and tickets in the running system (ADDRESS= CA=)
	@$(TICKETING) seed $(REMOTE)

demo: install-local ## Run one purchase and one expiration on the running system (ADDRESS= CA=)
	@$(TICKETING) demo $(REMOTE)

REMOTE = $(if $(ADDRESS),--address $(call quoted,ADDRESS)) $(if $(CA),--ca-file $(call quoted,CA))

status: install-local ## Show health, backlog and dead letters
	@$(TICKETING) status

stop: install-local ## Stop the system from another terminal, or clean up after a killed run
	@$(TICKETING) stop

reset: install-local ## Delete all stored data
	@$(TICKETING) reset

##@ Operate it

backup: install-local ## Back up every database and stream of the running system (TO=folder)
	@$(TICKETING) backup $(if $(TO),$(call quoted,TO))

restore: install-local ## Replace the data of the stopped system with a backup (FROM=folder; YES=1 does not ask; WITHOUT_KEYS=1 if the keys of its ticket files are lost)
	@$(TICKETING) restore $(if $(YES),--yes) $(if $(WITHOUT_KEYS),--without-keys) $(if $(FROM),$(call quoted,FROM))

dead-letters: install-local ## List the dead letters of the running services (SERVICE=orders)
	@$(TICKETING) dead-letters $(SERVICE)

replay: install-local ## Handle dead letters again and delete those that succeed (SERVICE=orders)
	@$(TICKETING) replay $(SERVICE)

republish-state: install-local ## Publish the current state of every aggregate again (SERVICE=orders)
	@$(TICKETING) republish-state $(SERVICE)

rebuild: republish-state

mongo-shell: install-local ## Open mongosh as the operator (SERVICE=orders IN=compose or cluster)
	@infra/scripts/store-shell.sh mongo "$(SERVICE)" $(IN)

nats-shell: install-local ## Open a shell in which `nats` is the operator (IN=compose or cluster)
	@infra/scripts/store-shell.sh nats "" $(IN)

redis-shell: install-local ## Open redis-cli (IN=compose or cluster)
	@infra/scripts/store-shell.sh redis "" $(IN)

trace-viewer: install-local ## Show traces in the browser (prints how to enable export)
	@$(TICKETING) trace-viewer

##@ Change the code

install: $(INSTALLED) ## Install everything that development needs (other targets run it when needed)
	@:

install-local: $(INSTALLED_LOCAL)
	@:

$(INSTALLED): requirements/everything.txt $(PROJECTS) infra/local/install
	@infra/local/install everything

$(INSTALLED_LOCAL): requirements/local.txt $(PROJECTS) infra/local/install
	@infra/local/install local

lint: install ## Check style, types and import layers
	@$(PYTHON_IN)/ruff check
	@$(PYTHON_IN)/ruff format --check
	@$(PYTHON_IN)/basedpyright
	@$(PYTHON_IN)/lint-imports

format: install ## Format and apply automatic fixes
	@$(PYTHON_IN)/ruff check --fix
	@$(PYTHON_IN)/ruff format

lock: install ## Lock the dependencies of every pyproject, with hashes, in requirements/
	@command -v uv >/dev/null || $(PYTHON_IN)/python -m pip install --quiet uv
	@UV=$$(command -v uv || echo $(PYTHON_IN)/uv) requirements/compile

lock-upgrade: install ## Lock the newest versions of all Python dependencies
	@command -v uv >/dev/null || $(PYTHON_IN)/python -m pip install --quiet uv
	@UV=$$(command -v uv || echo $(PYTHON_IN)/uv) requirements/compile --upgrade

docs: install ## Generate docs/openapi, docs/events, /api/docs, the permissions at NATS, and the plots of the benchmarks
	@$(PYTHON_IN)/python -m common.apidocs .
	@PYTHONPATH=tests:. $(PYTHON_IN)/python -m benchmarks.documents

##@ Test it

test: install ## Run all tests against real servers (ARGS="services/orders -x")
	@$(PYTHON_IN)/pytest $(ARGS)

test-nightly: install ## Run the tests that take too long for every change (ARGS=)
	@$(PYTHON_IN)/pytest -m nightly $(ARGS)

chaos: install ## Kill processes under load, then audit the data (SEED= MINUTES= ROUNDS= DISABLE=webhooks)
	@PYTHONPATH=tests nice $(PYTHON_IN)/python -m chaos $(if $(SEED),--seed $(SEED)) \
	  $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(DISABLE),--disable $(DISABLE))

siege: install ## Attack a whole system beside friendly users (ATTACKS="slow-bodies inventory" SECONDS= ADDRESSES=separate)
	@PYTHONPATH=tests $(PYTHON_IN)/python -m siege $(if $(SECONDS),--seconds $(SECONDS)) \
	  $(if $(REPLICAS),--replicas $(REPLICAS)) $(if $(ADDRESSES),--addresses $(ADDRESSES)) $(ATTACKS)

mutants: install ## Remove each safeguard in a copy and check that a test fails (ONLY=relay)
	@PYTHONPATH=tests $(PYTHON_IN)/python -m mutation $(ONLY)

test-api-fuzz: install .local/fuzz ## Fuzz each API with schemathesis (SECONDS=60)
	@PYTHONPATH=tests $(PYTHON_IN)/python -m fuzz $(if $(SECONDS),--seconds $(SECONDS))

test-client: client/node_modules/.package-lock.json ## Check the web client: generated API types, style, types, tests, script sizes
	@cd client && npm run --silent check && npm run --silent lint && npm run --silent typecheck && npm run --silent test && npm run --silent budget

client/node_modules/.package-lock.json: client/package-lock.json
	@cd client && npm ci --no-audit --no-fund
	@touch $@

BROWSER := cd tests/browser && npx --no-install tsc && npx --no-install playwright test
BROWSER_PACKAGES := tests/browser/node_modules/.package-lock.json

test-browser: install $(BROWSER_PACKAGES) ## Run the browser tests in Chromium (ARGS="-g expires" CHROMIUM=path)
	@$(BROWSER) $(ARGS)

$(BROWSER_PACKAGES): tests/browser/package-lock.json
	@cd tests/browser && npm ci --no-audit --no-fund
	@touch $@

test-alerts: install ## Trigger each alert once in a real Prometheus (ALERTS=ServiceDown)
	@PYTHONPATH=tests $(PYTHON_IN)/python -m alerts $(ALERTS)

test-first-start: ## Follow the README in a new Debian, made by debootstrap (needs root and 3 GB)
	@infra/scripts/test-first-start.sh

.local/fuzz .local/audit: .local/%: requirements/%.txt
	@$(PYTHON_IN)/python -m venv --clear $@
	@$@/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

audit: install .local/audit ## Scan for secrets, unsafe code and known vulnerabilities
	@infra/scripts/audit.sh .local/audit

##@ Measure it

bench: install ## Benchmark against the Express reference, update docs/benchmarks.md (ONLY="reads tickets")
	@PYTHONPATH=tests:. $(PYTHON_IN)/python -m benchmarks $(ONLY)

bench-quick: install ## Run every benchmark for one second and save nothing
	@PYTHONPATH=tests:. $(PYTHON_IN)/python -m benchmarks --quick $(ONLY)

bench-web: install $(BROWSER_PACKAGES) ## Measure all pages on a phone profile, update client/README.md and README.md
	@$(BROWSER) --config bench.config.ts

include infra/cluster.mk
