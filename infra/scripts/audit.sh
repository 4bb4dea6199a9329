#!/usr/bin/env bash
# What is known, or can be seen, to be unsafe: `make audit`, or infra/scripts/audit.sh .local/audit
# Runs every check, and fails if one found something or could not be made.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(realpath "$1")/bin
failed=()

check() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "$name: nothing found"
  else
    echo "$name:"
    echo "$output" | tail -n 40
    failed+=("$name")
  fi
}

# Forms of real keys and tokens, in every tracked file. A token of the algorithm "none" opens nothing.
# Entropy and the word "password" are left out: they find every hash of a lock, every message of a form.
secrets() {
  git ls-files -z | xargs -0 "$tools/detect-secrets-hook" --no-verify \
    --exclude-secrets '^eyJhbGciOiJub25lIn0\.' \
    --disable-plugin KeywordDetector \
    --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString
}

# --strict: a dependency that could not be asked about is not one without faults.
python() { "$tools/pip-audit" --strict --require-hashes --disable-pip --requirement "$1"; }
javascript() { npm --prefix "$1" audit --audit-level=high "${@:2}"; }

check "secrets in the tree" secrets
check "static analysis (flake8-bandit's rules)" .venv/bin/ruff check --select S
for lock in everything servers fuzz audit infra-tools; do
  check "known faults in requirements/$lock.txt" python "requirements/$lock.txt"
done
check "known faults in what the client ships" javascript client --omit=dev
check "known faults in what builds and tests it" javascript client
check "known faults in the browser suite" javascript tests/browser
check "known faults in the linters" javascript infra/lint

if ((${#failed[@]})); then
  echo "found something, or could not ask: ${failed[*]}" >&2
  exit 1
fi
