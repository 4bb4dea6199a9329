"""Tests of orders in MongoDB: unique indexes, and a change and its event in one write."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from common.app import Service
from common.change import Change
from common.errors import BadRequest, NotFound
from common.events import OrderStatus
from common.persistence.mongo import object_id
from common.testing.query_profile import QueryProfile
from common.values.ids import new_id
from common.web.pagination import PAGE_SIZE, encode_cursor
from orders.domain.fair_use import EarlierOrders
from orders.domain.order import Order, place_order
from orders.domain.ticket import ListedTicket
from orders.settings import Settings
from orders.store.earlier_orders import CANCELLED_BY_BUYER, pipeline
from orders.store.orders import (
    HAS_SLOT,
    ONE_ORDER_PER_SLOT,
    OrderDocument,
    OrderStore,
    ReservationConflict,
    SlotTaken,
)
from orders.store.ticket_replicas import TicketReplica

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(environment: dict[str, Any], published: object) -> AsyncGenerator[OrderStore]:
    """A store with a stopped relay, so that events stay in the outbox."""
    assert published
    service = Service.from_settings("orders", Settings(**environment))
    async with service.open([OrderDocument, TicketReplica]) as running:
        await running.relay.stop(0)
        yield OrderStore(running.relay, running.clock)


def make_order(
    ticket_id: str, latest_order: Order | None = None, *, buyer_id: str = "", slot: int = 0
) -> Order:
    ticket = ListedTicket(ticket_id, 0, "Front row", 1999, new_id())
    change = place_order(
        order_id=new_id(),
        ticket=ticket,
        latest_order=latest_order,
        buyer_id=buyer_id or new_id(),
        slot=slot,
        now=NOW,
        window=timedelta(minutes=15),
    )
    return change.after


async def reserve(store: OrderStore, order: Order) -> Order:
    return await store.reserve(Change(order, (order.to_event(),)))


async def test_order_round_trips(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))

    assert await store.get(order.id) == order


async def test_order_of_an_earlier_version_is_read(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))
    added = (
        "detail",
        "outcome",
        "ticket.show",
        "ticket.seat",
        "ticket.seller_id",
        "ticket.version",
    )
    await store.collection.update_one({}, {"$unset": dict.fromkeys(added, "")})

    stored = await store.get(order.id)

    assert stored == replace(order, ticket=replace(order.ticket, seller_id=None, version=None))
    assert (await store.update(order.id, Order.complete)).status is OrderStatus.COMPLETE


async def test_order_and_its_event_are_one_document(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))

    doc = await store.collection.find_one({})

    assert doc is not None
    assert [entry["id"] for entry in doc["outbox"]] == [f"order.created:{order.id}:0"]


async def test_second_live_order_on_a_ticket_is_rejected(store: OrderStore) -> None:
    ticket = new_id()
    await reserve(store, make_order(ticket))
    rival = make_order(ticket)
    rival = replace(rival, ticket=replace(rival.ticket, hold=2))

    with pytest.raises(BadRequest, match="already reserved"):
        await reserve(store, rival)


async def test_reserve_after_an_outdated_read_raises_a_conflict(store: OrderStore) -> None:
    ticket = new_id()
    first = await reserve(store, make_order(ticket))
    await store.update(first.id, Order.expire)

    with pytest.raises(ReservationConflict):
        await reserve(store, make_order(ticket))


async def test_repeated_reserve_returns_the_same_order(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))

    assert await reserve(store, order) == order


async def test_reserve_does_not_return_another_buyers_order(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))

    with pytest.raises((BadRequest, ReservationConflict)):
        await reserve(store, replace(order, user_id=new_id()))


async def test_latest_order_on_a_ticket_has_the_highest_hold(store: OrderStore) -> None:
    ticket = new_id()
    first = await reserve(store, make_order(ticket))
    first = await store.update(first.id, Order.expire)
    second = await reserve(store, make_order(ticket, latest_order=first))

    assert await store.latest_order_for(ticket) == second
    assert await store.latest_order_for(new_id()) is None


async def test_update_writes_state_version_and_event_together(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))

    after = await store.update(order.id, Order.complete)

    doc = await store.collection.find_one({})
    assert doc is not None
    assert (doc["status"], doc["version"]) == ("complete", 1)
    assert [entry["subject"] for entry in doc["outbox"]] == ["order.created", "order.completed"]
    assert after.version == 1


async def test_concurrent_updates_agree_on_one_outcome(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))

    await asyncio.gather(
        *(
            store.update(order.id, step)
            for step in (Order.expire, Order.complete, Order.fail_payment) * 5
        )
    )

    doc = await store.collection.find_one({})
    assert doc is not None
    assert doc["version"] == 1
    assert len(doc["outbox"]) == 2


async def test_update_without_a_change_writes_nothing(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))
    await store.update(order.id, Order.complete)
    before = await store.collection.find_one({})

    await store.update(order.id, Order.expire)

    assert await store.collection.find_one({}) == before


async def test_update_of_an_unknown_order_raises_not_found(store: OrderStore) -> None:
    with pytest.raises(NotFound):
        await store.update(new_id(), Order.expire)


async def test_unique_index_rejects_a_second_live_order(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))
    doc = await store.collection.find_one({}, {"_id": 0})
    assert doc is not None
    doc["ticket"]["hold"] = 99

    with pytest.raises(DuplicateKeyError):
        await store.collection.insert_one(doc)

    await store.update(order.id, Order.expire)
    await store.collection.insert_one(doc)


async def test_slot_of_a_buyer_is_taken_until_the_order_is_paid_or_cancelled(
    store: OrderStore,
) -> None:
    buyer_id = new_id()
    for end in (Order.complete, Order.expire):
        order = await reserve(store, make_order(new_id(), buyer_id=buyer_id, slot=1))
        await store.update(order.id, Order.mark_awaiting_payment)
        with pytest.raises(SlotTaken):
            await reserve(store, make_order(new_id(), buyer_id=buyer_id, slot=1))

        await store.update(order.id, end)

    assert await reserve(store, make_order(new_id(), buyer_id=buyer_id, slot=1))


async def test_concurrent_orders_of_a_buyer_in_one_slot_store_one(store: OrderStore) -> None:
    buyer_id = new_id()
    rivals = [make_order(new_id(), buyer_id=buyer_id) for _ in range(30)]
    others = [make_order(new_id()) for _ in range(30)]

    outcomes = await asyncio.gather(
        *(reserve(store, order) for pair in zip(rivals, others, strict=True) for order in pair),
        return_exceptions=True,
    )

    assert outcomes[1::2] == others  # an order that is refused does not fail its batch
    refused = [outcome for outcome in outcomes[::2] if isinstance(outcome, SlotTaken)]
    assert len(refused) == 29


async def test_order_that_an_earlier_version_ended_leaves_its_slot(store: OrderStore) -> None:
    """During an update, processes that know no slots pay for orders and cancel them."""
    buyer_id = new_id()
    await reserve(store, make_order(new_id(), buyer_id=buyer_id))

    await store.collection.update_one({}, {"$set": {"status": "cancelled", "live": False}})

    assert await reserve(store, make_order(new_id(), buyer_id=buyer_id))


async def test_orders_of_an_earlier_version_take_no_slot(store: OrderStore) -> None:
    buyer_id = new_id()
    orders = [
        await reserve(store, make_order(new_id(), buyer_id=buyer_id, slot=slot)) for slot in (0, 1)
    ]

    await store.collection.update_many({}, {"$unset": {"slot": ""}})

    assert [(await store.get(order.id)).slot for order in orders] == [None, None]
    assert await store.taken_slots(buyer_id) == {}


async def test_taken_slots_are_found_by_their_index(store: OrderStore) -> None:
    buyer_id = new_id()
    for slot in (0, 2, 3):
        await reserve(store, make_order(new_id(), buyer_id=buyer_id, slot=slot))
    ended = await reserve(store, make_order(new_id(), buyer_id=buyer_id, slot=1))
    await store.update(ended.id, Order.expire)
    await reserve(store, make_order(new_id()))

    plan = await store.collection.find({"user_id": buyer_id, **HAS_SLOT}).explain()

    assert await store.taken_slots(buyer_id) == dict.fromkeys(
        (0, 2, 3), NOW + timedelta(minutes=15)
    )
    assert ONE_ORDER_PER_SLOT in str(plan["queryPlanner"]["winningPlan"])


async def cancel_orders(store: OrderStore, ticket_id: str, buyers: Sequence[str]) -> datetime:
    """Order a ticket for each buyer in turn, cancel it, and return the last cancellation's time."""
    last: Order | None = None
    for buyer_id in buyers:
        order = await reserve(store, make_order(ticket_id, last, buyer_id=buyer_id))
        last = await store.update(order.id, Order.expire)
    doc = await store.collection.find_one({"user_id": buyers[-1]}, sort=[("ticket.hold", -1)])
    assert doc is not None
    return doc["history"][-1]["at"]


