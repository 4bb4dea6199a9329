"""Tests of listing again what was bought here, with its original."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pymongo import ASCENDING

from common.auth.tokens import User
from common.events import TicketCreated, VaultUpdated
from common.testing.client import errors
from common.values.ids import new_id
from tickets.domain.listing_again import list_bought
from tickets.resale import SWEEP_AFTER, Resale
from tickets.store.tickets import TicketStore
from tickets.vault_testing import Market

CODE = b"4000-1234-5678"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""By the real clock, by which keys of requests expire."""


async def list_again(
    market: Market, order_id: str, user: User | None = None, key: str = "", **fields: object
) -> httpx.Response:
    """List the ticket of an order again, by default as the first buyer."""
    market.client.sign_in(user or market.buyer)
    body = {"title": "Row 1", "price": 15, "fromOrderId": order_id, **fields}
    headers = {"Idempotency-Key": key} if key else {}
    return await market.client.post("/api/tickets", json=body, headers=headers)


async def entry_of(market: Market) -> dict[str, Any]:
    database = market.client.app.state.service.running.database
    entry = await database["vault"].find_one({}, {"sealed": 0, "outbox": 0})
    assert entry is not None
    return entry


async def may_read(market: Market, ticket_id: str, user: User) -> tuple[bool, bool]:
    """Return whether a user may reveal and may read an original."""
    shown = (await market.get_pass(ticket_id, user)).json()
    return shown["canReveal"], shown["canRead"]


@pytest.fixture
async def sold(market: Market) -> tuple[str, str]:
    """A ticket that was sold with its original, and its order."""
    ticket_id = await market.list_protected(CODE)
    return ticket_id, (await market.sell(ticket_id)).id


async def test_sealed_ticket_is_listed_again_with_full_protection(
    market: Market, sold: tuple[str, str]
) -> None:
    first, order_id = sold

    response = await list_again(market, order_id)

    listed = response.json()
    assert response.status_code == 201
    assert listed["protection"] == {"grade": "vault", "symbologies": ["qr"], "revealed": False}
    assert (listed["userId"], listed["price"], listed["status"]) == (
        market.buyer.id,
        15,
        "available",
    )
    entry = await entry_of(market)
    assert (entry["ticket_id"], entry["earlier"], entry["is_current"]) == (
        listed["id"],
        [first],
        True,
    )
    event = await market.published.next(VaultUpdated, 2)
    assert (event.ticket_id, event.earlier) == (listed["id"], (first,))


async def test_only_the_seller_of_a_listing_sees_by_which_order_it_was_bought(
    market: Market, sold: tuple[str, str]
) -> None:
    first, order_id = sold

    second = (await list_again(market, order_id)).json()["id"]

    assert (await market.get_pass(second, market.buyer)).json()["fromOrderId"] == order_id
    await market.sell(second, market.second_buyer)
    assert (await market.get_pass(second, market.second_buyer)).json()["fromOrderId"] is None
    assert (await market.get_pass(first, market.buyer)).json()["fromOrderId"] is None


async def test_original_goes_from_holder_to_holder(market: Market, sold: tuple[str, str]) -> None:
    first, order_id = sold
    second = (await list_again(market, order_id)).json()["id"]
    assert await may_read(market, first, market.buyer) == (False, False)
    assert (await market.reveal(first, market.buyer)).status_code == 409

    resold = await market.sell(second, market.second_buyer)

    assert await may_read(market, second, market.second_buyer) == (True, False)
    assert (await market.reveal(first, market.buyer)).status_code == 409
    assert (await market.reveal(second, market.buyer)).status_code == 401
    assert (await market.reveal(second, market.second_buyer)).status_code == 200
    assert await may_read(market, second, market.second_buyer) == (False, True)
    third = await list_again(market, resold.id, market.second_buyer)
    assert third.json()["protection"]["revealed"] is True
    assert (await entry_of(market))["earlier"] == [first, second]


