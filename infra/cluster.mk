# Images, clusters and their tests. Included by the Makefile.
SERVICES := auth tickets orders expiration payments
IMAGES := $(SERVICES:%=ticketing/%:dev) ticketing/client:dev ticketing/stripe-local:dev ticketing/mail-local:dev
# The last release, because ingress-nginx was retired in March 2026 (docs/gateway-api.md).
INGRESS_NGINX := controller-v1.15.1
# Not loaded like ours, because an image that is loaded from Docker loses the digest that pins it.
STORE_IMAGES = $(sort $(shell sed -nE 's/^ *image: (.+@sha256:.+)$$/\1/p' infra/k8s/*.yaml))
INFRA_TOOLS := .local/infra-tools

.PHONY: build-common build-dev-images build-dev-image kind-up kind-down ingress-up secrets certificate kload-imgs \
  apply-dev skdev hosts release-image verify-images deployer-kubeconfig deploy lint-infra \
  test-compose test-store-replication test-deploy

##@ Run it in a cluster

build-dev-images: ## Build every image as ticketing/<name>:dev
	docker compose build

build-dev-image: ## Build one image (NAME=auth)
	docker compose build $(NAME)

kind-up: ## Create the development cluster (kind), exposing ports 80 and 443
	@kind get clusters 2>/dev/null | grep -qx ticketing || kind create cluster --config infra/kind/cluster.yaml
	kubectl config use-context kind-ticketing

kind-down: ## Delete the development cluster and its data
	kind delete cluster --name ticketing

ingress-up: ## Install ingress-nginx in the cluster and wait for it
	kubectl apply -f https://raw.githubusercontent.com/kubernetes/ingress-nginx/$(INGRESS_NGINX)/deploy/static/provider/kind/deploy.yaml
	kubectl apply -f infra/k8s-prod/ingress-nginx/config.yaml
	kubectl -n ingress-nginx rollout status deployment/ingress-nginx-controller --timeout=300s

secrets: ## Create the secrets in the cluster; existing ones are kept
	@infra/scripts/create-secrets.sh

certificate: ## Create the certificate of https://ticketing.dev and store it in the cluster
	@infra/scripts/create-certificate.sh

kload-imgs: ## Load the built images into the development cluster, and pull those of the stores there
	kind load docker-image --name ticketing $(IMAGES)
	@for node in $$(kind get nodes --name ticketing); do \
	  for image in $(STORE_IMAGES); do docker exec "$$node" crictl pull "$$image" || exit; done; \
	done

apply-dev: ## Apply the manifests and wait until every deployment is ready
	kubectl apply -f infra/k8s/ -f infra/k8s-dev/
	kubectl -n ticketing rollout status --timeout=600s deployment
	@echo "https://ticketing.dev"

skdev: ## Develop in the cluster: Skaffold syncs changed sources into running pods
	skaffold dev

hosts: ## Print the line that /etc/hosts needs
	@echo "127.0.0.1 ticketing.dev stripe.ticketing.dev"

$(INFRA_TOOLS)/installed: requirements/infra-tools.txt infra/lint/package-lock.json
	@python3 -m venv --clear $(INFRA_TOOLS)
	@$(INFRA_TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/infra-tools.txt
	@cp infra/lint/package.json infra/lint/package-lock.json $(INFRA_TOOLS)/
	@npm ci --prefix $(INFRA_TOOLS) --silent --no-audit --no-fund
	@touch $@

##@ Test the images and the cluster

lint-infra: $(INFRA_TOOLS)/installed ## Lint Dockerfiles, manifests, workflows, shell scripts, YAML and the playbook
	@infra/scripts/lint.sh $(INFRA_TOOLS)
	@$(INFRA_TOOLS)/bin/pytest -q -c infra/tests/pytest.ini infra/tests/static

test-compose: $(INFRA_TOOLS)/installed install ## Build the images, start the system with Compose, and test it through nginx
	@$(INFRA_TOOLS)/bin/pytest -v -c infra/tests/pytest.ini infra/tests/containers/test_compose.py $(ARGS)

test-store-replication: $(INFRA_TOOLS)/installed ## Scale the cluster's MongoDB and NATS to three members, in containers
	@$(INFRA_TOOLS)/bin/pytest -v -c infra/tests/pytest.ini infra/tests/containers/test_stores.py $(ARGS)

test-deploy: $(INFRA_TOOLS)/installed ## Test the playbook against the API server of KUBECONFIG (a scratch cluster!)
	@$(INFRA_TOOLS)/bin/pytest -v -c infra/tests/pytest.ini infra/tests/cluster $(ARGS)

##@ Release it

build-common: install-local ## Build the package `common`, which others can install, in .local/release
	@infra/scripts/build-common.sh

release-image: ## Build and push one image of a release (NAME=auth REGISTRY=ghcr.io/<owner>/ticketing)
	@infra/scripts/build-image.sh $(NAME) $(REGISTRY)

verify-images: ## Verify the signature of every image of this release (REGISTRY=... IDENTITY=...)
	@infra/scripts/verify-signatures.sh $(REGISTRY) '$(IDENTITY)'

deployer-kubeconfig: ## Create the account that deploys from GitHub, and print its kubeconfig (DURATION=1h)
	@infra/scripts/deployer-kubeconfig.sh

deploy: $(INFRA_TOOLS)/installed ## Deploy the checked-out release to the cluster (REGISTRY=...)
	@$(INFRA_TOOLS)/bin/ansible-playbook infra/ansible/deploy.yml -e registry=$(REGISTRY) $(ARGS)
