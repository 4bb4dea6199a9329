"""Run a program and kill it when the parent process ends, however the parent ends.

Started as a script, by path: `reaper.py TEMP_DIR COMMAND...`. The parent holds the other end of
stdin open. When that pipe closes, the program is killed. TEMP_DIR, if not empty, is then removed.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading


def main(temp_dir: str, *command: str) -> int:
    """Run the command until it exits or stdin closes, and return its status."""
    for ignored_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler, unlike SIG_IGN, is not inherited by the program.
        signal.signal(ignored_signal, lambda _signal, _frame: None)
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def kill_when_parent_exits() -> None:
        os.read(0, 1)  # sys.stdin would hold a lock that delays our exit by a second
        program.kill()

    threading.Thread(target=kill_when_parent_exits, daemon=True).start()
    status = program.wait()
    if temp_dir:
        shutil.rmtree(temp_dir, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
