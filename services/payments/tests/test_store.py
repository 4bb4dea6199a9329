"""Charges in MongoDB: what the indexes refuse, and that a change and its event are one write."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.app import Service
from common.change import Change
from common.errors import InProgress
from common.events import ChargeStatus, OrderStatus
from common.testing.plugin import FakeClock
from common.values.ids import new_id
from payments.domain import Charge, Order, Rules, charge_of
from payments.settings import Settings
from payments.store import (
    EVER,
    ChargeDocument,
    ChargeStore,
    OrderReplica,
    OrderReplicas,
    StripeEventDocument,
    StripeEvents,
)
from payments.stripe.models import Card, Decline, Intent, IntentStatus

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
RULES = Rules()


@pytest.fixture
async def store(
    payments_environment: dict[str, Any], published: object
) -> AsyncGenerator[ChargeStore]:
    """The store alone; its relay stands still, so that the outbox can be seen."""
    assert published
    service = Service.configured("payments", Settings(**payments_environment))
    documents = [ChargeDocument, OrderReplica, StripeEventDocument]
    async with service.running(documents) as running:
        await running.relay.stop(0)
        yield ChargeStore(running.relay, running.clock)


def an_order() -> Order:
    return Order(new_id(), new_id(), 1999, OrderStatus.CREATED, NOW + timedelta(minutes=15))


def claim(charge: Charge, order: Order) -> Change[Charge]:
    return charge.claim(order, digest="d", by="me", now=NOW, rules=RULES)


def first_attempt(order: Order, intent_id: str = "") -> Change[Charge]:
    return claim(charge_of(order, intent_id=intent_id or f"pi_{order.id}", now=NOW), order)


async def opened(store: ChargeStore) -> Charge:
    charge = await store.open(first_attempt(an_order()))
    assert charge is not None
    return charge


async def test_a_charge_comes_back_as_it_went_in(store: ChargeStore) -> None:
    charge = await opened(store)
    full = replace(
        charge,
        version=1,
        card=Card("visa", "4242"),
        last_error=Decline("No.", "card_declined", "lost_card", "ch_1"),
        stripe_refund_id="re_1",
        refund_reason="order cancelled",
        order_cancelled=True,
        final=True,
        paid_at=NOW,
        refunded_at=NOW,
    )

    assert await store.get(charge.id) == charge
    await store.change(charge.id, lambda _: Change(full, (full.told(),)))

    assert await store.get(charge.id) == full
    assert await store.of_intent(charge.stripe_id) == full


async def test_the_first_attempt_and_its_event_are_one_document(store: ChargeStore) -> None:
    charge = await opened(store)

    doc = await store.collection.find_one({})

    assert doc is not None
    assert doc["status"] == "processing"
    assert [waiting["id"] for waiting in doc["outbox"]] == [f"payment.updated:{charge.id}:0"]


async def test_an_order_has_one_charge_whoever_is_first(store: ChargeStore) -> None:
    order = an_order()

    made = await asyncio.gather(*(store.open(first_attempt(order)) for _ in range(10)))

    assert len([charge for charge in made if charge is not None]) == 1
    assert await store.collection.count_documents({}) == 1


async def test_an_intent_belongs_to_one_charge(store: ChargeStore) -> None:
    assert await store.open(first_attempt(an_order(), "pi_1")) is not None
    assert await store.open(first_attempt(an_order(), "pi_1")) is None


async def test_one_of_many_rivals_gets_the_next_attempt(store: ChargeStore) -> None:
    order = an_order()
    charge = await store.open(first_attempt(order))
    assert charge is not None
    declined = Intent(charge.stripe_id, IntentStatus.OPEN, decline=Decline("No."))
    await store.change(
        charge.id, lambda c: c.observe(declined, asked_at=1, own=True, now=NOW, rules=RULES)
    )

    async def rival() -> bool:
        try:
            await store.change(charge.id, lambda c: claim(c, order))
        except InProgress:
            return False
        return True

    won = await asyncio.gather(*(rival() for _ in range(10)))

    assert won.count(True) == 1
    after = await store.get(charge.id)
    assert ([attempt.n for attempt in after.attempts], after.version) == ([1, 2], 2)


async def test_every_version_waits_in_the_outbox_with_its_event(store: ChargeStore) -> None:
    charge = await opened(store)
    paid = Intent(charge.stripe_id, IntentStatus.SUCCEEDED)

    async def everybody(_: int) -> None:
        await store.change(charge.id, lambda c: c.observe(paid, asked_at=1, now=NOW, rules=RULES))
        await store.change(charge.id, lambda c: c.cancel_order(NOW))

    await asyncio.gather(*map(everybody, range(5)))

    doc = await store.collection.find_one({})
    assert doc is not None
    assert [waiting["id"] for waiting in doc["outbox"]] == [
        f"payment.updated:{charge.id}:0",
        f"payment.created:{charge.id}:1",
        f"payment.updated:{charge.id}:2",
    ]


async def test_what_is_due_is_taken_by_one_replica_at_a_time(store: ChargeStore) -> None:
    charge = await opened(store)
    over = NOW + RULES.lease

    assert await store.take_due(NOW, over) is None
    taken = await asyncio.gather(*(store.take_due(over, over + RULES.lease) for _ in range(5)))
    again = await store.take_due(over + RULES.lease, over + 2 * RULES.lease)

    assert [found.id for found in taken if found is not None] == [charge.id]
    assert again is not None
    assert (again.version, again.look_at) == (charge.version, over + 2 * RULES.lease)


async def test_what_is_settled_is_never_due(store: ChargeStore) -> None:
    charge = await opened(store)
    paid = Intent(charge.stripe_id, IntentStatus.SUCCEEDED)
    after = await store.change(
        charge.id, lambda c: c.observe(paid, asked_at=1, now=NOW, rules=RULES)
    )

    assert after.status is ChargeStatus.SUCCEEDED
    assert await store.take_due(NOW + timedelta(days=1), NOW + timedelta(days=2)) is None


async def test_looking_for_what_is_due_reads_an_index(store: ChargeStore) -> None:
    await opened(store)

    plan = await store.collection.find({"look_at": {"$gt": EVER, "$lte": NOW}}).explain()

    assert "'indexName': 'due'" in str(plan["queryPlanner"]["winningPlan"])


async def test_an_order_is_kept_only_when_it_is_newer(store: ChargeStore) -> None:
    assert store
    replicas, order = OrderReplicas(), an_order()
    cancelled = replace(order, status=OrderStatus.CANCELLED)

    await replicas.keep(cancelled, 1)
    await replicas.keep(order, 0)
    await replicas.keep(order, 1)

    assert await replicas.find(order.id) == cancelled
    assert await replicas.find(new_id()) is None


async def test_a_webhook_is_remembered_for_a_month(store: ChargeStore) -> None:
    assert store
    events = StripeEvents(FakeClock(NOW))

    before = await events.heard("evt_1")
    await asyncio.gather(*(events.remember("evt_1") for _ in range(3)))

    assert (before, await events.heard("evt_1")) == (False, True)
    indexes = await StripeEventDocument.get_pymongo_collection().index_information()
    assert 30 * 86_400 in {index.get("expireAfterSeconds") for index in indexes.values()}
