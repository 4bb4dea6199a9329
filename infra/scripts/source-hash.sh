#!/usr/bin/env bash
# Prints what an image is made of, as one hash over git's own hashes: infra/scripts/source-hash.sh auth
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1
case $name in
  client) paths=(.dockerignore infra/base-images client) ;;
  *) paths=(.dockerignore infra/base-images services/Dockerfile common/src "services/$name/src" "requirements/$name.txt") ;;
esac
# A version.json says how it is called, not what it is.
git ls-tree -r HEAD -- "${paths[@]}" | grep -v 'deploy/version.json$' | sha256sum | cut -c1-40
