"""`make backup`, `make restore FROM=folder`: every database and every stream, out and in again.

A backup is taken while the system runs. It is restored into a stopped one, whatever is left of it:
the stores are started by themselves, filled, and each service tells its state once more, so that
nothing that was on its way at the moment of the backup is missed by anybody. Not in a backup: the
signing key (everyone signs in again if it is lost too), Redis (the sweep sets the alarms anew), and
Stripe, which keeps its own books: the reconciler asks it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ticketing_local import backup_format
from ticketing_local.commands.start import print_line
from ticketing_local.errors import CliError
from ticketing_local.processes import orphans
from ticketing_local.processes.foreground import run_in_foreground
from ticketing_local.processes.instance_lock import AlreadyRunning, instance_lock
from ticketing_local.stack import environment, ports, servers
from ticketing_local.stack.paths import BIN, ROOT, Home
from ticketing_local.stack.plan import plan

STORES: Final = ("mongod", "nats", "redis")


def backup(port: Mapping[str, int], folder: Path) -> None:
    """Write everything that the running system stores."""
    if folder.exists():
        raise CliError(f"{folder} is there already: a backup is never written over another.")
    folder.mkdir(parents=True, mode=0o700)
    events = asyncio.run(backup_format.dump_streams(_nats_url(port), folder / "streams"))
    print_line(f"{events} events")
    documents = backup_format.dump_databases(
        servers.mongo_url(port["mongod"]), ports.SERVICES, folder / "databases"
    )
    print_line(f"{documents} documents")
    (folder / "complete").write_text(datetime.now(UTC).isoformat())
    print_line(f"Written to {folder}. Keep it where this machine's disk is not.")


def restore(home: Home, environ: Mapping[str, str], folder: Path) -> None:
    """Replace everything that the stopped system stores by a backup."""
    if not (folder / "complete").exists():
        raise CliError(f"{folder} holds no complete backup.")
    try:
        with instance_lock(home), ExitStack() as stack:
            orphans.terminate(home)
            for directory in (home.data, home.logs, home.run):
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            without_client = {**environ, "CLIENT": "off"}  # no need to build it for this
            planned = {program.name: program for program in plan(home, without_client).programs}
            for name in STORES:
                stack.enter_context(run_in_foreground(planned[name], home.logs / f"{name}.log"))
            port = ports.resolve_ports(environ)
            load_stores(port, folder)
            for name in ports.SERVICES:
                rebuild(name, planned[name].environment)
    except AlreadyRunning as other:
        raise CliError(f"It is running (pid {other.owner.pid}): make stop first.") from None
    print_line("Restored. Run `make start`.")


def load_stores(port: Mapping[str, int], folder: Path) -> None:
    """Put a backup into stores that run."""
    url = servers.mongo_url(port["mongod"])
    print_line(f"{backup_format.restore_databases(url, folder / 'databases')} documents")
    print_line(
        f"{asyncio.run(backup_format.restore_streams(_nats_url(port), folder / 'streams'))} events"
    )


def rebuild(service: str, service_environment: Mapping[str, str]) -> None:
    """Have a service tell the present state of all it has."""
    base_environment = environment.select(os.environ, *environment.BASE_VARIABLES)
    command = [str(BIN / "python"), "-m", "common.operations.cli", service, "rebuild"]
    log_settings = {"LOG_LEVEL": "ERROR"}
    if subprocess.run(
        command, env={**base_environment, **service_environment, **log_settings}, check=False
    ).returncode:
        raise CliError(f"{service} could not tell its state again: make rebuild, when it runs.")


def _nats_url(port: Mapping[str, int]) -> str:
    return f"nats://127.0.0.1:{port['nats']}"


def _default_folder() -> Path:
    return ROOT / ".local" / "backups" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="ticketing_local.commands.backup", description=__doc__)
    parser.add_argument("command", choices=["backup", "restore"])
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    try:
        if arguments.command == "backup":
            backup(
                ports.resolve_ports(os.environ), (arguments.folder or _default_folder()).resolve()
            )
        elif arguments.folder is None:
            sys.exit("No folder given. Run `make restore FROM=.local/backups/<name>`.")
        else:
            restore(Home.from_environment(), os.environ, arguments.folder.resolve())
    except CliError as error:
        sys.exit(str(error))
