#!/usr/bin/env bash
# Prints a base image with its digest: infra/scripts/base-digest.sh python
set -euo pipefail
cd "$(dirname "$0")/../.."
awk -v name="$1" '$1 == "FROM" && $4 == name { print $2; found = 1 } END { exit !found }' infra/base-images/Dockerfile
