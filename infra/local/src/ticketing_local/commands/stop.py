"""`make stop` and `make reset`."""

import os
import shutil
import signal
import time

import click

from ticketing_local.errors import CliError
from ticketing_local.processes import orphans
from ticketing_local.processes.instance_lock import AlreadyRunning, instance_lock
from ticketing_local.stack import vault_keys
from ticketing_local.stack.paths import Home

STOP_TIMEOUT_SECONDS = 180


def stop(home: Home) -> None:
    """Stop the stack of this data folder and the orphans of earlier runs."""
    signalled: set[int] = set()
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            with instance_lock(home):
                if not terminate_orphans(home):
                    click.echo("Stopped." if signalled else "Not running.")
                return
        except AlreadyRunning as other:
            if other.pid not in signalled:
                click.echo(f"Stopping (pid {other.pid}) ...")
                signalled.add(other.pid)
                os.kill(other.pid, signal.SIGTERM)
            time.sleep(0.1)
    raise CliError(f"Not stopped after {STOP_TIMEOUT_SECONDS} s. See the logs in {home.logs}.")


def terminate_orphans(home: Home) -> bool:
    """Stop the processes of a killed run, report them, and return whether there were any."""
    terminated = orphans.terminate(home)
    if terminated:
        click.echo(f"Terminated {terminated} orphaned processes of an earlier run.")
    return bool(terminated)


def reset(home: Home) -> None:
    """Delete everything that the stopped stack has stored, except what its backups need."""
    with instance_lock(home):
        orphans.terminate(home)
        for folder in (home.data, home.replaced_data, home.logs, home.run):
            shutil.rmtree(folder, ignore_errors=True)
        home.jwt_key.unlink(missing_ok=True)
        kept = {home.secrets / name for name in vault_keys.FILES.values()}
        for secret in set(home.secrets.glob("*")) - kept:
            secret.unlink()
        kept &= set(home.secrets.glob("*"))
        if not kept and home.secrets.is_dir():
            home.secrets.rmdir()
    click.echo("All data deleted.")
    if kept:
        files = ", ".join(str(file) for file in sorted(kept))
        click.echo(f"The keys of the vault are kept, because backups need them: {files}")
