#!/usr/bin/env bash
# Builds and pushes one image of a release: infra/scripts/build-image.sh auth ghcr.io/owner/ticketing
# Prints the pushed image with its digest. If the version was already released from the same source, it
# does nothing. If it was released from different source, it fails, because release tags never change.
set -euo pipefail
cd "$(dirname "$0")/../.."
usage='usage: make release-image NAME=auth REGISTRY=ghcr.io/<owner>/ticketing'
name=${1:?"$usage"} registry=${2:?"$usage"}
folder=services/$name dockerfile=services/Dockerfile base=(PYTHON="$(infra/scripts/base-digest.sh python)")
if [[ $name == client ]]; then
  folder=client dockerfile=client/Dockerfile base=(NODE="$(infra/scripts/base-digest.sh node)")
fi
version=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["version"])' "$folder/deploy/version.json")
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "$folder/deploy/version.json: $version is not x.y.z" >&2; exit 1; }
image=$registry/$name
source=source-$(infra/scripts/source-hash.sh "$name")

digest() { docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}' 2>/dev/null; }

if released=$(digest "$image:$version"); then
  if [[ $(digest "$image:$source") == "$released" ]]; then
    echo "$image:$version was already released from the same source: nothing to do." >&2
    exit 0
  fi
  echo "$image:$version was already released from different source: raise $folder/deploy/version.json." >&2
  exit 1
fi

built=$(mktemp)
trap 'rm -f "$built"' EXIT
docker buildx build . --file "$dockerfile" --build-arg SERVICE="$name" --build-arg "${base[0]}" \
  --label org.opencontainers.image.version="$version" \
  --label org.opencontainers.image.revision="$(git rev-parse HEAD)" \
  --tag "$image:$version" --tag "$image:$source" \
  --provenance=mode=max --sbom=true --push --metadata-file "$built" >&2
echo "$image@$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$built")"
