"""`make dead-letters`, `make replay`, `make rebuild`: operator's commands on the running system.

Each service's own command runs beside it, told what the service was told.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ticketing_local.commands.start import tell
from ticketing_local.errors import Trouble
from ticketing_local.processes.instance_lock import Held, held
from ticketing_local.stack import ports
from ticketing_local.stack.paths import BIN, Home

COMMANDS = ("dead-letters", "replay", "rebuild")


def operate(home: Home, command: str, services: Sequence[str]) -> int:
    """Run one command for these services; the status is bad if it is for any of them."""
    try:
        with held(home):
            raise Trouble("It does not run: make start.")
    except Held:
        pass
    failed = False
    for service in services:
        tell(f"{service}:")
        script = beside(home.run / "programs" / service, service, command)
        failed |= subprocess.run(["/bin/sh"], input=script, text=True, check=False).returncode != 0
    return 1 if failed else 0


def beside(launcher: Path, service: str, command: str) -> str:
    """Write the launcher of a service anew, to run the operator's command in its place."""
    *told, _ = launcher.read_text().rstrip().splitlines()
    argv = [str(BIN / "python"), "-m", "common.operations.cli", service, command]
    return "\n".join([*told, "export LOG_LEVEL=WARNING", f"exec {shlex.join(argv)}", ""])


if __name__ == "__main__":
    chooser = argparse.ArgumentParser(prog="ticketing_local.commands.admin", description=__doc__)
    chooser.add_argument("command", choices=COMMANDS)
    chooser.add_argument("service", nargs="?", choices=ports.SERVICES)
    chosen = chooser.parse_args()
    try:
        wanted = [chosen.service] if chosen.service else ports.SERVICES
        sys.exit(operate(Home.from_environment(), chosen.command, wanted))
    except Trouble as trouble:
        sys.exit(str(trouble))
