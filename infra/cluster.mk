# Images, a cluster on this machine, and the checks of both. Included by the Makefile.
SERVICES := auth tickets orders expiration payments
IMAGES := $(SERVICES:%=ticketing/%:dev) ticketing/client:dev ticketing/stripe-local:dev
# The last release: its project was retired in March 2026 (docs/gateway-api.md).
INGRESS_NGINX := controller-v1.15.1
INFRA_TOOLS := .local/infra-tools

.PHONY: build-dev-images build-dev-image kind-up kind-down ingress-up secrets certificate kload-imgs \
  apply-dev skdev hosts release-image verify-images deployer deploy upgrade lint-infra test-compose test-stores test-deploy

build-dev-images: ## Build every image as ticketing/<name>:dev
	docker compose build

build-dev-image: ## Build one of them: make build-dev-image NAME=auth
	docker compose build $(NAME)

kind-up: ## Make the development cluster (kind), with its doors at ports 80 and 443
	@kind get clusters 2>/dev/null | grep -qx ticketing || kind create cluster --config infra/kind/cluster.yaml
	kubectl config use-context kind-ticketing

kind-down: ## Remove the development cluster and all that is in it
	kind delete cluster --name ticketing

ingress-up: ## Install ingress-nginx in the cluster and wait for it
	kubectl apply -f https://raw.githubusercontent.com/kubernetes/ingress-nginx/$(INGRESS_NGINX)/deploy/static/provider/kind/deploy.yaml
	kubectl -n ingress-nginx rollout status deployment/ingress-nginx-controller --timeout=300s

secrets: ## Make jwt-secret and stripe-secret in the cluster; what is there stays
	@infra/scripts/create-secrets.sh

certificate: ## Make the certificate of https://ticketing.dev and put it in the cluster
	@infra/scripts/create-certificate.sh

kload-imgs: ## Load the built images into the development cluster
	kind load docker-image --name ticketing $(IMAGES)

apply-dev: ## Apply the manifests and wait until every part is ready
	kubectl apply -f infra/k8s/ -f infra/k8s-dev/
	kubectl -n ticketing rollout status --timeout=600s deployment
	@echo "https://ticketing.dev"

skdev: ## Develop in the cluster: Skaffold copies changed source into running pods
	skaffold dev

hosts: ## Print the line that /etc/hosts needs
	@echo "127.0.0.1 ticketing.dev stripe.ticketing.dev"

release-image: ## Push one image of a release: NAME=auth REGISTRY=ghcr.io/<owner>/ticketing
	@infra/scripts/build-image.sh $(NAME) $(REGISTRY)

verify-images: ## See that every image of this release is signed: REGISTRY=... IDENTITY=...
	@infra/scripts/verify-signatures.sh $(REGISTRY) '$(IDENTITY)'

deployer: ## Make the account that deploys from GitHub, and print its kubeconfig
	@infra/scripts/deployer-kubeconfig.sh

deploy: $(INFRA_TOOLS)/installed ## Bring the cluster to the release checked out here: REGISTRY=...
	@$(INFRA_TOOLS)/bin/ansible-playbook infra/ansible/deploy.yml -e registry=$(REGISTRY) $(ARGS)

upgrade: install ## Lock the newest versions of every Python dependency
	@command -v uv >/dev/null || $(PYTHON_IN)/python -m pip install --quiet uv
	@UV=$$(command -v uv || echo $(PYTHON_IN)/uv) requirements/compile --upgrade

$(INFRA_TOOLS)/installed: requirements/infra-tools.txt infra/lint/package-lock.json
	@python3 -m venv --clear $(INFRA_TOOLS)
	@$(INFRA_TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/infra-tools.txt
	@cp infra/lint/package.json infra/lint/package-lock.json $(INFRA_TOOLS)/
	@npm ci --prefix $(INFRA_TOOLS) --silent --no-audit --no-fund
	@touch $@

lint-infra: $(INFRA_TOOLS)/installed ## Check Dockerfiles, manifests, workflows, shell, YAML and the playbook
	@infra/scripts/lint.sh $(INFRA_TOOLS)
	@$(INFRA_TOOLS)/bin/pytest -q -c infra/tests/pytest.ini infra/tests/static

test-compose: $(INFRA_TOOLS)/installed install ## Build the images, run the system with Compose, and the demo through nginx
	@$(INFRA_TOOLS)/bin/pytest -v -c infra/tests/pytest.ini infra/tests/containers/test_compose.py $(ARGS)

test-stores: $(INFRA_TOOLS)/installed ## Let the manifests' MongoDB and NATS grow to three, in containers
	@$(INFRA_TOOLS)/bin/pytest -v -c infra/tests/pytest.ini infra/tests/containers/test_stores.py $(ARGS)

test-deploy: $(INFRA_TOOLS)/installed ## Run the playbook against the API server that KUBECONFIG names (a scratch one!)
	@$(INFRA_TOOLS)/bin/pytest -v -c infra/tests/pytest.ini infra/tests/cluster $(ARGS)
