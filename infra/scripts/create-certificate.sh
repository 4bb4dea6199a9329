#!/usr/bin/env bash
# Makes the certificate of https://ticketing.dev for a development cluster, and puts it there.
# With mkcert this machine's browsers trust it. Every browser insists: .dev is on the HSTS list.
set -euo pipefail
cd "$(dirname "$0")/../.."
kept=.local/certificate
mkdir -p "$kept"

if [[ ! -s $kept/tls.crt ]]; then
  if command -v mkcert >/dev/null; then
    mkcert -install
    mkcert -cert-file "$kept/tls.crt" -key-file "$kept/tls.key" ticketing.dev stripe.ticketing.dev
  else
    echo "mkcert is not installed: making a certificate that no browser trusts by itself." >&2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
      -subj /CN=ticketing.dev -addext "subjectAltName=DNS:ticketing.dev,DNS:stripe.ticketing.dev" \
      -keyout "$kept/tls.key" -out "$kept/tls.crt" 2>/dev/null
    echo "Import $kept/tls.crt into your browser as an authority, or install mkcert, remove" \
      "$kept and run this again." >&2
  fi
fi

kubectl apply -f infra/k8s/00-namespace.yaml
kubectl -n ticketing create secret tls ticketing-tls --cert="$kept/tls.crt" --key="$kept/tls.key" \
  --dry-run=client -o yaml | kubectl apply -f -
