"""Backup and restore: the stores are destroyed, restored and audited."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.auditor import audit
from chaos.backlog import Backlog
from chaos.client_log import ClientLog
from chaos.snapshot import take_snapshot
from common.testing.polling import eventually
from common.values.clock import utc_now
from support.system import System
from ticketing_local.api_user import PASSWORD, ApiUser
from ticketing_local.commands import backup
from ticketing_local.errors import CliError
from ticketing_local.stack.stored_secrets import StoredSecrets

DATA_FOLDERS = ("mongo", "nats", "redis")
STORES = ("mongod", "nats", "redis")


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """Start a separate system, which the test may destroy."""
    settings = {
        "ORDER_EXPIRATION_SECONDS": "600",
        "PAYMENT_MARGIN_SECONDS": "0",
        "NATS_SYNC_INTERVAL": "2m",
    }
    system = System(tmp_path / "home", settings, replicas=1)
    try:
        system.start()
        yield system
    finally:
        system.stop()


@pytest.mark.timeout(300)
async def test_destroyed_stores_are_restored_and_pass_the_audit(
    own_system: System, tmp_path: Path
) -> None:
    seller = await ApiUser.sign_up(own_system.address, "seller")
    buyer = await ApiUser.sign_up(own_system.address, "buyer")
    sold, reserved, free = [await seller.sell() for _ in range(3)]
    paid = await buyer.order(sold)
    await buyer.pay(paid)
    pending = await buyer.order(reserved)
    await buyer.wait_for(f"/api/orders/{paid['id']}", status="complete")
    await buyer.wait_for(f"/api/tickets/{reserved['id']}", status="reserved")
    before = await take_snapshot(own_system)

    port, secrets = own_system.port, own_system.secrets
    await asyncio.to_thread(backup.backup, port, secrets, tmp_path / "backup")
    listed_after_backup = await seller.sell("Listed after the backup")
    for name in [*own_system.services, *STORES]:
        own_system.processes[name].kill()
    for folder in DATA_FOLDERS:
        shutil.rmtree(tmp_path / "home" / "data" / folder)
        (tmp_path / "home" / "data" / folder).mkdir()
    nats_settings = own_system.processes["nats"].program.argv[-1]
    Path(nats_settings).write_text(  # noqa: ASYNC240 - nothing else runs
        nats_configuration(own_system, tmp_path / "home" / "data" / "nats")
    )

    for name in STORES:
        own_system.processes[name].start()
    own_system.wait_ready(STORES)
    await asyncio.to_thread(backup.load_stores, port, secrets, tmp_path / "backup")
    for service in ("auth", "tickets", "orders", "expiration", "payments"):
        environment = own_system.processes[service].program.environment
        await asyncio.to_thread(backup.republish_state, service, environment)
    for name in own_system.services:
        own_system.processes[name].start()
    own_system.wait_ready()
    healthy_since = utc_now()

    account = {"email": buyer.email, "password": PASSWORD}
    await buyer.request_ok("POST", "/api/users/signin", account)
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
    await wait_for_empty_backlog(own_system)

    after = await take_snapshot(own_system)
    for collection, documents in before.documents.items():
        ids = {str(doc["_id"]) for doc in documents}
        assert ids <= set(after.by_id(collection)), collection
    published = {event.id for events in before.streams.values() for event in events}
    assert published <= {event.id for events in after.streams.values() for event in events}
    original_events = {  # republished events have ids of four parts
        stream: [event for event in events if event.id.count(":") == 2]
        for stream, events in after.streams.items()
    }
    assert audit(replace(after, streams=original_events), ClientLog(), healthy_since) == []
    for user in (seller, buyer):
        await user.close()


async def wait_for_empty_backlog(system: System) -> None:
    """Wait until no event or other work is pending."""
    backlog = Backlog(system)

    async def is_empty() -> bool:
        return not await backlog.remaining()

    await eventually(is_empty, 30)
    await backlog.close()


def nats_configuration(system: System, data: Path) -> str:
    """Return the server's configuration, which was in the destroyed folder."""
    return (
        f'{{"listen": "127.0.0.1:{system.port["nats"]}", "server_name": "local", '
        f'"jetstream": {{"store_dir": "{data}"}}}}'
    )


def test_backup_never_overwrites_another(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="never overwrites"):
        backup.backup({"nats": 1, "mongod": 1}, StoredSecrets(tmp_path / "secrets"), tmp_path)


def test_incomplete_backup_is_not_restored(tmp_path: Path) -> None:
    (tmp_path / "databases").mkdir()
    with pytest.raises(CliError, match="no complete backup"):
        backup.restore(backup.Home(tmp_path / "home"), {}, tmp_path)
