"""Tests of accounts that close and that are deleted: their listings, originals and counters."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.auth.tokens import User
from common.events import ListingsWithdrawn, TicketUpdated, UserDeleted, UserUpdated
from common.testing.client import errors
from common.testing.polling import eventually
from common.values.ids import new_id
from tickets import user_deletion
from tickets.user_deletion import PORTION_SIZE
from tickets.vault_testing import Market


def closing(market: Market, user: User, version: int = 3) -> UserUpdated:
    now = market.clock()
    return UserUpdated(
        id=user.id, version=version, created_at=now, verified=True, closing=True, closing_at=now
    )


def deleted(market: Market, user: User, version: int = 0) -> UserDeleted:
    return UserDeleted(id=user.id, version=version, deleted_at=market.clock())


async def publish(market: Market, event: UserUpdated | UserDeleted) -> None:
    await market.published.publish(event, aggregate_id=event.id)
    await market.published.wait_until_handled("tickets-auth")


async def vault(market: Market) -> list[dict[str, Any]]:
    return await market.client.app.state.service.running.database["vault"].find({}).to_list()


async def test_listings_of_a_closing_account_are_withdrawn_and_named(market: Market) -> None:
    free, protected = await market.list_ticket(), await market.list_protected()
    reserved, of_another = await market.list_ticket(), await market.list_ticket(market.buyer)
    await market.order(reserved)

    await publish(market, closing(market, market.seller))
    event = await market.published.next(ListingsWithdrawn)

    shown = {one: await market.ticket(one) for one in (free, protected, reserved, of_another)}
    assert [one for one, ticket in shown.items() if ticket.get("withdrawn")] == [free, protected]
    assert shown[reserved]["status"] == "reserved"
    named = {listing.ticket_id: listing.version for listing in event.listings}
    assert named == {one: shown[one]["version"] for one in (free, protected)}
    assert event.user_id == market.seller.id


async def test_repeated_closing_names_the_same_listings(market: Market) -> None:
    await market.list_ticket()
    await publish(market, closing(market, market.seller))
    first = await market.published.next(ListingsWithdrawn)
    await market.published.next(TicketUpdated)
    updates = len(await market.published.all(TicketUpdated))

    await publish(market, closing(market, market.seller, version=4))  # as republished
    again = await market.published.next(ListingsWithdrawn, 2)

    assert again.listings == first.listings
    assert len(await market.published.all(TicketUpdated)) == updates


async def test_many_listings_are_named_in_several_events(market: Market) -> None:
    tickets = market.client.app.state.service.running.database["tickets"]
    await market.list_ticket()
    event = closing(market, market.seller)
    await publish(market, event)
    (withdrawn,) = await tickets.find({}).to_list()
    others: dict[str, Any] = {**withdrawn, "outbox": []}
    copies = [{**others, "_id": ObjectId()} for _ in range(2 * PORTION_SIZE)]
    await tickets.insert_many(copies)

    await publish(market, event.model_copy(update={"version": event.version + 1}))

    first, *several = await market.published.all(ListingsWithdrawn)
    named = {listing.ticket_id for each in several for listing in each.listings}
    portions = [each.portion for each in several if each.portion]
    assert first.portion is None
    assert named == {str(doc["_id"]) for doc in (withdrawn, *copies)}
    assert [(each.number, each.count) for each in portions] == [(0, 3), (1, 3), (2, 3)]
    assert len({each.of for each in portions}) == 1


async def test_repeated_closing_publishes_its_portions_again(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_deletion, "PORTION_SIZE", 2)
    for _ in range(3):
        await market.list_ticket()
    event = closing(market, market.seller)

    for _ in range(2):
        await publish(market, event)

    portions = [each.portion for each in await market.published.all(ListingsWithdrawn)]
    assert len({each.of for each in portions if each}) == 2
    assert [each.number for each in portions if each] == [0, 1, 0, 1]


async def test_account_without_listings_is_confirmed(market: Market) -> None:
    await publish(market, closing(market, market.stranger))

    assert (await market.published.next(ListingsWithdrawn)).listings == ()


async def test_original_that_nobody_bought_is_shredded_with_its_account(market: Market) -> None:
    await market.list_protected()
    await publish(market, closing(market, market.seller))
    (before,) = await vault(market)

    await publish(market, deleted(market, market.seller))

    (after,) = await vault(market)
    assert before["sealed"] is not None, "the deletion could still have been given up"
    assert (after["state"], after["sealed"], after["fingerprints"]) == ("void", None, [])


async def test_original_that_was_bought_stays_for_its_buyer(market: Market) -> None:
    ticket_id = await market.list_protected()
    await market.pay(await market.order(ticket_id))

    await publish(market, deleted(market, market.seller))

    (doc,) = await vault(market)
    assert (doc["state"], doc["sealed"] is None) == ("sealed", False)


async def test_listing_that_was_made_during_the_deletion_is_withdrawn(market: Market) -> None:
    await publish(market, deleted(market, market.seller))
    late = await market.list_ticket()

    await publish(market, deleted(market, market.seller, version=1))

    assert (await market.ticket(late))["withdrawn"] is True


async def test_counters_and_idempotency_keys_of_a_deleted_user_are_erased(market: Market) -> None:
    database = market.client.app.state.service.running.database
    for user in (market.seller, market.buyer):
        market.client.sign_in(user)
        body = {"title": "Row 1", "price": 20}
        key = {"Idempotency-Key": new_id()}
        assert (await market.client.post("/api/tickets", json=body, headers=key)).is_success
        await database["daily_counters"].insert_one(
            {"_id": f"list:tickets:{user.id}:2030-01-01", "n": 1, "until": market.clock()}
        )

    await publish(market, deleted(market, market.seller))

    for name in ("idempotency", "daily_counters"):
        ids = [doc["_id"] async for doc in database[name].find({}, {"_id": 1})]
        assert not [one for one in ids if market.seller.id in one]
        assert [one for one in ids if market.buyer.id in one]


async def test_export_has_all_own_listings(market: Market) -> None:
    ids = [await market.list_ticket() for _ in range(3)]
    await market.list_ticket(market.buyer)
    market.client.sign_in(recently(market, market.seller))

    async def exported() -> bool:
        response = await market.client.get("/api/tickets/export")
        return {one["id"] for one in response.json()["listings"]} == set(ids)

    await eventually(exported)


async def test_export_needs_a_recent_password(market: Market) -> None:
    market.clock.advance(minutes=11)
    market.client.sign_in(recently(market, market.seller, minutes=-11))

    response = await market.client.get("/api/tickets/export")

    assert (response.status_code, errors(response)[0]["field"]) == (403, "reauthentication")


def recently(market: Market, user: User, minutes: int = 0) -> User:
    at = market.clock() + timedelta(minutes=minutes)
    return User(user.id, user.email, user.session_id, authenticated_at=at.timestamp())
