#!/usr/bin/env bash
# Creates the deploy account in kubectl's current cluster and prints its kubeconfig, whose token
# expires after DURATION (an hour by default, which is enough for one deploy):
#   infra/scripts/deployer-kubeconfig.sh | gh secret set KUBECONFIG --env production
set -euo pipefail
cd "$(dirname "$0")/../.."

kubectl apply -f infra/k8s/00-namespace.yaml -f infra/k8s-prod/deployer/ >&2

# The cluster publishes its certificate in every namespace, asynchronously.
authority() { kubectl -n ticketing get configmap kube-root-ca.crt --ignore-not-found -o 'jsonpath={.data.ca\.crt}'; }
until [[ -n $(authority) ]]; do sleep 0.5; done

cat <<END
apiVersion: v1
kind: Config
clusters:
  - name: production
    cluster:
      server: $(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
      certificate-authority-data: $(authority | base64 | tr -d '\n')
users:
  - name: deployer
    user:
      token: $(kubectl -n ticketing create token deployer --duration="${DURATION:-1h}")
contexts:
  - name: production
    context: {cluster: production, user: deployer}
current-context: production
END
