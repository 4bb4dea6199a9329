#!/usr/bin/env bash
# Scans for secrets, unsafe code and known vulnerabilities: `make audit`, or infra/scripts/audit.sh .local/audit
# Runs every check, and fails if any of them finds a problem or cannot run.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(realpath "$1")/bin
source infra/scripts/check.sh

# Looks for formats of real keys and tokens in every tracked file. A token with the algorithm "none" is
# worthless. The entropy and keyword plugins would report every hash of a lock and every form message.
secrets() {
  git ls-files -z | xargs -0 "$tools/detect-secrets-hook" --no-verify \
    --exclude-secrets '^eyJhbGciOiJub25lIn0\.' \
    --disable-plugin KeywordDetector \
    --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString
}

# --strict fails if a dependency cannot be checked.
python() { "$tools/pip-audit" --strict --require-hashes --disable-pip --requirement "$1"; }
javascript() { npm --prefix "$1" audit --audit-level=high "${@:2}"; }

check "secrets in the tree" secrets
check "static analysis (flake8-bandit rules)" .venv/bin/ruff check --select S
for lock in everything servers fuzz audit infra-tools; do
  check "known vulnerabilities in requirements/$lock.txt" python "requirements/$lock.txt"
done
check "known vulnerabilities in the client (runtime)" javascript client --omit=dev
check "known vulnerabilities in the client (all dependencies)" javascript client
check "known vulnerabilities in the browser tests" javascript tests/browser
check "known vulnerabilities in the linters" javascript infra/lint

report_failures
