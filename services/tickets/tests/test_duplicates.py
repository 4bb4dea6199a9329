"""Tests of codes that are uploaded although they are in the vault already."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from common.auth.tokens import User
from common.errors import BadRequest
from common.events import TicketUpdated
from common.observability.context import acting_as
from common.testing.client import errors
from common.testing.polling import eventually
from tickets.api import State
from tickets.duplicates import FREEZE
from tickets.vault_testing import Market

CODE, OTHER_CODE = b"4000-1234-5678", b"4000-9999-9999"
LINK = b"https://app.example.com/"
REFUSED = [{"message": "This ticket is listed already", "field": "file"}]


async def upload_as(market: Market, user: User, *codes: bytes) -> tuple[str, httpx.Response]:
    """List a ticket, upload a file with these codes for it, and return the ticket's id too."""
    ticket_id = await market.list_ticket(user)
    return ticket_id, await market.upload(ticket_id, *codes, user=user)


async def entries(market: Market) -> list[dict[str, Any]]:
    vault = state_of(market).running.database["vault"]
    return await vault.find({}, {"sealed": 0, "outbox": 0}).sort("_id", 1).to_list()


def state_of(market: Market) -> State:
    return market.client.app.state.service


async def frozen_until(market: Market, ticket_id: str) -> str | None:
    return (await market.ticket(ticket_id)).get("frozenUntil")


async def test_second_seller_is_refused_and_the_first_listing_is_checked(market: Market) -> None:
    first = await market.list_protected(CODE)

    second, response = await upload_as(market, market.stranger, CODE)

    assert (response.status_code, errors(response)) == (409, REFUSED)
    shown = await market.ticket(first)
    assert shown["frozenUntil"] == "2030-01-04T12:00:00Z"

    async def is_published() -> bool:
        events = await market.published.all(TicketUpdated)
        return bool(events) and events[-1].frozen_until == market.clock() + FREEZE

    await eventually(is_published)
    assert (await market.ticket(second))["protection"]["grade"] == "described"
    (entry,) = await entries(market)
    (match,) = entry["matches"]
    assert (match["user_id"], match["ticket_id"]) == (market.stranger.id, second)


async def test_later_matches_are_recorded_and_freeze_nothing(market: Market) -> None:
    first = await market.list_protected(CODE)
    second, _ = await upload_as(market, market.stranger, CODE)
    before = await frozen_until(market, first)
    await state_of(market).duplicates.clear(first)
    market.clock.advance(hours=1)

    await market.upload(second, CODE, user=market.stranger)
    third, response = await upload_as(market, market.second_buyer, CODE)

    assert before is not None
    assert response.status_code == 409
    assert await frozen_until(market, first) is None
    (entry,) = await entries(market)
    assert [match["ticket_id"] for match in entry["matches"]] == [second, third]


@pytest.mark.parametrize("moment", ["reserved", "sold"])
async def test_reserved_or_sold_ticket_goes_on_and_the_match_is_recorded(
    market: Market, moment: str
) -> None:
    first = await market.list_protected(CODE)
    order = await market.order(first)
    if moment == "sold":
        await market.pay(order)

    _, response = await upload_as(market, market.stranger, CODE)

    assert (response.status_code, errors(response)) == (409, REFUSED)
    assert await frozen_until(market, first) is None
    (entry,) = await entries(market)
    assert len(entry["matches"]) == 1


async def test_same_seller_is_refused_and_nothing_is_checked(market: Market) -> None:
    first = await market.list_protected(CODE)

    _, response = await upload_as(market, market.seller, CODE)

    assert response.status_code == 409
    assert errors(response)[0]["message"] == "You have listed this ticket already"
    assert await frozen_until(market, first) is None
    assert (await entries(market))[0]["matches"] == []


async def test_seller_who_uploads_what_was_sold_is_refused_and_recorded(market: Market) -> None:
    first = await market.list_protected(CODE)
    await market.sell(first)

    second, response = await upload_as(market, market.seller, CODE)

    assert response.status_code == 409
    assert errors(response)[0]["message"] == "You have listed this ticket already"
    (entry,) = await entries(market)
    assert [match["ticket_id"] for match in entry["matches"]] == [second]


async def test_buyer_who_uploads_what_was_bought_here_is_sent_to_the_order(market: Market) -> None:
    first = await market.list_protected(CODE)
    await market.sell(first)

    _, response = await upload_as(market, market.buyer, CODE)

    assert response.status_code == 409
    assert errors(response)[0]["message"].startswith("You bought this ticket here.")
    assert (await entries(market))[0]["matches"] == []


async def test_one_equal_code_of_several_is_enough(market: Market) -> None:
    first = await market.list_protected(CODE)

    _, response = await upload_as(market, market.stranger, OTHER_CODE, CODE)

    assert response.status_code == 409
    assert await frozen_until(market, first) is not None


async def test_equal_link_refuses_and_freezes_nothing(market: Market) -> None:
    ticket_id = await market.list_ticket()
    (await market.upload(ticket_id, CODE, LINK)).raise_for_status()

    _, response = await upload_as(market, market.stranger, OTHER_CODE, LINK)

    assert response.status_code == 200
    assert await frozen_until(market, ticket_id) is None