async def test_revealed_ticket_says_so_and_its_holder_reads_it_until_it_is_sold(
    market: Market, sold: tuple[str, str]
) -> None:
    first, order_id = sold
    await market.reveal(first, market.buyer)

    listed = (await list_again(market, order_id)).json()

    assert listed["protection"]["revealed"] is True
    assert await may_read(market, first, market.buyer) == (False, True)
    await market.sell(listed["id"], market.second_buyer)
    assert (await market.get_pass(first, market.buyer, "/file")).status_code == 409
    await market.reveal(listed["id"], market.second_buyer)
    readable = await market.get_pass(listed["id"], market.second_buyer, "/file")
    assert readable.status_code == 200


async def test_show_seat_and_face_value_come_from_the_bought_ticket(
    market: Market, sold: tuple[str, str]
) -> None:
    given: list[dict[str, Any]] = [{"showId": new_id()}, {"seat": {"row": "1"}}, {"faceValue": 10}]
    for fields in given:
        response = await list_again(market, sold[1], **fields)

        assert response.status_code == 400
        assert "showId, seat and faceValue" in errors(response)[0]["message"]


async def test_listing_of_a_ticket_with_a_seat_has_it_too(market: Market) -> None:
    market.client.sign_in(market.seller)
    body = {"title": "Row 1", "price": 20, "seat": {"row": "7"}, "faceValue": 30}
    ticket_id = (await market.client.post("/api/tickets", json=body)).json()["id"]
    order = await market.sell(ticket_id)

    listed = (await list_again(market, order.id)).json()

    assert (listed["seat"], listed["faceValue"]) == ({"row": "7"}, 30)
    assert listed["protection"]["grade"] == "described"


@pytest.mark.parametrize("moment", ["unknown", "reserved", "cancelled"])
async def test_order_that_is_not_complete_is_400(market: Market, moment: str) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.order(ticket_id)
    if moment == "cancelled":
        await market.cancel(order)

    response = await list_again(market, new_id() if moment == "unknown" else order.id)

    assert response.status_code == 400
    assert errors(response)[0]["field"] == "fromOrderId"


async def test_order_of_another_person_is_401(market: Market, sold: tuple[str, str]) -> None:
    for user in (market.seller, market.second_buyer):
        assert (await list_again(market, sold[1], user)).status_code == 401


async def test_ticket_is_not_listed_again_while_a_listing_of_it_is_live(
    market: Market, sold: tuple[str, str]
) -> None:
    second = (await list_again(market, sold[1])).json()["id"]

    while_available = await list_again(market, sold[1])
    order = await market.order(second, market.second_buyer)
    while_reserved = await list_again(market, sold[1])
    await market.pay(order)
    when_sold = await list_again(market, sold[1])

    assert [r.status_code for r in (while_available, while_reserved, when_sold)] == [409] * 3
    assert errors(when_sold)[0]["field"] == "fromOrderId"


async def test_withdrawn_listing_gives_the_original_back_after_a_minute(
    market: Market, sold: tuple[str, str]
) -> None:
    first, order_id = sold
    second = (await list_again(market, order_id)).json()["id"]
    await market.withdraw(second, market.buyer)

    too_early = await list_again(market, order_id)
    assert (too_early.status_code, too_early.headers["retry-after"]) == (409, "60")
    assert await may_read(market, first, market.buyer) == (False, False)
    market.clock.advance(seconds=61)
    assert await may_read(market, first, market.buyer) == (True, False)
    third = (await list_again(market, order_id)).json()

    assert third["protection"]["revealed"] is False
    entry = await entry_of(market)
    assert (entry["ticket_id"], entry["earlier"]) == (third["id"], [first])
    await market.sell(third["id"], market.second_buyer)
    assert (await market.reveal(third["id"], market.second_buyer)).status_code == 200


