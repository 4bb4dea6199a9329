"""A backup is only one when it has been restored: all is destroyed, brought back, and audited."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.auditor import audit
from chaos.backlog import Backlog
from chaos.client_log import Promises
from chaos.snapshot import gather
from common.testing.plugin import eventually
from common.values.clock import utc_now
from support.api_user import PASSWORD, Person
from support.system import System
from ticketing_local.commands import backup
from ticketing_local.errors import Trouble

DESTROYED = ("mongo", "nats", "redis")
STORES = ("mongod", "nats", "redis")


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own, which may be destroyed."""
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
async def test_all_that_was_destroyed_is_restored_and_passes_the_audit(
    doomed: System, tmp_path: Path
) -> None:
    seller = await Person.signed_up(doomed.address, "seller")
    buyer = await Person.signed_up(doomed.address, "buyer")
    sold, reserved, free = [await seller.sell() for _ in range(3)]
    paid = await buyer.order(sold)
    await buyer.pay(paid)
    pending = await buyer.order(reserved)
    await buyer.sees(f"/api/orders/{paid['id']}", status="complete")
    await buyer.sees(f"/api/tickets/{reserved['id']}", status="reserved")
    before = await gather(doomed)

    await asyncio.to_thread(backup.backup, doomed.port, tmp_path / "backup")
    lost = await seller.sell("Listed after the backup")
    for name in [*doomed.services, *STORES]:
        doomed.processes[name].kill()
    for folder in DESTROYED:
        shutil.rmtree(tmp_path / "home" / "data" / folder)
        (tmp_path / "home" / "data" / folder).mkdir()
    nats_settings = doomed.processes["nats"].program.argv[-1]
    Path(nats_settings).write_text(  # noqa: ASYNC240 - nothing else runs
        before_nats(doomed, tmp_path / "home" / "data" / "nats")
    )

    for name in STORES:
        doomed.processes[name].start()
    doomed.wait_ready(STORES)
    await asyncio.to_thread(backup.fill, doomed.port, tmp_path / "backup")
    for service in ("auth", "tickets", "orders", "expiration", "payments"):
        told = doomed.processes[service].program.environment
        await asyncio.to_thread(backup.rebuild, service, told)
    for name in doomed.services:
        doomed.processes[name].start()
    doomed.wait_ready()
    whole = utc_now()

    account = {"email": buyer.email, "password": PASSWORD}
    await buyer.ask("POST", "/api/users/signin", account)
    await buyer.sees(f"/api/orders/{paid['id']}", status="complete")
    await buyer.sees(f"/api/tickets/{sold['id']}", status="sold", orderId=paid["id"])
    await buyer.sees(f"/api/tickets/{free['id']}", status="available")
    assert (await buyer.send("GET", f"/api/tickets/{lost['id']}")).status_code == 404
    await buyer.pay(pending)  # the order that was open goes on where it was
    await buyer.sees(f"/api/tickets/{reserved['id']}", status="sold")
    late = await buyer.order(free)
    await buyer.pay(late)
    await buyer.sees(f"/api/tickets/{free['id']}", status="sold")
    for order in (pending, late):
        await buyer.sees(f"/api/orders/{order['id']}", status="complete")
    await settled(doomed)

    after = await gather(doomed)
    for place, documents in before.documents.items():
        ids = {str(doc["_id"]) for doc in documents}
        assert ids <= set(after.of(place)), place
    told = {event.id for events in before.streams.values() for event in events}
    assert told <= {event.id for events in after.streams.values() for event in events}
    first_told = {  # what `rebuild` has told again has ids of its own, of four parts
        stream: [event for event in events if event.id.count(":") == 2]
        for stream, events in after.streams.items()
    }
    assert audit(replace(after, streams=first_told), Promises(), whole) == []
    for person in (seller, buyer):
        await person.leave()


async def settled(system: System) -> None:
    """Wait until nothing is still to be told, heard or done."""
    backlog = Backlog(system)

    async def nothing_left() -> bool:
        return not await backlog.anything()

    await eventually(nothing_left, 30)
    await backlog.close()


def before_nats(system: System, data: Path) -> str:
    """Write the server's settings anew, which were in the folder that was destroyed."""
    return (
        f'{{"listen": "127.0.0.1:{system.port["nats"]}", "server_name": "local", '
        f'"jetstream": {{"store_dir": "{data}"}}}}'
    )


def test_a_backup_is_never_written_over_another(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="never written over"):
        backup.backup({"nats": 1, "mongod": 1}, tmp_path)


def test_half_a_backup_is_not_restored(tmp_path: Path) -> None:
    (tmp_path / "databases").mkdir()
    with pytest.raises(Trouble, match="no complete backup"):
        backup.restore(backup.Home(tmp_path / "home"), {}, tmp_path)
