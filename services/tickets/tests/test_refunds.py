"""Tests of originals that are taken back before the money of their order goes back."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from common.auth.tokens import User
from common.events import (
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
    ReturnedOriginal,
    TicketUpdated,
)
from common.persistence.mongo import object_id
from common.testing.client import errors
from common.testing.polling import eventually
from tickets.domain.ticket import WITHDRAWAL_DELAY
from tickets.refunds import Refunds
from tickets.vault_testing import Market

CODE = b"4000-1234-5678"


def agreed(order: OrderCreated, version: int = 3) -> OrderUpdated:
    """Return the event of an order whose refund is agreed."""
    state: dict[str, Any] = {
        "version": version,
        "status": OrderStatus.COMPLETE,
        "refund_agreed_at": order.expires_at,
    }
    return OrderUpdated.model_validate(order.model_dump(by_alias=False) | state)


async def refund(market: Market, order: OrderCreated, version: int = 3) -> None:
    await market.published.publish(agreed(order, version), aggregate_id=order.id)


async def answers(market: Market, ticket_id: str) -> list[ReturnedOriginal]:
    """Return what tickets has said about the original of a ticket, without repetitions."""
    events = [event for event in await market.published.all(TicketUpdated) if event.returned]
    said = {event.version: event.returned for event in events if event.id == ticket_id}
    return list(dict.fromkeys(one.original for one in said.values() if one))


async def wait_for_answer(market: Market, ticket_id: str) -> ReturnedOriginal:
    async def answered() -> list[ReturnedOriginal]:
        return await answers(market, ticket_id)

    (only,) = await eventually(answered)
    return only


async def entry_of(market: Market) -> dict[str, Any]:
    database = market.client.app.state.service.running.database
    entry = await database["vault"].find_one({}, {"outbox": 0})
    assert entry is not None
    return entry


def refunds_of(market: Market) -> Refunds:
    return market.client.app.state.service.refunds


async def list_again(market: Market, order: OrderCreated, user: User | None = None) -> Any:
    market.client.sign_in(user or market.buyer)
    body = {"title": "Row 1", "price": 15, "fromOrderId": order.id}
    return await market.client.post("/api/tickets", json=body)


async def test_sealed_original_is_void_before_the_answer(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.sell(ticket_id)

    await refund(market, order)

    assert await wait_for_answer(market, ticket_id) is ReturnedOriginal.VOID
    entry = await entry_of(market)
    assert (entry["state"], entry["sealed"]) == ("void", None)
    assert (await market.reveal(ticket_id, market.buyer)).status_code == 410
    assert (await market.ticket(ticket_id))["status"] == "sold"


async def test_original_that_its_buyer_has_seen_stays(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.sell(ticket_id)
    await market.reveal(ticket_id, market.buyer)

    await refund(market, order)

    assert await wait_for_answer(market, ticket_id) is ReturnedOriginal.REVEALED
    assert (await market.get_pass(ticket_id, market.buyer, "/file")).status_code == 200


async def test_original_that_only_an_earlier_buyer_has_seen_is_void(market: Market) -> None:
    first = await market.list_protected(CODE)
    order = await market.sell(first)
    await market.reveal(first, market.buyer)
    second = (await list_again(market, order)).json()["id"]
    resold = await market.sell(second, market.second_buyer)

    await refund(market, resold)

    assert await wait_for_answer(market, second) is ReturnedOriginal.VOID
    assert (await market.reveal(second, market.second_buyer)).status_code == 410


async def test_described_ticket_has_no_original_to_take_back(market: Market) -> None:
    ticket_id = await market.list_ticket()
    order = await market.sell(ticket_id)

    await refund(market, order)

    assert await wait_for_answer(market, ticket_id) is ReturnedOriginal.NONE
    refused = await list_again(market, order)
    assert refused.status_code == 400
    assert errors(refused)[0]["field"] == "fromOrderId"


async def test_repeated_and_late_events_give_one_answer(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.sell(ticket_id)
    for version in (3, 3, 4):
        await refund(market, order, version)
    await market.pay(order)  # late
    await wait_for_answer(market, ticket_id)
    await market.published.wait_until_handled("tickets-orders")

    assert await answers(market, ticket_id) == [ReturnedOriginal.VOID]
    assert (await market.ticket(ticket_id))["status"] == "sold"


@pytest.mark.parametrize("arrival", [*permutations(range(3))])
async def test_agreement_is_applied_in_any_order_of_arrival(
    market: Market, arrival: tuple[int, ...]
) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.order(ticket_id)
    paid = {"version": 1, "status": OrderStatus.COMPLETE}
    offered = {"version": 2, "status": OrderStatus.COMPLETE, "refund_offered_at": order.expires_at}
    state = order.model_dump(by_alias=False)
    events = (
        OrderCompleted.model_validate(state | paid),
        OrderUpdated.model_validate(state | offered),
        agreed(order),
    )

    for index in arrival:
        await market.published.publish(events[index], aggregate_id=order.id)

    assert await wait_for_answer(market, ticket_id) is ReturnedOriginal.VOID


@pytest.mark.parametrize("step", ["agreed", "void"])
@pytest.mark.parametrize("completed_by", ["event", "sweep"])
async def test_answer_is_completed_after_a_crash_between_its_steps(
    market: Market, step: str, completed_by: str
) -> None:
    """The process has died after it applied the order, or after it removed the original."""
    ticket_id = await market.list_protected(CODE)
    order = await market.sell(ticket_id)
    await refund(market, order)
    await wait_for_answer(market, ticket_id)
    await market.published.wait_until_handled("tickets-orders")
    tickets = market.client.app.state.service.running.database["tickets"]
    unanswered: dict[str, Any] = {"$set": {"returned": None, "return_pending": True}}
    if step == "agreed":  # as before the entry was removed, but for its file
        vault = market.client.app.state.service.running.database["vault"]
        await vault.update_one({}, {"$set": {"state": "sealed"}})
    await tickets.update_one({"_id": object_id(ticket_id)}, unanswered)

    if completed_by == "event":  # it is delivered again
        await refund(market, order)
    else:
        await refunds_of(market).complete_pending()

    async def answered() -> bool:
        stored = await tickets.find_one({"_id": object_id(ticket_id)})
        return stored is not None and stored["returned"] is not None

    assert await eventually(answered)
    assert (await entry_of(market))["state"] == "void"
    assert await answers(market, ticket_id) == [ReturnedOriginal.VOID]


async def test_reveal_and_refund_at_once_agree_on_who_was_first(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.sell(ticket_id)

    revealed, _ = await asyncio.gather(
        market.reveal(ticket_id, market.buyer), refund(market, order)
    )

    answer = await wait_for_answer(market, ticket_id)
    expected = {200: ReturnedOriginal.REVEALED, 410: ReturnedOriginal.VOID}
    assert answer is expected[revealed.status_code]
    shown = await market.get_pass(ticket_id, market.buyer, "/file")
    assert shown.status_code == revealed.status_code


async def test_listing_of_the_buyer_is_withdrawn_before_the_original_is_void(
    market: Market,
) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.sell(ticket_id)
    listed = (await list_again(market, order)).json()["id"]

    await refund(market, order)

    async def withdrawn() -> bool:
        return bool((await market.ticket(listed)).get("withdrawn"))

    assert await eventually(withdrawn)
    assert (await entry_of(market))["state"] == "sealed"  # an order of before may still arrive
    assert await answers(market, ticket_id) == []
    await refunds_of(market).complete_pending()
    assert await answers(market, ticket_id) == []
    market.clock.advance(seconds=WITHDRAWAL_DELAY.total_seconds() + 1)
    await refunds_of(market).complete_pending()
    assert await wait_for_answer(market, ticket_id) is ReturnedOriginal.VOID
    assert (await list_again(market, order)).status_code == 400


async def test_ticket_that_its_buyer_has_sold_keeps_its_money(market: Market) -> None:
    first = await market.list_protected(CODE)
    order = await market.sell(first)
    second = (await list_again(market, order)).json()["id"]
    reserved = await market.order(second, market.second_buyer)

    await refund(market, order)

    async def withdrawing() -> bool:
        return bool((await market.ticket(second)).get("withdrawing"))

    assert await eventually(withdrawing)
    await market.published.publish(
        OrderCompleted.model_validate(
            reserved.model_dump(by_alias=False) | {"version": 1, "status": OrderStatus.COMPLETE}
        ),
        aggregate_id=reserved.id,
    )

    async def sold() -> bool:
        return (await market.ticket(second))["status"] == "sold"

    assert await eventually(sold)
    await refunds_of(market).complete_pending()
    assert await wait_for_answer(market, first) is ReturnedOriginal.RESOLD
    assert (await market.reveal(second, market.second_buyer)).status_code == 200


async def test_agreement_about_another_order_takes_nothing_back(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    cancelled = await market.order(ticket_id)
    await market.cancel(cancelled)
    order = await market.sell(ticket_id, market.second_buyer)

    await market.publish(agreed(cancelled))

    assert await answers(market, ticket_id) == []
    assert (await market.reveal(ticket_id, market.second_buyer)).status_code == 200
    assert order.ticket.hold > cancelled.ticket.hold