async def test_two_listings_at_once_share_no_original(
    market: Market, sold: tuple[str, str]
) -> None:
    """The second request read the listings before the first one inserted its own."""
    store = store_of(market)
    bought = await store.find_sold(sold[1])
    assert bought is not None
    second = (await list_again(market, sold[1])).json()["id"]
    rival = list_bought(
        bought,
        ticket_id=new_id(),
        title="Row 1",
        price=1000,
        seller_id=market.buyer.id,
        now=market.clock(),
        show=None,
    )
    await store.add(rival)

    market.clock.advance(seconds=1 + SWEEP_AFTER.total_seconds())
    await resale_of(market).complete_pending()

    refused = await store.get(rival.after.id)
    assert (refused.withdrawn, refused.pending_entry, refused.vault) == (True, None, None)
    assert (await entry_of(market))["ticket_id"] == second


def store_of(market: Market) -> TicketStore:
    return resale_of(market).tickets


def resale_of(market: Market) -> Resale:
    return market.client.app.state.service.resale


@pytest.mark.parametrize("step", ["listed", "moved"])
@pytest.mark.parametrize("completed_by", ["retry", "sweep"])
async def test_listing_is_completed_after_a_crash_between_its_steps(
    market: Market, sold: tuple[str, str], step: str, completed_by: str
) -> None:
    """The process has died after it listed the ticket, or after it moved the original."""
    listed = await list_again(market, sold[1], key="once")
    database = market.client.app.state.service.running.database
    entry = await entry_of(market)
    await database["tickets"].update_one(
        {"from_order_id": sold[1]}, {"$set": {"vault": None, "pending_entry": str(entry["_id"])}}
    )
    if step == "listed":
        before: dict[str, Any] = {"ticket_id": sold[0], "earlier": []}
        await database["vault"].update_one({}, {"$set": before})
    await database["idempotency"].update_one({}, {"$set": {"status": None, "until": LONG_AGO}})

    if completed_by == "retry":
        response = await list_again(market, sold[1], key="once")
        assert (response.status_code, response.json()["id"]) == (201, listed.json()["id"])
    else:
        market.clock.advance(seconds=1 + SWEEP_AFTER.total_seconds())
        await resale_of(market).complete_pending()

    shown = await market.ticket(listed.json()["id"])
    assert shown["protection"] == {"grade": "vault", "symbologies": ["qr"], "revealed": False}
    moved = await entry_of(market)
    assert (moved["ticket_id"], moved["earlier"]) == (shown["id"], [sold[0]])
    tickets = await database["tickets"].count_documents({"from_order_id": sold[1]})
    assert tickets == 1


async def test_ticket_that_was_sold_before_its_original_arrived_has_it_too(
    market: Market, sold: tuple[str, str]
) -> None:
    store = store_of(market)
    bought = await store.find_sold(sold[1])
    assert bought is not None
    listing = list_bought(
        bought,
        ticket_id=new_id(),
        title="Row 1",
        price=1000,
        seller_id=market.buyer.id,
        now=market.clock(),
        show=None,
    )
    await store.add(listing)
    await market.sell(listing.after.id, market.second_buyer)

    market.clock.advance(seconds=1 + SWEEP_AFTER.total_seconds())
    await resale_of(market).complete_pending()

    assert (await market.reveal(listing.after.id, market.second_buyer)).status_code == 200


async def test_listing_is_published_as_described_until_it_has_its_original(
    market: Market, sold: tuple[str, str]
) -> None:

    await list_again(market, sold[1])

    created = await market.published.next(TicketCreated, 2)

    assert created.protection is None


async def test_searches_of_a_resale_use_their_indexes(store: TicketStore) -> None:
    plans = [
        store.collection.find({"order_id": "1", "status": "sold"}),
        store.collection.find({"from_order_id": "1"}),
        store.collection.find({"pending_entry": {"$gt": ""}}).sort("_id", ASCENDING),
    ]
    for plan in plans:
        explained = await plan.explain()
        assert "COLLSCAN" not in str(explained["queryPlanner"]["winningPlan"])
