#!/usr/bin/env bash
# Creates the secrets of the pods in kubectl's current cluster. Existing secrets are kept.
#   STRIPE_KEY=sk_test_... STRIPE_WEBHOOK_SECRET=whsec_... STRIPE_PUBLISHABLE_KEY=pk_test_... make secrets
# Without STRIPE_KEY it creates those of the local Stripe server (infra/k8s-dev/stripe-depl.yaml).
# To rotate JWT_KEY without signing anyone out, see docs/deploy.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

kubectl apply -f infra/k8s/00-namespace.yaml

# Reads NAME=VALUE lines from stdin, because `ps` would show a secret passed as an argument.
create() {
  if kubectl -n ticketing get secret "$1" >/dev/null 2>&1; then
    cat >/dev/null
    echo "secret/$1 unchanged"
  else
    kubectl -n ticketing create secret generic "$1" --from-env-file=/dev/stdin
  fi
}

create jwt-secret <<<"JWT_KEY=$(openssl rand -hex 32)"

for user in ADMIN OPERATOR AUTH TICKETS ORDERS EXPIRATION PAYMENTS; do
  echo "${user}_PASSWORD=$(openssl rand -hex 32)"
done | create nats-secret

if [[ -n ${STRIPE_KEY:-} ]]; then
  create stripe-secret <<EOF
STRIPE_KEY=$STRIPE_KEY
STRIPE_WEBHOOK_SECRET=${STRIPE_WEBHOOK_SECRET:?must be set: the signing secret of the webhook endpoint}
STRIPE_PUBLISHABLE_KEY=${STRIPE_PUBLISHABLE_KEY:?must be set: the publishable key for browsers}
EOF
else
  create stripe-secret <<EOF
STRIPE_KEY=sk_test_local
STRIPE_WEBHOOK_SECRET=whsec_$(openssl rand -hex 32)
STRIPE_PUBLISHABLE_KEY=pk_test_local
STRIPE_API_BASE=http://stripe-srv:12111
STRIPE_JS_URL=https://stripe.ticketing.dev/endive/stripe.js
EOF
fi
