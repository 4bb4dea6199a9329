"""Tests of tickets that say whether their seller is verified."""

from itertools import permutations
from typing import Any

import pytest

from common.auth.tokens import User
from common.events import (
    ChargeStatus,
    PaymentCreated,
    SellerCreated,
    SellerUpdated,
    TransfersStatus,
    UserDeleted,
)
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.testing.query_profile import QueryProfile
from common.values.clock import utc_now
from common.values.ids import new_id
from tickets.service import TicketService
from tickets.store.tickets import TicketStore
from tickets.store.verified_sellers import MAX_REMEMBERED, TTL_SECONDS, VerifiedSellers


def seller_event(
    user: User, transfers: TransfersStatus = TransfersStatus.ACTIVE, version: int = 1
) -> SellerCreated | SellerUpdated:
    kind = SellerUpdated if version else SellerCreated
    return kind(id=user.id, version=version, transfers=transfers)


async def publish(published: EventProbe, event: SellerCreated | SellerUpdated) -> None:
    await published.publish(event, aggregate_id=event.id)


async def list_ticket(tickets: Client, user: User, **fields: Any) -> str:
    tickets.sign_in(user)
    response = await tickets.post("/api/tickets", json={"title": "Row 1", "price": 20, **fields})
    tickets.sign_out()
    return response.json()["id"]


async def are_shown_verified(tickets: Client, ticket_id: str) -> set[bool]:
    """Return what the list and the ticket itself say."""
    listed = (await tickets.get("/api/tickets")).json()
    shown = (await tickets.get(f"/api/tickets/{ticket_id}")).json()
    in_list = next(one for one in listed if one["id"] == ticket_id)
    return {one.get("sellerVerified", False) for one in (in_list, shown)}


async def wait_until_shown(tickets: Client, ticket_id: str, *, verified: bool) -> None:
    async def is_shown() -> bool:
        return await are_shown_verified(tickets, ticket_id) == {verified}

    assert await eventually(is_shown)


async def test_list_and_ticket_say_whether_the_seller_is_verified(
    tickets: Client, published: EventProbe
) -> None:
    seller, other = make_user(), make_user()
    ticket_id, of_other = await list_ticket(tickets, seller), await list_ticket(tickets, other)
    assert await are_shown_verified(tickets, ticket_id) == {False}

    await publish(published, seller_event(seller, TransfersStatus.PENDING, 0))
    await publish(published, seller_event(seller))
    await wait_until_shown(tickets, ticket_id, verified=True)
    assert await are_shown_verified(tickets, of_other) == {False}
    tickets.sign_in(seller)
    (mine,) = (await tickets.get("/api/tickets/mine")).json()
    assert mine["sellerVerified"] is True

    await publish(published, seller_event(seller, TransfersStatus.RESTRICTED, 2))
    await wait_until_shown(tickets, ticket_id, verified=False)


@pytest.mark.parametrize("arrival", [*permutations(range(3))])
async def test_last_state_of_a_seller_is_shown_in_any_order_of_arrival(
    tickets: Client, published: EventProbe, arrival: tuple[int, ...]
) -> None:
    seller = make_user()
    ticket_id = await list_ticket(tickets, seller)
    states = (TransfersStatus.PENDING, TransfersStatus.ACTIVE, TransfersStatus.REJECTED)
    for version in (*arrival, *arrival):
        await publish(published, seller_event(seller, states[version], version))
    await published.wait_until_handled("tickets-payments")

    await wait_until_shown(tickets, ticket_id, verified=False)


async def test_tag_of_a_ticket_changes_with_its_seller_and_is_accepted_by_an_edit(
    tickets: Client, published: EventProbe
) -> None:
    seller = make_user()
    ticket_id = await list_ticket(tickets, seller)
    path = f"/api/tickets/{ticket_id}"
    before = (await tickets.get(path)).headers["etag"]
    await publish(published, seller_event(seller))
    await wait_until_shown(tickets, ticket_id, verified=True)

    answer = await tickets.get(path, headers={"If-None-Match": before})

    tag = answer.headers["etag"]
    assert (answer.status_code, tag) == (200, '"0-verified"')
    assert (await tickets.get(path, headers={"If-None-Match": tag})).status_code == 304
    tickets.sign_in(seller)
    body = {"title": "Row 2", "price": 20}
    edited = await tickets.put(path, json=body, headers={"If-Match": tag})
    assert edited.status_code == 200
    outdated = await tickets.put(path, json=body, headers={"If-Match": tag})
    assert outdated.status_code == 412


async def test_deleted_account_is_not_verified_any_more(
    tickets: Client, published: EventProbe
) -> None:
    seller = make_user()
    ticket_id = await list_ticket(tickets, seller)
    await publish(published, seller_event(seller))
    await wait_until_shown(tickets, ticket_id, verified=True)

    deleted = UserDeleted(id=seller.id, version=3, deleted_at=utc_now())
    await published.publish(deleted, aggregate_id=seller.id)

    async def is_forgotten() -> bool:
        sellers = tickets.app.state.service.running.database["sellers"]
        return await sellers.count_documents({}) == 0

    assert await eventually(is_forgotten)


async def test_payments_of_purchases_are_not_delivered(
    tickets: Client, published: EventProbe
) -> None:
    """The consumer is of sellers alone, so that a purchase costs tickets nothing for them."""
    seller = make_user()
    ticket_id = await list_ticket(tickets, seller)
    paid = PaymentCreated(
        id=new_id(), version=1, order_id=new_id(), amount=2000, status=ChargeStatus.SUCCEEDED
    )
    for _ in range(3):
        await published.publish(paid, aggregate_id=paid.id)

    await publish(published, seller_event(seller))

    await wait_until_shown(tickets, ticket_id, verified=True)
    connection = published.bus.connection
    info = await connection.js.consumer_info(connection.stream("payments"), "tickets-payments")
    assert info.delivered is not None
    assert info.delivered.consumer_seq == 1


async def test_sellers_of_a_list_are_read_in_one_query_and_remembered(
    tickets: Client, published: EventProbe
) -> None:
    for _ in range(12):
        await list_ticket(tickets, make_user())
    running = tickets.app.state.service.running
    service: TicketService = tickets.app.state.service.tickets
    sellers = service._sellers
    listed = (await tickets.get("/api/tickets")).json()
    ids = [ticket["userId"] for ticket in listed]

    async with QueryProfile(running.database, "sellers") as profile:
        first = await sellers.find([*ids, new_id()])
        again = await sellers.find(ids)

    assert (first, again) == (frozenset(), frozenset())
    assert [operation["op"] for operation in profile.operations] == ["query"]
    assert published


async def test_remembered_sellers_are_bounded_and_expire(store: TicketStore) -> None:
    assert store
    now = 0.0
    sellers = VerifiedSellers(lambda: now)
    await sellers.find([new_id() for _ in range(MAX_REMEMBERED + 100)])

    remembered = sellers._remembered
    assert len(remembered) == MAX_REMEMBERED
    user = make_user()
    await sellers.find([user.id])
    await VerifiedSellers().upsert(seller_event(user))  # by another replica
    assert await sellers.find([user.id]) == frozenset()
    now = TTL_SECONDS
    assert await sellers.find([user.id]) == {user.id}