async def test_withdrawn_ticket_frees_its_code_after_a_minute(market: Market) -> None:
    first = await market.list_protected(CODE)
    await market.withdraw(first)

    second, too_early = await upload_as(market, market.seller, CODE)
    _, of_another = await upload_as(market, market.stranger, CODE)
    market.clock.advance(seconds=61)
    accepted = await market.upload(second, CODE)

    assert (too_early.status_code, too_early.headers["retry-after"]) == (409, "60")
    assert errors(too_early)[0]["message"].startswith("You withdrew this ticket a moment ago.")
    assert errors(of_another) == REFUSED
    assert accepted.status_code == 200
    assert [entry["is_current"] for entry in await entries(market)] == [False, True]


@pytest.mark.parametrize("is_revealed", [False, True])
async def test_code_of_a_resold_ticket_stays_taken_when_the_resale_is_withdrawn(
    market: Market, *, is_revealed: bool
) -> None:
    """Its holder still has the ticket, so a listing of another person would be a second one."""
    first = await market.list_protected(CODE)
    order = await market.sell(first)
    if is_revealed:
        await market.reveal(first, market.buyer)
    market.client.sign_in(market.buyer)
    body = {"title": "Row 1", "price": 15, "fromOrderId": order.id}
    second = (await market.client.post("/api/tickets", json=body)).json()["id"]
    await market.withdraw(second, market.buyer)
    market.clock.advance(days=2)
    await state_of(market).vault.sweeper.run()

    _, response = await upload_as(market, market.seller, CODE)

    assert (response.status_code, errors(response)) == (409, REFUSED)


async def test_two_uploads_at_once_leave_one_listing_with_the_code(market: Market) -> None:
    tickets = {user.id: await market.list_ticket(user) for user in (market.seller, market.buyer)}
    files = [
        market.upload(tickets[user.id], CODE, user=user) for user in (market.seller, market.buyer)
    ]

    responses = await asyncio.gather(*files)

    assert sorted(response.status_code for response in responses) == [200, 409]
    assert [entry["is_current"] for entry in await entries(market)] == [True]


async def test_first_match_freezes_although_the_process_died_before_it_was_recorded(
    market: Market,
) -> None:
    first = await market.list_protected(CODE)
    second, _ = await upload_as(market, market.stranger, CODE)
    await state_of(market).running.database["vault"].update_one({}, {"$set": {"matches": []}})

    response = await market.upload(second, CODE, user=market.stranger)

    assert response.status_code == 409
    assert await frozen_until(market, first) is not None
    assert len((await entries(market))[0]["matches"]) == 1


async def test_decision_to_clear_is_recorded_with_actor_and_reason(market: Market) -> None:
    first = await market.list_protected(CODE)
    await upload_as(market, market.stranger, CODE)

    with acting_as("operator ann: same family"):
        ticket = await state_of(market).duplicates.clear(first)

    assert ticket.frozen_until is None
    (entry,) = await entries(market)
    assert (entry["decision"], entry["history"][-1]["by"]) == (
        "cleared",
        "operator ann: same family",
    )


async def test_decision_to_withdraw_frees_the_code(market: Market) -> None:
    first = await market.list_protected(CODE)
    second, _ = await upload_as(market, market.stranger, CODE)

    with acting_as("operator ann: a copy"):
        await state_of(market).duplicates.withdraw(first)

    shown = await market.ticket(first)
    assert (shown["withdrawn"], shown["withdrawnByOperator"]) == (True, True)
    market.clock.advance(seconds=61)
    assert (await market.upload(second, CODE, user=market.stranger)).status_code == 200
    old, _ = await entries(market)
    assert (old["decision"], old["is_current"]) == ("withdrawn", False)


async def test_sold_ticket_is_not_withdrawn_by_a_decision(market: Market) -> None:
    first = await market.list_protected(CODE)
    await market.sell(first)
    duplicates = state_of(market).duplicates

    with pytest.raises(BadRequest, match="already sold"):
        await duplicates.withdraw(first)
    assert (await entries(market))[0]["decision"] is None
    described = await market.list_ticket()
    with pytest.raises(BadRequest, match="no file"):
        await duplicates.clear(described)


async def test_operator_sees_the_chain_of_holders(market: Market) -> None:
    first = await market.list_protected(CODE)
    order = await market.sell(first)
    market.client.sign_in(market.buyer)
    body = {"title": "Row 1", "price": 15, "fromOrderId": order.id}
    second = (await market.client.post("/api/tickets", json=body)).json()["id"]
    await market.sell(second, market.second_buyer)

    for ticket_id in (first, second):
        entry, listings = await state_of(market).duplicates.find_chain(ticket_id)

        assert entry.uploaded_by == market.seller.id
        assert [(listing.user_id, listing.holder_id) for listing in listings] == [
            (market.seller.id, market.buyer.id),
            (market.buyer.id, market.second_buyer.id),
        ]


async def test_check_ends_by_itself(market: Market) -> None:
    first = await market.list_protected(CODE)
    await upload_as(market, market.stranger, CODE)
    market.clock.advance(hours=72)

    order = await market.sell(first)  # orders compares the time

    assert order.ticket.id == first
    assert timedelta(hours=72) == FREEZE
    assert (await market.reveal(first, market.buyer)).status_code == 200
