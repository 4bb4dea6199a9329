"""Runs one program for exactly as long as whoever started it lives, however that one dies.

Started as a script, by path: `guard.py SCRATCH COMMAND...`. Its stdin is a pipe that its starter
holds open; when the pipe closes, the program is killed and its scratch folder removed.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading


def main(temp_dir: str, *command: str) -> int:
    """Run the command, end it with the pipe, and clear the scratch folder."""
    for ignored_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The starter decides, by closing the pipe. A handler, unlike SIG_IGN, is not inherited.
        signal.signal(ignored_signal, _ignore)
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def kill_when_parent_exits() -> None:
        os.read(0, 1)  # not sys.stdin: a lock held in there delays our own end by a second
        program.kill()

    threading.Thread(target=kill_when_parent_exits, daemon=True).start()
    status = program.wait()
    shutil.rmtree(temp_dir, ignore_errors=True)
    return status


def _ignore(_signal: int, _frame: object) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
