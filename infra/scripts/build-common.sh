#!/usr/bin/env bash
# Builds the package `common` with its checksums in .local/release. The same source gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$PWD/.local/release
rm -rf "$folder"
mkdir -p "$folder"
(cd common && ../.venv/bin/hatchling build --directory "$folder" >&2)
cd "$folder"
sha256sum common-* >common-SHA256SUMS
cat common-SHA256SUMS
