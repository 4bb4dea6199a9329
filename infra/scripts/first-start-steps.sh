#!/usr/bin/env bash
# The steps of test-first-start.sh inside the new Debian.
set -euo pipefail
cd "$1"
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 HOME=/root
unset MAKEFLAGS MAKELEVEL MFLAGS TMPDIR
log=/root/start.log

# Prints the commands of a block of README.md, which is named by a comment above it.
readme_block() {
  sed -n "/<!-- $1 -->/,/^\`\`\`\$/p" README.md | sed -e '1,2d' -e '$d' -e 's/ *#.*//' -e 's/^sudo //'
}

fail() {
  echo "FAILED: $1" >&2
  tail -n 40 "$log" >&2 || true
  exit 1
}

# Waits until the log contains a text. Fails if the command ends, or prints nothing for 10 s.
wait_for() {
  local text=$1 pid=$2
  until grep -q "$text" "$log"; do
    kill -0 "$pid" 2>/dev/null || fail "the command ended before '$text'"
    (($(date +%s) - $(stat --format=%Y "$log") <= 10)) || fail "nothing was printed for 10 s"
    sleep 0.5
  done
}

# The processes that run in this folder, beside this script.
left() {
  local process command
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd" 2>/dev/null)" in
      "$PWD"*)
        command=$(tr '\0' ' ' <"$process/cmdline")
        [[ $command == *first-start-steps* ]] || echo "$command"
        ;;
    esac
  done
}

# Starts the system in a session of its own that reacts to SIGINT, as in a terminal.
start() {
  : >"$log"
  python3 -c 'import os, signal
os.setsid()
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("make", ["make", "start"])' >"$log" 2>&1 &
  pid=$!
}

# Presses Ctrl-C: SIGINT for everything in the foreground. Everything must end within so many seconds.
interrupt() {
  local began
  began=$(date +%s%3N)
  kill -INT -- "-$pid"
  while kill -0 "$pid" 2>/dev/null; do
    (($(date +%s%3N) - began <= $1 * 1000)) || fail "Ctrl-C took longer than $1 s"
    sleep 0.1
  done
  echo "ended after $(($(date +%s%3N) - began)) ms"
  sleep 0.5
  [[ -z $(left) ]] || fail "Ctrl-C left: $(left)"
  [[ -z $(find .local/tools -maxdepth 1 -name 'tmp*' 2>/dev/null) ]] || fail "Ctrl-C left a folder"
}

install=$(readme_block install)
mapfile -t commands < <(readme_block start)
[[ ${#commands[@]} -eq 2 && ${commands[0]} == "make start" ]] || fail "README.md has no two commands"

echo "== Without Python's venv module, one message names it"
echo "Acquire::Retries 5;" >/etc/apt/apt.conf.d/retries
apt-get update -qq
apt-get install -qq --yes --no-install-recommends make python3 >"$log" 2>&1 || fail "apt-get"
if make start >"$log" 2>&1; then fail "make start succeeded"; fi
grep -q "apt-get install python3-venv" "$log" || fail "the message does not name the fix"

echo "== $install"
eval "$install --yes -qq" >"$log" 2>&1 || fail "$install"

echo "== Ctrl-C while packages are installed"
start
wait_for "Installing the packages" "$pid"
sleep 3
interrupt 2

echo "== Ctrl-C while the web client is built"
start
wait_for "Building the web client" "$pid"
sleep 3
interrupt 2

echo "== ${commands[0]}"
start
wait_for "Ready after" "$pid"
cat "$log"

echo "== ${commands[1]}"
${commands[1]}

echo "== A purchase"
make demo

echo "== Another command sees the running system"
make status | grep -q "All components are healthy" || fail "make status"

echo "== Ctrl-C"
interrupt 60
du --summarize --human-readable . | sed 's/^/Disk: /'
