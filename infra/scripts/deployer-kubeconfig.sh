#!/usr/bin/env bash
# Creates the deploy account in kubectl's current cluster and prints its kubeconfig:
#   infra/scripts/deployer-kubeconfig.sh | gh secret set KUBECONFIG --env production
set -euo pipefail
cd "$(dirname "$0")/../.."

kubectl apply -f infra/k8s/00-namespace.yaml -f infra/k8s-prod/deployer/ >&2

secret() { kubectl -n ticketing get secret deployer-token -o "jsonpath={.data.$1}"; }
until [[ -n $(secret token) ]]; do sleep 0.5; done # the cluster creates the token asynchronously

cat <<EOF
apiVersion: v1
kind: Config
clusters:
  - name: production
    cluster:
      server: $(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
      certificate-authority-data: $(secret 'ca\.crt')
users:
  - name: deployer
    user:
      token: $(secret token | base64 -d)
contexts:
  - name: production
    context: {cluster: production, user: deployer}
current-context: production
EOF