async def test_earlier_orders_are_those_of_the_buyer_on_the_ticket(store: OrderStore) -> None:
    ticket_id, buyer_id, other_id = new_id(), new_id(), new_id()
    await cancel_orders(store, new_id(), [buyer_id])
    await cancel_orders(store, ticket_id, [buyer_id, other_id, buyer_id])
    doc = await store.collection.find_one({"ticket.hold": 3})
    assert doc is not None

    found, found_for_other, none = await asyncio.gather(
        store.earlier_orders(ticket_id, buyer_id=buyer_id, since=NOW),
        store.earlier_orders(ticket_id, buyer_id=other_id, since=NOW),
        store.earlier_orders(ticket_id, buyer_id=new_id(), since=NOW),
    )
    later = await store.earlier_orders(
        ticket_id, buyer_id=buyer_id, since=NOW + timedelta(seconds=1)
    )

    assert found == EarlierOrders(2, doc["history"][-1]["at"])
    assert found_for_other is not None
    assert (found_for_other.count, none, later) == (1, None, None)


async def test_earlier_orders_are_found_by_ranges_of_their_index(store: OrderStore) -> None:
    buyer_id, tickets = new_id(), [new_id() for _ in range(3)]
    for ticket_id in tickets:
        await cancel_orders(store, ticket_id, [buyer_id, *(new_id() for _ in range(9)), buyer_id])

    plan = await store.collection.database.command(
        "explain",
        {
            "aggregate": store.collection.name,
            "pipeline": pipeline([(object_id(one), buyer_id, NOW) for one in tickets]),
            "hint": CANCELLED_BY_BUYER,
            "cursor": {},
        },
        verbosity="executionStats",
    )

    examined = [int(keys) for keys in re.findall(r"'totalKeysExamined': (\d+)", str(plan))]
    assert 6 <= max(examined) <= 12
    assert "COLLSCAN" not in str(plan)


