#!/usr/bin/env bash
# Verifies that the expected identity signed each image of this release:
#   infra/scripts/verify-signatures.sh ghcr.io/owner/ticketing '^https://github.com/owner/ticketing/.github/workflows/release.yml@'
set -euo pipefail
cd "$(dirname "$0")/../.."
usage='usage: make verify-images REGISTRY=ghcr.io/<owner>/ticketing IDENTITY=<expression>'
registry=${1:?"$usage"} identity=${2:?"$usage"}
for file in services/*/deploy/version.json client/deploy/version.json; do
  name=$(basename "$(dirname "$(dirname "$file")")")
  version=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$file")
  cosign verify "$registry/$name:$version" --certificate-identity-regexp "$identity" \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com >/dev/null
  echo "$registry/$name:$version is signed"
done
