"""Backup and restore: a backup is restored beside the running system, and audited."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote

import pytest
from bson import ObjectId
from pymongo import MongoClient

from chaos.auditor import audit
from chaos.backlog import Backlog
from chaos.client_log import ClientLog
from chaos.payouts import FEES_BASIS_POINTS
from chaos.snapshot import Doc, take_snapshot
from common.testing.polling import eventually
from common.values.clock import utc_now
from support.system import System
from ticketing_local.api_user import PASSWORD, ApiUser
from ticketing_local.commands import erased_users
from ticketing_local.commands.backup import backup, write_backup
from ticketing_local.commands.restore import check_vault_keys, describe_replacement, restore
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import Home
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.stack.vault_keys import keys_of_run, write_checks
from ticketing_local.testing.free_ports import free_port

ODD = """a "söng", 100% 'odd'; $HOME #1 [x] \\ é"""
"""A name of folders, to show that paths may contain any character."""
KEYS = {"VAULT_KEY": "1" * 64, "FINGERPRINT_KEY": "2" * 64}
SETTINGS = {
    **KEYS,
    "ORDER_EXPIRATION_SECONDS": "600",
    "PAYMENT_MARGIN_SECONDS": "0",
    "NATS_SYNC_INTERVAL": "2m",
    "PLATFORM_FEE_BASIS_POINTS": str(FEES_BASIS_POINTS[0]),
}


@pytest.fixture
def start_system() -> Iterator[Callable[[Path], System]]:
    """Return a function that starts a system in a folder."""
    systems: list[System] = []

    def start(folder: Path) -> System:
        systems.append(System(folder, SETTINGS, replicas=1))
        systems[-1].start()
        return systems[-1]

    yield start
    for system in systems:
        system.stop()


async def test_backup_is_restored_beside_the_running_system_and_passes_the_audit(
    start_system: Callable[[Path], System], tmp_path: Path
) -> None:
    original_home, restored_home = Home(tmp_path / ODD), Home(tmp_path / "restored" / ODD)
    original = await asyncio.to_thread(start_system, original_home.folder)
    seller = await ApiUser.sign_up(original.address, "seller")
    buyer = await ApiUser.sign_up(original.address, "buyer")
    leaver = await ApiUser.sign_up(original.address, "leaver")
    sold, reserved, free = [await seller.sell() for _ in range(3)]
    paid = await buyer.order(sold)
    await buyer.pay(paid)
    pending = await buyer.order(reserved)
    await buyer.wait_for(f"/api/orders/{paid['id']}", status="complete")
    await buyer.wait_for(f"/api/tickets/{reserved['id']}", status="reserved")
    before = await take_snapshot(original)
    folder = tmp_path / "backups" / ODD
    await asyncio.to_thread(write_backup, original.port, original.secrets, KEYS, folder)
    listed_after_backup = await seller.sell("Listed after the backup")
    await leaver.request_ok("DELETE", "/api/users/account", expect=202)
    await eventually(partial(has_left, original, leaver))

    # A copy of the whole folder has the same passwords, and by default the same ports.
    shutil.copytree(original_home.secrets, restored_home.secrets)
    shutil.copytree(original_home.data / "stripe", restored_home.data / "stripe")
    await asyncio.to_thread(restore, restored_home, original.environ, folder, confirmed=True)

    await seller.wait_for(f"/api/tickets/{listed_after_backup['id']}", status="available")
    arrived = (await take_snapshot(original)).received_letters
    original.stop()
    erased = await asyncio.to_thread(erased_users.read, original_home, original.environ)
    restored = await asyncio.to_thread(start_system, restored_home.folder)
    seller.http.base_url = buyer.http.base_url = leaver.http.base_url = restored.address
    assert not await has_left(restored, leaver), "the backup has the account"
    await asyncio.to_thread(erased_users.add, restored.mongo, erased)
    await eventually(partial(has_left, restored, leaver))
    healthy_since = utc_now()

    await buyer.request_ok(
        "POST", "/api/users/signin", {"email": buyer.email, "password": PASSWORD}
    )
    await buyer.wait_for(f"/api/orders/{paid['id']}", status="complete")
    await buyer.wait_for(f"/api/tickets/{sold['id']}", status="sold", orderId=paid["id"])
    await buyer.wait_for(f"/api/tickets/{free['id']}", status="available")
    assert (
        await buyer.request("GET", f"/api/tickets/{listed_after_backup['id']}")
    ).status_code == 404
    await buyer.pay(pending)  # the restored order is still open
    await buyer.wait_for(f"/api/tickets/{reserved['id']}", status="sold")
    late = await buyer.order(free)
    await buyer.pay(late)
    await buyer.wait_for(f"/api/tickets/{free['id']}", status="sold")
    for order in (pending, late):
        await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    await wait_for_empty_backlog(restored)

    after = await take_snapshot(restored)
    for collection, documents in before.documents.items():
        ids = {str(doc["_id"]) for doc in documents if not is_about(doc, leaver, erased)}
        assert ids <= set(after.by_id(collection)), collection
    published = {event.id for events in before.streams.values() for event in events}
    assert published <= {event.id for events in after.streams.values() for event in events}
    original_events = {  # republished events have ids of four parts
        stream: [event for event in events if event.id.count(":") == 2]
        for stream, events in after.streams.items()
    }
    assert (
        audit(
            replace(
                after, streams=original_events, received_letters=after.received_letters | arrived
            ),
            ClientLog(),
            healthy_since,
        )
        == []
    )
    for user in (seller, buyer, leaver):
        await user.close()


