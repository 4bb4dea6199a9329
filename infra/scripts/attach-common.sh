#!/usr/bin/env bash
# Attaches the built package `common` to a release: infra/scripts/attach-common.sh v1.4.0
# Fails if another release has the same version of it with other bytes, because a version never changes.
set -euo pipefail
cd "$(dirname "$0")/../../.local/release"
tag=$1
while read -r digest name; do
  released=$(gh api --paginate 'repos/{owner}/{repo}/releases' \
    --jq ".[].assets[] | select(.name == \"$name\") | .digest" | sort --unique)
  if [[ -n $released && $released != "sha256:$digest" ]]; then
    echo "$name was already released from different source: raise the version in common/pyproject.toml." >&2
    exit 1
  fi
done <common-SHA256SUMS
gh release upload "$tag" common-*
