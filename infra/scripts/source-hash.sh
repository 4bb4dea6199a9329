#!/usr/bin/env bash
# Prints one hash of an image's sources, computed from git's object hashes: infra/scripts/source-hash.sh auth
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1
case $name in
  client) paths=(.dockerignore infra/base-images client) ;;
  *) paths=(.dockerignore infra/base-images services/Dockerfile common/src "services/$name/src" "requirements/$name.txt") ;;
esac
# version.json names the release and does not affect the image.
git ls-tree -r HEAD -- "${paths[@]}" | grep -v 'deploy/version.json$' | sha256sum | cut -c1-40
