#!/usr/bin/env bash
# Functions of audit.sh and lint.sh, which source this file: run every check, then fail if any failed.
failed=()

# Runs a command, and prints its output only if it fails.
check() {
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "$name: no problem"
  else
    echo "$name:"
    echo "$output"
    failed+=("$name")
  fi
}

report_failures() {
  if ((${#failed[@]})); then
    echo "failed: ${failed[*]}" >&2
    exit 1
  fi
}