async def test_latest_orders_are_found_by_a_distinct_scan(
    store: OrderStore,
) -> None:
    tickets = [new_id() for _ in range(3)]
    for ticket in tickets:
        last: Order | None = None
        for _ in range(20):
            last = await reserve(store, make_order(ticket, last))
            last = await store.update(last.id, Order.expire)

    found = await asyncio.gather(*(store.latest_order_for(ticket) for ticket in tickets))
    plan = await store.collection.database.command(
        "explain",
        {
            "aggregate": store.collection.name,
            "pipeline": [
                {"$match": {"ticket.id": {"$in": [object_id(ticket) for ticket in tickets]}}},
                {"$sort": {"ticket.id": 1, "ticket.hold": -1}},
                {"$group": {"_id": "$ticket.id", "last": {"$first": "$$ROOT"}}},
            ],
            "cursor": {},
        },
        verbosity="executionStats",
    )

    assert [order.ticket.hold for order in found if order] == [20, 20, 20]
    assert "DISTINCT_SCAN" in str(plan)


async def test_concurrent_events_are_each_applied_once(store: OrderStore) -> None:
    orders = [await reserve(store, make_order(new_id())) for _ in range(30)]

    await asyncio.gather(
        *(
            store.update_batched(order.id, step)
            for order in orders
            for step in (Order.complete, Order.fail_payment)
        )
    )

    docs = await store.collection.find({}).to_list()
    assert {(doc["version"], len(doc["outbox"])) for doc in docs} == {(1, 2)}
    assert {doc["status"] for doc in docs} == {"complete"}


async def test_event_of_an_unknown_order_does_not_fail_its_batch(
    store: OrderStore,
) -> None:
    order = await reserve(store, make_order(new_id()))

    outcomes = await asyncio.gather(
        store.update_batched(new_id(), Order.expire),
        store.update_batched(order.id, Order.expire),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], NotFound)
    assert (await store.get(order.id)).status == "cancelled"


async def test_events_concurrent_with_a_command_lose_nothing(store: OrderStore) -> None:
    orders = [await reserve(store, make_order(new_id())) for _ in range(20)]

    await asyncio.gather(
        *(store.update(order.id, lambda o: o.cancel(buyer_id=o.user_id)) for order in orders),
        *(store.update_batched(order.id, Order.mark_awaiting_payment) for order in orders),
    )

    for doc in await store.collection.find({}).to_list():
        assert doc["status"] == "cancelled"
        assert len(doc["outbox"]) == doc["version"] + 1


async def test_failing_rule_does_not_fail_its_batch(store: OrderStore) -> None:
    failing, other = [await reserve(store, make_order(new_id())) for _ in range(2)]

    def fail(_: Order) -> Change[Order]:
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        store.update_batched(failing.id, fail),
        store.update_batched(other.id, Order.expire),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], ZeroDivisionError)
    assert (await store.get(other.id)).status == "cancelled"


async def test_list_of_a_buyer_examines_one_page(store: OrderStore) -> None:
    order = await reserve(store, make_order(new_id()))
    doc = await store.collection.find_one({})
    assert doc is not None
    copies = [
        doc
        | {
            "_id": object_id(new_id()),
            "status": "cancelled",
            "live": False,
            "ticket": doc["ticket"] | {"id": object_id(new_id())},
        }
        for _ in range(1_000)
    ]
    await store.collection.insert_many(copies)
    cursor = encode_cursor(str(copies[500]["_id"]))

    async with QueryProfile(store.collection.database, "orders") as profile:
        page = await store.list_by_buyer(order.user_id, limit=PAGE_SIZE, cursor=cursor)

    assert len(page.items) == PAGE_SIZE
    assert profile.examined <= 2 * (PAGE_SIZE + 1)


async def test_sweep_examines_only_unpaid_orders_that_are_due(store: OrderStore) -> None:
    due, paid, later = [await reserve(store, make_order(new_id())) for _ in range(3)]
    await store.update(paid.id, Order.complete)
    hour_later = {"$set": {"expires_at": later.expires_at + timedelta(hours=1)}}
    await store.collection.update_one({"_id": object_id(later.id)}, hour_later)

    async with QueryProfile(store.collection.database, "orders") as profile:
        batch = await anext(store.iter_unpaid(until=due.expires_at))

    assert batch == [due.id]
    assert profile.examined <= 2
