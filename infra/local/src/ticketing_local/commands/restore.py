"""`make restore FROM=folder`: replace the data of the stopped stack with a backup.

The backup is loaded into new stores beside the present ones, on free ports, so that a failure
changes nothing and no other stack is reached. The ids of users who were deleted since are added.
Then each service republishes its state, so that events which were in flight during the backup are
not lost, and the folders are exchanged.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from bson import ObjectId

from ticketing_local import backup_format
from ticketing_local.commands import erased_users
from ticketing_local.errors import CliError
from ticketing_local.processes import orphans
from ticketing_local.processes.instance_lock import instance_lock
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import (
    environment,
    mongo_set_up,
    nats_set_up,
    ports,
    servers,
    vault_keys,
)
from ticketing_local.stack.paths import BIN, Home
from ticketing_local.stack.plan import plan
from ticketing_local.stack.stored_secrets import StoredSecrets

STORES: Final = ("mongod", "nats", "redis")
STORE_FOLDERS: Final = ("mongo", "nats", "redis")


def restore(
    home: Home,
    environ: Mapping[str, str],
    folder: Path,
    *,
    confirmed: bool,
    without_keys: bool = False,
) -> None:
    """Replace all data of the stopped stack with a backup.

    Args:
        home: the data folder of the stack.
        environ: the variables of the caller.
        folder: the backup.
        confirmed: do not ask before.
        without_keys: restore although the keys of the backup's ticket files are lost.
    """
    if not (folder / "complete").exists():
        raise CliError(f"{folder} holds no complete backup.")
    if not without_keys:
        check_vault_keys(home, environ, folder)
    with instance_lock(home):
        orphans.terminate(home)
        home.create_folders()
        click.echo(describe_replacement(home, folder))
        if not confirmed:
            click.confirm("Continue?", abort=True)
        new = Home(home.folder, data=home.folder / "restoring")
        shutil.rmtree(new.data, ignore_errors=True)  # of a killed attempt
        new.create_folders()
        try:
            erased = erased_users.read(home, environ)
            _load(new, {**environ, **ports.choose_free_ports({})}, folder, erased)
            _exchange(home, new)
        finally:
            shutil.rmtree(new.data, ignore_errors=True)
    click.echo(f"Restored. Run `make start`. The data before it is in {home.replaced_data}.")


def check_vault_keys(home: Home, environ: Mapping[str, str], folder: Path) -> None:
    """Raise `CliError` if the files in a backup could not be opened after its restore."""
    secrets = StoredSecrets(home.secrets)
    missing = vault_keys.find_missing(folder, vault_keys.existing_keys(secrets, environ))
    if missing:
        files = " and ".join(str(secrets.folder / vault_keys.FILES[name]) for name in missing)
        raise CliError(
            f"The backup needs another {' and '.join(missing)} than this machine has. Nothing was "
            f"replaced. Put the key of the backed-up system into {files} (one line of 64 hex "
            "digits), or set the variable; a second VAULT_KEY goes into VAULT_KEY_PREVIOUS. If "
            "the key is lost, WITHOUT_KEYS=1 restores everything but the ticket files."
        )


def describe_replacement(home: Home, folder: Path) -> str:
    """Return what a restore replaces, and by what."""
    taken_at = (folder / "complete").read_text()
    changed = max(
        (file.stat().st_mtime for file in home.data.rglob("*") if file.is_file()), default=None
    )
    if changed is None:
        return f"Restores the backup of {taken_at} into {home.data}, which is empty."
    last_change = datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds")
    return (
        f"Replaces the data in {home.data}, last changed at {last_change}, with the backup of "
        f"{taken_at}."
    )


def _load(new: Home, environ: Mapping[str, str], folder: Path, erased: Sequence[ObjectId]) -> None:
    """Start new stores, load the backup, and publish the state of every service."""
    without_client = {**environ, "CLIENT": "off"}  # it need not be built for this
    planned = {program.name: program for program in plan(new, without_client).programs}
    with ExitStack() as stack:
        for name in STORES:
            stack.enter_context(ManagedProcess(planned[name], new.logs / f"{name}.log"))
        port, secrets = ports.resolve_ports(environ), StoredSecrets(new.secrets)
        load_stores(port, secrets, folder)
        erased_users.add(servers.mongo_url_as(mongo_set_up.ADMIN, port["mongod"], secrets), erased)
        for name in ports.SERVICES:
            republish_state(name, planned[name].environment)


def _exchange(home: Home, new: Home) -> None:
    """Put the new data folder in the place of the present one, which is kept beside it."""
    for present in home.data.iterdir():
        if present.is_dir() and present.name not in STORE_FOLDERS:  # such as that of Stripe
            shutil.copytree(present, new.data / present.name, dirs_exist_ok=True)
    shutil.rmtree(home.replaced_data, ignore_errors=True)
    home.data.rename(home.replaced_data)
    new.data.rename(home.data)


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
    click.echo(f"{service}: ", nl=False)
    base_environment = environment.select(os.environ, *environment.BASE_VARIABLES)
    result = subprocess.run(
        [BIN / "python", "-m", "common.operations.cli", service, "republish-state"],
        env={**base_environment, **service_environment, "LOG_LEVEL": "ERROR"},
        check=False,
    )
    if result.returncode:
        raise CliError(f"{service} could not republish its state.")
