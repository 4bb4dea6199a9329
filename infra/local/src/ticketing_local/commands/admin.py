"""`make dead-letters` and other operator commands on the running stack.

Each service's own admin command runs with that service's environment, and with the password of
NATS's user `operator`, who may read and delete dead letters.
"""

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click

from ticketing_local.errors import CliError
from ticketing_local.stack import nats_set_up
from ticketing_local.stack.paths import BIN, Home
from ticketing_local.stack.run_record import require_running
from ticketing_local.stack.stored_secrets import StoredSecrets


def run_admin_command(home: Home, command: Sequence[str], services: Sequence[str]) -> None:
    """Run one command, with its arguments, for each of these services."""
    require_running(home)
    operator_password = StoredSecrets(home.secrets).read(
        nats_set_up.secret_name(nats_set_up.OPERATOR)
    )
    env = {**os.environ, "NATS_OPERATOR_PASSWORD": operator_password}
    failed: list[str] = []
    for service in services:
        click.echo(f"{service}:")
        script = admin_script(home.run / "programs" / service, service, *command)
        if subprocess.run(["/bin/sh"], input=script, env=env, text=True, check=False).returncode:
            failed.append(service)
    if failed:
        raise CliError(f"{command[0]} failed for {', '.join(failed)}.")


def admin_script(launcher: Path, service: str, *command: str) -> str:
    """Return the service's launcher script with the admin command in place of the service."""
    *exports, _ = launcher.read_text().rstrip().splitlines()
    argv = [str(BIN / "python"), "-m", "common.operations.cli", service, *command]
    return "\n".join([*exports, "export LOG_LEVEL=WARNING", f"exec {shlex.join(argv)}", ""])
