"""`make backup`: every database and every stream of the running stack, in a new folder.

The files of the vault are encrypted, and a backup contains check values of its keys, not the keys.
Nor does it contain the signing key (users sign in again), Redis (the sweeper schedules the
timers again) and Stripe (the reconciler reads it).
"""

import asyncio
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from nats.errors import Error as NatsError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ticketing_local import backup_format
from ticketing_local.errors import CliError
from ticketing_local.stack import mongo_set_up, nats_set_up, ports, servers, vault_keys
from ticketing_local.stack.paths import ROOT, Home
from ticketing_local.stack.run_record import require_running
from ticketing_local.stack.stored_secrets import StoredSecrets

FOLDER: Final = ROOT / ".local" / "backups"
MAX_SECONDS: Final = 3_600
"""How long the databases may be read. MongoDB retains what is overwritten meanwhile."""


def backup(home: Home, folder: Path | None) -> None:
    """Write all data of the running stack to a new folder, by default one named after the time."""
    port = ports.resolve_ports(require_running(home).variables)
    default = FOLDER / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    keys = vault_keys.keys_of_run(home)
    write_backup(port, StoredSecrets(home.secrets), keys, folder or default)


def write_backup(
    port: Mapping[str, int], secrets: StoredSecrets, keys: Mapping[str, str], folder: Path
) -> None:
    """Write all data of running stores to a new folder, which appears when it is complete.

    Args:
        port: the ports of the stores.
        secrets: the passwords of the stores.
        keys: the keys of the vault. Only their check values are written.
        folder: must not exist.
    """
    if folder.exists():
        raise CliError(f"{folder} already exists. A backup never overwrites another.")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a killed attempt
    partial.mkdir(parents=True, mode=0o700)
    try:
        vault_keys.write_checks(partial, keys)
        _dump(port, secrets, partial)
        partial.rename(folder)
    except (PyMongoError, NatsError, OSError) as error:
        reason = (str(error).splitlines() or [repr(error)])[0][:200]
        raise CliError(f"The backup failed, and nothing was written: {reason}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    click.echo(f"Written to {folder}. Copy it to another machine.")


def _dump(port: Mapping[str, int], secrets: StoredSecrets, folder: Path) -> None:
    events = asyncio.run(
        backup_format.dump_streams(
            servers.nats_url_as(nats_set_up.OPERATOR, port["nats"], secrets), folder / "streams"
        )
    )
    click.echo(f"{events} events")
    with retain_history(servers.mongo_url_as(mongo_set_up.ADMIN, port["mongod"], secrets)):
        documents = backup_format.dump_databases(
            servers.mongo_url_as(mongo_set_up.OPERATOR, port["mongod"], secrets),
            ports.SERVICES,
            folder / "databases",
        )
    click.echo(f"{documents} documents")
    (folder / "complete").write_text(datetime.now(UTC).isoformat(timespec="seconds"))


@contextmanager
def retain_history(admin_url: str) -> Generator[None]:
    """Retain what is overwritten in MongoDB, so that a snapshot can be read for `MAX_SECONDS`.

    A killed backup leaves it so until the next backup or restart of MongoDB. That costs CPU, and
    the space of what was overwritten in the last `MAX_SECONDS`.
    """
    with MongoClient[dict[str, Any]](
        admin_url, serverSelectionTimeoutMS=backup_format.CONNECT_TIMEOUT_SECONDS * 1000
    ) as client:

        def retain(seconds: int) -> None:
            client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=seconds)

        retain(MAX_SECONDS)
        try:
            yield
        finally:
            retain(servers.SNAPSHOT_HISTORY_SECONDS)
