"""`make dead-letters`, `make replay`, `make rebuild`: operator's commands on the running system.

Each service's own command runs beside it, told what the service was told.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ticketing_local.commands.start import print_line
from ticketing_local.errors import CliError
from ticketing_local.processes.instance_lock import AlreadyRunning, instance_lock
from ticketing_local.stack import ports
from ticketing_local.stack.paths import BIN, Home

COMMANDS = ("dead-letters", "replay", "rebuild")


def run_admin_command(home: Home, command: str, services: Sequence[str]) -> int:
    """Run one command for these services; the status is bad if it is for any of them."""
    try:
        with instance_lock(home):
            raise CliError("The stack is not running. Run `make start`.")
    except AlreadyRunning:
        pass
    failed = False
    for service in services:
        print_line(f"{service}:")
        script = admin_script(home.run / "programs" / service, service, command)
        failed |= subprocess.run(["/bin/sh"], input=script, text=True, check=False).returncode != 0
    return 1 if failed else 0


def admin_script(launcher: Path, service: str, command: str) -> str:
    """Write the launcher of a service anew, to run the operator's command in its place."""
    *exports, _ = launcher.read_text().rstrip().splitlines()
    argv = [str(BIN / "python"), "-m", "common.operations.cli", service, command]
    return "\n".join([*exports, "export LOG_LEVEL=WARNING", f"exec {shlex.join(argv)}", ""])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="ticketing_local.commands.admin", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("service", nargs="?", choices=ports.SERVICES)
    arguments = parser.parse_args()
    try:
        selected = [arguments.service] if arguments.service else ports.SERVICES
        sys.exit(run_admin_command(Home.from_environment(), arguments.command, selected))
    except CliError as error:
        sys.exit(str(error))
