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
from ticketing_local.commands.start import tell
from ticketing_local.errors import Trouble
from ticketing_local.processes import orphans
from ticketing_local.processes.foreground import running
from ticketing_local.processes.instance_lock import Held, held
from ticketing_local.stack import environment, ports, servers
from ticketing_local.stack.paths import BIN, ROOT, Home
from ticketing_local.stack.plan import plan

STORES: Final = ("mongod", "nats", "redis")


def backup(port: Mapping[str, int], folder: Path) -> None:
    """Write everything that the running system stores."""
    if folder.exists():
        raise Trouble(f"{folder} is there already: a backup is never written over another.")
    folder.mkdir(parents=True, mode=0o700)
    events = asyncio.run(backup_format.dump_streams(_nats(port), folder / "streams"))
    tell(f"{events} events")
    documents = backup_format.dump_databases(
        servers.mongo_url(port["mongod"]), ports.SERVICES, folder / "databases"
    )
    tell(f"{documents} documents")
    (folder / "complete").write_text(datetime.now(UTC).isoformat())
    tell(f"Written to {folder}. Keep it where this machine's disk is not.")


def restore(home: Home, caller: Mapping[str, str], folder: Path) -> None:
    """Replace everything that the stopped system stores by a backup."""
    if not (folder / "complete").exists():
        raise Trouble(f"{folder} holds no complete backup.")
    try:
        with held(home), ExitStack() as stack:
            orphans.end(home)
            for made in (home.data, home.logs, home.run):
                made.mkdir(parents=True, exist_ok=True, mode=0o700)
            without = {**caller, "CLIENT": "off"}  # no need to build it for this
            planned = {program.name: program for program in plan(home, without).programs}
            for name in STORES:
                stack.enter_context(running(planned[name], home.logs / f"{name}.log"))
            port = ports.chosen(caller)
            fill(port, folder)
            for name in ports.SERVICES:
                rebuild(name, planned[name].environment)
    except Held as other:
        raise Trouble(f"It is running (pid {other.holder.pid}): make stop first.") from None
    tell("Restored. Now: make start")


def fill(port: Mapping[str, int], folder: Path) -> None:
    """Put a backup into stores that run."""
    url = servers.mongo_url(port["mongod"])
    tell(f"{backup_format.restore_databases(url, folder / 'databases')} documents")
    tell(f"{asyncio.run(backup_format.restore_streams(_nats(port), folder / 'streams'))} events")


def rebuild(service: str, told: Mapping[str, str]) -> None:
    """Have a service tell the present state of all it has."""
    around = environment.passed(os.environ, *environment.ANY_PROGRAM)
    command = [str(BIN / "python"), "-m", "common.operations.cli", service, "rebuild"]
    quiet = {"LOG_LEVEL": "ERROR"}
    if subprocess.run(command, env={**around, **told, **quiet}, check=False).returncode:
        raise Trouble(f"{service} could not tell its state again: make rebuild, when it runs.")


def _nats(port: Mapping[str, int]) -> str:
    return f"nats://127.0.0.1:{port['nats']}"


def _default() -> Path:
    return ROOT / ".local" / "backups" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"


if __name__ == "__main__":
    chooser = argparse.ArgumentParser(prog="ticketing_local.commands.backup", description=__doc__)
    chooser.add_argument("command", choices=["backup", "restore"])
    chooser.add_argument("folder", nargs="?", type=Path)
    chosen = chooser.parse_args()
    try:
        if chosen.command == "backup":
            backup(ports.chosen(os.environ), (chosen.folder or _default()).resolve())
        elif chosen.folder is None:
            sys.exit("From which folder? make restore FROM=.local/backups/<which>")
        else:
            restore(Home.from_environment(), os.environ, chosen.folder.resolve())
    except Trouble as trouble:
        sys.exit(str(trouble))
