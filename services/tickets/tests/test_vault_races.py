"""Tests of uploads that race, are interrupted, or have a code of another listing."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from pymongo.errors import AutoReconnect

from common.auth.tokens import User
from tickets.store.tickets import TicketStore
from tickets.vault_sweeper import VaultSweeper
from tickets.vault_testing import Market

CODE, OTHER_CODE = b"4000-1234-5678", b"4000-8765-4321"
SEQUENCES: Final = 5


def database(market: Market) -> Any:
    return market.client.app.state.service.running.database


async def entry_docs(market: Market) -> list[dict[str, Any]]:
    return await database(market)["vault"].find({}, {"outbox": 0}).sort("_id").to_list()


async def sweep(market: Market) -> None:
    sweeper: VaultSweeper = market.client.app.state.service.vault.sweeper
    await sweeper.run()


async def test_one_of_two_uploads_of_a_code_at_once_succeeds(market: Market) -> None:
    first = await market.list_ticket()
    second = await market.list_ticket(market.stranger)

    responses = await asyncio.gather(
        market.upload(first, CODE), market.upload(second, CODE, user=market.stranger)
    )

    assert sorted(response.status_code for response in responses) == [200, 409]
    assert [doc["is_current"] for doc in await entry_docs(market)] == [True]


async def test_of_two_uploads_for_a_ticket_at_once_one_file_remains(market: Market) -> None:
    ticket_id = await market.list_ticket()

    await asyncio.gather(market.upload(ticket_id, CODE), market.upload(ticket_id, OTHER_CODE))
    market.clock.advance(hours=25)
    await sweep(market)
    await sweep(market)

    ticket = await database(market)["tickets"].find_one({})
    remaining = {str(d["_id"]): d for d in await entry_docs(market) if d["state"] == "sealed"}
    assert set(remaining) == {ticket["vault"]["entry_id"]}
    assert all(doc["is_settled"] for doc in await entry_docs(market))


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str], pytest.MonkeyPatch]:
    """Fail a step of the next uploads, as if the process died before it."""

    async def die(*_: object, **__: object) -> None:
        raise AutoReconnect("killed")

    def interrupt_before(owner: type, step: str) -> pytest.MonkeyPatch:
        monkeypatch.setattr(owner, step, die)
        return monkeypatch

    return interrupt_before


async def test_upload_that_died_before_its_ticket_says_so_is_removed(
    market: Market, interrupt: Callable[[type, str], pytest.MonkeyPatch]
) -> None:
    ticket_id = await market.list_ticket()
    patch = interrupt(TicketStore, "update")
    died = await market.upload(ticket_id, CODE)
    patch.undo()
    second = await market.list_ticket()

    at_once = await market.upload(second, CODE)
    market.clock.advance(minutes=11)
    await sweep(market)
    later = await market.upload(second, CODE)

    assert (died.status_code, at_once.status_code, later.status_code) == (503, 409, 200)
    assert [doc["state"] for doc in await entry_docs(market)] == ["void", "sealed"]
    assert (await market.ticket(ticket_id))["protection"]["grade"] == "described"


async def test_upload_that_died_is_completed_by_the_same_upload_again(
    market: Market, interrupt: Callable[[type, str], pytest.MonkeyPatch]
) -> None:
    ticket_id = await market.list_ticket()
    patch = interrupt(TicketStore, "update")
    await market.upload(ticket_id, CODE)
    patch.undo()
    market.clock.advance(minutes=9)

    again = await market.upload(ticket_id, CODE)
    market.clock.advance(minutes=9)
    await sweep(market)

    assert again.json()["protection"]["grade"] == "vault"
    (entry,) = await entry_docs(market)
    assert (entry["state"], entry["is_settled"]) == ("sealed", True)


async def test_upload_that_died_before_it_was_complete_is_completed(
    market: Market, interrupt: Callable[[type, str], pytest.MonkeyPatch]
) -> None:
    ticket_id = await market.list_protected(OTHER_CODE)
    patch = interrupt(VaultSweeper, "settle")
    died = await market.upload(ticket_id, CODE)
    patch.undo()
    assert died.status_code == 503

    await sweep(market)

    replaced, current = await entry_docs(market)
    assert (replaced["released_at"], current["is_settled"]) == (market.clock(), True)
    await market.sell(ticket_id)
    assert (await market.reveal(ticket_id, market.buyer)).status_code == 200


async def test_withdrawal_that_died_keeps_the_file(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    (entry,) = await entry_docs(market)
    store = market.client.app.state.service.vault
    ticket = await market.client.app.state.service.tickets.get(ticket_id)
    withdrawn = ticket.withdraw(user_id=ticket.user_id, now=market.clock()).after
    await store.sweeper.release_unused(withdrawn)

    market.clock.advance(minutes=2)
    await sweep(market)

    (after,) = await entry_docs(market)
    assert (after["released_at"], after["is_current"]) == (None, True)
    assert after["_id"] == entry["_id"]


@pytest.mark.parametrize("seed", range(SEQUENCES))
async def test_one_code_is_sold_at_most_once_whatever_two_sellers_do(
    market: Market, seed: int
) -> None:
    """Whatever the order of their uploads, withdrawals and sales."""
    choose = random.Random(seed)
    sellers = (market.seller, market.stranger)
    listings = {seller.id: await market.list_ticket(seller) for seller in sellers}
    sold: set[str] = set()

    async def upload(seller: User) -> None:
        await market.upload(listings[seller.id], CODE, user=seller)

    async def withdraw(seller: User) -> None:
        await market.withdraw(listings[seller.id], seller)

    async def list_again(seller: User) -> None:
        listings[seller.id] = await market.list_ticket(seller)

    async def sell(seller: User) -> None:
        ticket_id = listings[seller.id]
        ticket = await market.ticket(ticket_id)
        if ticket["status"] == "available" and not ticket.get("withdrawn"):
            await market.sell(ticket_id)
            sold.add(ticket_id)

    async def wait(_: User) -> None:
        market.clock.advance(minutes=choose.choice([0.5, 2, 1_500]))
        await sweep(market)

    steps: list[Callable[[User], Awaitable[None]]] = [
        *(upload, upload, upload),
        *(withdraw, list_again, sell, wait, wait),
    ]
    for _ in range(14):
        await choose.choice(steps)(choose.choice(sellers))

    current = [doc for doc in await entry_docs(market) if doc["is_current"]]
    protected = [
        ticket_id
        for ticket_id in sold
        if (await market.ticket(ticket_id))["protection"]["grade"] == "vault"
    ]
    readable = [
        ticket_id
        for ticket_id in protected
        if (await market.reveal(ticket_id, market.buyer)).status_code == 200
    ]
    assert len(current) <= 1
    assert len(readable) == len(protected) <= 1
