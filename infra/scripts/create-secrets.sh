#!/usr/bin/env bash
# Creates the secrets of the pods in kubectl's current cluster. Existing values are kept.
#   STRIPE_KEY=sk_test_... STRIPE_WEBHOOK_SECRET=whsec_... STRIPE_PUBLISHABLE_KEY=pk_test_... make secrets
# Without STRIPE_KEY it creates those of the local Stripe server (infra/k8s-dev/stripe-depl.yaml), and
# without SMTP_URL the one of the local mail server (infra/k8s-dev/mail-depl.yaml).
# To rotate JWT_KEY or a password, see docs/deploy.md; for VAULT_KEY, docs/operations.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

kubectl apply -f infra/k8s/00-namespace.yaml

# Both functions read NAME=VALUE lines from stdin, because `ps` would show a secret passed as an
# argument.

# Creates a secret, unless it exists.
create() {
  if kubectl -n ticketing get secret "$1" >/dev/null 2>&1; then
    cat >/dev/null
    echo "secret/$1 unchanged"
  else
    kubectl -n ticketing create secret generic "$1" --from-env-file=/dev/stdin
  fi
}

# Creates a secret, or adds the keys that it lacks.
complete() {
  local keys missing="" line
  # shellcheck disable=SC2016 # variables of the Go template
  local names='{{range $key, $value := .data}}{{$key}} {{end}}'
  if ! keys=$(kubectl -n ticketing get secret "$1" --output="go-template=$names" 2>/dev/null); then
    kubectl -n ticketing create secret generic "$1" --from-env-file=/dev/stdin
    return
  fi
  while IFS= read -r line; do
    [[ " $keys " == *" ${line%%=*} "* ]] || missing+="  ${line%%=*}: \"${line#*=}\""$'\n'
  done
  if [[ -z $missing ]]; then
    echo "secret/$1 unchanged"
  else
    kubectl -n ticketing patch secret "$1" --patch-file=/dev/stdin <<<"stringData:"$'\n'"$missing"
  fi
}

random() { openssl rand -hex 32; }

# One password for each user of MongoDB and NATS.
passwords() {
  for user in ADMIN OPERATOR AUTH TICKETS ORDERS EXPIRATION PAYMENTS; do
    echo "${user}_PASSWORD=$(random)"
  done
}

create jwt-secret <<<"JWT_KEY=$(random)"
create letter-secret <<<"LETTER_KEY=$(random)"
create smtp-secret <<<"SMTP_URL=${SMTP_URL:-smtp://mail-srv:12025}"
complete vault-secret < <(echo "VAULT_KEY=$(random)" && echo "FINGERPRINT_KEY=$(random)")
complete mongo-secret < <(passwords && echo "KEYFILE=$(random)")
complete nats-secret < <(passwords)
complete redis-secret <<<"REDIS_PASSWORD=$(random)"

if [[ -n ${STRIPE_KEY:-} ]]; then
  create stripe-secret <<EOF
STRIPE_KEY=$STRIPE_KEY
STRIPE_WEBHOOK_SECRET=${STRIPE_WEBHOOK_SECRET:?must be set: the signing secret of the webhook endpoint}
STRIPE_PUBLISHABLE_KEY=${STRIPE_PUBLISHABLE_KEY:?must be set: the publishable key for browsers}
EOF
else
  create stripe-secret <<EOF
STRIPE_KEY=sk_test_local
STRIPE_WEBHOOK_SECRET=whsec_$(random)
STRIPE_PUBLISHABLE_KEY=pk_test_local
STRIPE_API_BASE=http://stripe-srv:12111
STRIPE_JS_URL=https://stripe.ticketing.dev/endive/stripe.js
EOF
fi
