"""`make backup` and `make restore FROM=folder`: every database and every stream.

After a restore each service republishes its state, so that events that were in flight during the
backup are not lost. A backup does not contain the signing key (users sign in again), Redis (the
sweeper schedules the timers again) and Stripe (the reconciler reads it).
"""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from ticketing_local import backup_format
from ticketing_local.errors import CliError
from ticketing_local.processes import orphans
from ticketing_local.processes.instance_lock import instance_lock
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import environment, mongo_set_up, nats_set_up, ports, servers
from ticketing_local.stack.paths import BIN, Home
from ticketing_local.stack.plan import plan
from ticketing_local.stack.stored_secrets import StoredSecrets

STORES: Final = ("mongod", "nats", "redis")


def backup(port: Mapping[str, int], secrets: StoredSecrets, folder: Path) -> None:
    """Write all data of the running stack to a new folder."""
    if folder.exists():
        raise CliError(f"{folder} already exists. A backup never overwrites another.")
    folder.mkdir(parents=True, mode=0o700)
    events = asyncio.run(
        backup_format.dump_streams(
            servers.nats_url_as(nats_set_up.OPERATOR, port["nats"], secrets), folder / "streams"
        )
    )
    click.echo(f"{events} events")
    documents = backup_format.dump_databases(
        servers.mongo_url_as(mongo_set_up.OPERATOR, port["mongod"], secrets),
        ports.SERVICES,
        folder / "databases",
    )
    click.echo(f"{documents} documents")
    (folder / "complete").write_text(datetime.now(UTC).isoformat())
    click.echo(f"Written to {folder}. Copy it to another machine.")


def restore(home: Home, environ: Mapping[str, str], folder: Path) -> None:
    """Replace all data of the stopped stack with a backup."""
    if not (folder / "complete").exists():
        raise CliError(f"{folder} holds no complete backup.")
    with instance_lock(home), ExitStack() as stack:
        orphans.terminate(home)
        home.create_folders()
        without_client = {**environ, "CLIENT": "off"}  # it need not be built for this
        planned = {program.name: program for program in plan(home, without_client).programs}
        for name in STORES:
            stack.enter_context(ManagedProcess(planned[name], home.logs / f"{name}.log"))
        load_stores(ports.resolve_ports(environ), StoredSecrets(home.secrets), folder)
        for name in ports.SERVICES:
            republish_state(name, planned[name].environment)
    click.echo("Restored. Run `make start`.")


def load_stores(port: Mapping[str, int], secrets: StoredSecrets, folder: Path) -> None:
    """Replace the data of the running stores with a backup."""
    documents = backup_format.restore_databases(
        servers.mongo_url_as(mongo_set_up.ADMIN, port["mongod"], secrets), folder / "databases"
    )
    click.echo(f"{documents} documents")
    events = asyncio.run(
        backup_format.restore_streams(
            servers.nats_url_as(nats_set_up.OPERATOR, port["nats"], secrets), folder / "streams"
        )
    )
    if not nats_set_up.set_up(port["nats"], secrets)():  # a backup has no durable consumers
        raise CliError("NATS did not accept the durable consumers. Run `make start`.")
    click.echo(f"{events} events")


def republish_state(service: str, service_environment: Mapping[str, str]) -> None:
    """Publish the current state of every aggregate of a service again."""
    base_environment = environment.select(os.environ, *environment.BASE_VARIABLES)
    result = subprocess.run(
        [BIN / "python", "-m", "common.operations.cli", service, "republish-state"],
        env={**base_environment, **service_environment, "LOG_LEVEL": "ERROR"},
        check=False,
    )
    if result.returncode:
        raise CliError(
            f"{service} could not republish its state. "
            "Run `make republish-state` once the stack is running."
        )
