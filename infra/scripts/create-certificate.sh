#!/usr/bin/env bash
# Creates the certificate of https://ticketing.dev and stores it in the development cluster.
# mkcert makes this machine's browsers trust it, which they require because .dev is HSTS-preloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=.local/certificate
mkdir -p "$folder"

if [[ ! -s $folder/tls.crt ]]; then
  if command -v mkcert >/dev/null; then
    mkcert -install
    mkcert -cert-file "$folder/tls.crt" -key-file "$folder/tls.key" ticketing.dev stripe.ticketing.dev
  else
    echo "mkcert is not installed: creating a self-signed certificate, which browsers do not trust." >&2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
      -subj /CN=ticketing.dev -addext "subjectAltName=DNS:ticketing.dev,DNS:stripe.ticketing.dev" \
      -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
    echo "Import $folder/tls.crt into your browser as an authority, or install mkcert, delete" \
      "$folder and run this command again." >&2
  fi
fi

kubectl apply -f infra/k8s/00-namespace.yaml
kubectl -n ticketing create secret tls ticketing-tls --cert="$folder/tls.crt" --key="$folder/tls.key" \
  --dry-run=client -o yaml | kubectl apply -f -