def is_about(doc: Doc, user: ApiUser, erased: list[ObjectId]) -> bool:
    """Return whether a document names a user who was deleted."""
    return any(name in repr(doc) for name in (user.email, *map(str, erased)))


async def has_left(system: System, user: ApiUser) -> bool:
    """Return whether the account of a user does not exist."""
    with MongoClient[Doc](system.mongo) as client:
        return client["auth"]["accounts"].count_documents({"email": user.email}) == 0


async def wait_for_empty_backlog(system: System) -> None:
    """Wait until no event or other work is pending."""
    backlog = Backlog(system)

    async def is_empty() -> bool:
        return not await backlog.remaining()

    await eventually(is_empty)
    await backlog.close()


def test_backup_never_overwrites_another(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="never overwrites"):
        write_backup({"nats": 1, "mongod": 1}, StoredSecrets(tmp_path / "secrets"), {}, tmp_path)


def test_backup_of_stopped_stack_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"^The stack is not running\. Run `make start`\.$"):
        backup(Home(tmp_path / "home"), tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_failed_backup_leaves_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    port = {"nats": free_port(), "mongod": free_port()}
    with pytest.raises(CliError, match=r"^The backup failed, and nothing was written: .*$"):
        write_backup(port, StoredSecrets(tmp_path / "secrets"), KEYS, tmp_path / "backups" / "one")
    assert list((tmp_path / "backups").iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_incomplete_backup_is_not_restored(tmp_path: Path) -> None:
    (tmp_path / "databases").mkdir()
    with pytest.raises(CliError, match="no complete backup"):
        restore(Home(tmp_path / "home"), {}, tmp_path, confirmed=True)


@pytest.fixture
def backup_folder(tmp_path: Path) -> Path:
    """Return a backup without documents, of a system with `KEYS`."""
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "complete").write_text("2026-11-29T03:00:00+00:00")
    write_checks(folder, KEYS)
    return folder


def test_backup_recognizes_the_keys_of_the_run(tmp_path: Path) -> None:
    home = Home(tmp_path / ODD)
    launcher = home.run / "programs" / "tickets"
    launcher.parent.mkdir(parents=True)
    exports = [f"export {name}={quote(value)}" for name, value in {"ODD": ODD, **KEYS}.items()]
    launcher.write_text(
        "\n".join(["#!/bin/sh", f"cd {quote(ODD)}", *exports, "exec uvicorn --a=b"])
    )
    assert keys_of_run(home) == KEYS


def test_backup_contains_no_vault_key(backup_folder: Path) -> None:
    text = (backup_folder / "vault-keys.json").read_text()
    assert not any(key in text for key in KEYS.values())


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "VAULT_KEY and FINGERPRINT_KEY"),
        ({**KEYS, "VAULT_KEY": "3" * 64}, "VAULT_KEY"),
        ({**KEYS, "FINGERPRINT_KEY": "3" * 64}, "FINGERPRINT_KEY"),
        ({"VAULT_KEY": "2" * 64, "FINGERPRINT_KEY": "1" * 64}, "VAULT_KEY and FINGERPRINT_KEY"),
    ],
)
def test_restore_without_the_keys_of_the_backup_changes_nothing(
    environ: dict[str, str], missing: str, tmp_path: Path, backup_folder: Path
) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(CliError, match=rf"needs another {missing} than .* Nothing was replaced"):
        restore(home, environ, backup_folder, confirmed=True)
    assert not home.folder.exists(), "not even a new key was created"


def test_key_of_backup_fits_as_present_previous_or_stored_key(
    tmp_path: Path, backup_folder: Path
) -> None:
    home = Home(tmp_path / "home")
    check_vault_keys(home, KEYS, backup_folder)
    check_vault_keys(
        home,
        {**KEYS, "VAULT_KEY": "3" * 64, "VAULT_KEY_PREVIOUS": KEYS["VAULT_KEY"]},
        backup_folder,
    )
    home.secrets.mkdir(parents=True)
    (home.secrets / "vault-key").write_text(KEYS["VAULT_KEY"])
    (home.secrets / "fingerprint-key").write_text(KEYS["FINGERPRINT_KEY"])
    check_vault_keys(home, {}, backup_folder)


def test_backup_of_a_rotation_needs_both_keys(tmp_path: Path, backup_folder: Path) -> None:
    write_checks(backup_folder, {**KEYS, "VAULT_KEY_PREVIOUS": "3" * 64})
    with pytest.raises(CliError, match="another VAULT_KEY than"):
        check_vault_keys(Home(tmp_path), KEYS, backup_folder)
    check_vault_keys(Home(tmp_path), {**KEYS, "VAULT_KEY_PREVIOUS": "3" * 64}, backup_folder)


def test_restore_names_what_it_replaces(tmp_path: Path) -> None:
    home, folder = Home(tmp_path / "home"), tmp_path / "backup"
    folder.mkdir()
    (folder / "complete").write_text("2026-11-29T03:00:00+00:00")
    home.create_folders()
    assert describe_replacement(home, folder).endswith(f"into {home.data}, which is empty.")

    (home.data / "mongo").touch()
    text = describe_replacement(home, folder)
    assert text.startswith(f"Replaces the data in {home.data}, last changed at 2")
    assert text.endswith("with the backup of 2026-11-29T03:00:00+00:00.")
