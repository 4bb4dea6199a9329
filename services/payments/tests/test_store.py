"""Tests of the store: unique indexes, and a change with its event in one write."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import pytest

from common.app import Service
from common.change import Change
from common.errors import Conflict
from common.events import ChargeStatus, OrderStatus
from common.testing.clock import FakeClock
from common.testing.polling import TIMEOUT_SECONDS
from common.values.ids import new_id
from payments.app import DOCUMENTS
from payments.domain.charge import Charge, new_charge
from payments.domain.order import Order, PaymentPolicy
from payments.domain.stripe_objects import Card, Decline, Intent, IntentStatus
from payments.settings import Settings
from payments.store.charges import ChargeStore
from payments.store.order_replicas import OrderReplicas
from payments.store.sales import EPOCH
from payments.store.stripe_events import StripeEventDocument, StripeEvents

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
POLICY = PaymentPolicy()


@pytest.fixture
async def store(
    payments_environment: dict[str, Any], published: object
) -> AsyncGenerator[ChargeStore]:
    """Return a store whose relay is stopped, so that events stay in the outbox."""
    assert published
    service = Service.from_settings("payments", Settings(**payments_environment))
    async with service.open(DOCUMENTS) as running:
        await running.relay.stop(0)
        yield ChargeStore(running.relay, running.clock)


def make_order() -> Order:
    return Order(new_id(), new_id(), 1999, OrderStatus.CREATED, NOW + timedelta(minutes=15))


def claim(charge: Charge, order: Order) -> Change[Charge]:
    return charge.claim(order, digest="d", owner="me", now=NOW, policy=POLICY)


def first_attempt(order: Order, intent_id: str = "") -> Change[Charge]:
    return claim(new_charge(order, intent_id=intent_id or f"pi_{order.id}", now=NOW), order)


async def insert_charge(store: ChargeStore) -> Charge:
    charge = await store.insert_first_attempt(first_attempt(make_order()))
    assert charge is not None
    return charge


async def test_charge_round_trips(store: ChargeStore) -> None:
    charge = await insert_charge(store)
    full = replace(
        charge,
        version=1,
        card=Card("visa", "4242"),
        last_error=Decline("No.", "card_declined", "insufficient_funds", "ch_1"),
        stripe_refund_id="re_1",
        refund_reason="order cancelled",
        order_cancelled=True,
        no_more_attempts=True,
        paid_at=NOW,
        refunded_at=NOW,
    )

    assert await store.get(charge.id) == charge
    await store.update(charge.id, lambda _: Change(full, (full.to_event(),)))

    assert await store.get(charge.id) == full
    assert await store.find_by_intent(charge.stripe_id) == full


async def test_first_attempt_and_its_event_are_one_document(store: ChargeStore) -> None:
    charge = await insert_charge(store)

    doc = await store.collection.find_one({})

    assert doc is not None
    assert doc["status"] == "processing"
    assert [entry["id"] for entry in doc["outbox"]] == [f"payment.updated:{charge.id}:0"]


async def test_concurrent_inserts_create_one_charge_per_order(store: ChargeStore) -> None:
    order = make_order()

    charges = await asyncio.gather(
        *(store.insert_first_attempt(first_attempt(order)) for _ in range(10))
    )

    assert len([charge for charge in charges if charge is not None]) == 1
    assert await store.collection.count_documents({}) == 1


async def test_insert_with_the_intent_of_another_charge_returns_none(store: ChargeStore) -> None:
    assert await store.insert_first_attempt(first_attempt(make_order(), "pi_1")) is not None
    assert await store.insert_first_attempt(first_attempt(make_order(), "pi_1")) is None


async def test_concurrent_claims_start_one_attempt(store: ChargeStore) -> None:
    order = make_order()
    charge = await store.insert_first_attempt(first_attempt(order))
    assert charge is not None
    declined = Intent(charge.stripe_id, IntentStatus.OPEN, decline=Decline("No."))
    await store.update(
        charge.id,
        lambda c: c.apply_intent(
            declined, attempts_when_read=1, is_own_confirm=True, now=NOW, policy=POLICY
        ),
    )

    async def rival() -> bool:
        try:
            await store.update(charge.id, lambda c: claim(c, order))
        except Conflict:
            return False
        return True

    won = await asyncio.gather(*(rival() for _ in range(10)))

    assert won.count(True) == 1
    after = await store.get(charge.id)
    assert ([attempt.number for attempt in after.attempts], after.version) == ([1, 2], 2)


async def test_result_replaces_the_event_of_the_first_attempt_and_keeps_its_audit_log(
    store: ChargeStore,
) -> None:
    charge = await insert_charge(store)
    paid = Intent(charge.stripe_id, IntentStatus.SUCCEEDED)

    await store.update_batched(
        charge.id,
        lambda c: c.apply_intent(paid, attempts_when_read=1, now=NOW, policy=POLICY),
        snapshot=charge,
    )

    doc = await store.collection.find_one({})
    assert doc is not None
    assert [entry["id"] for entry in doc["outbox"]] == [f"payment.created:{charge.id}:1"]
    statuses = [(entry["version"], entry["changed"]["status"]) for entry in doc["history"]]
    assert statuses == [(0, "processing"), (1, "succeeded")]


async def test_every_later_version_has_its_event_in_the_outbox(store: ChargeStore) -> None:
    charge = await insert_charge(store)
    paid = Intent(charge.stripe_id, IntentStatus.SUCCEEDED)

    async def apply_both(_: int) -> None:
        await store.update(
            charge.id, lambda c: c.apply_intent(paid, attempts_when_read=1, now=NOW, policy=POLICY)
        )
        await store.update(charge.id, lambda c: c.mark_order_cancelled(NOW))

    await asyncio.gather(*map(apply_both, range(5)))

    doc = await store.collection.find_one({})
    assert doc is not None
    assert [entry["id"] for entry in doc["outbox"]] == [
        f"payment.created:{charge.id}:1",
        f"payment.updated:{charge.id}:2",
    ]


async def test_claim_due_returns_a_charge_to_one_replica(store: ChargeStore) -> None:
    charge = await insert_charge(store)
    lease_end = NOW + POLICY.lease

    assert await store.claim_due(NOW, lease_end) is None
    taken = await asyncio.gather(
        *(store.claim_due(lease_end, lease_end + POLICY.lease) for _ in range(5))
    )
    again = await store.claim_due(lease_end + POLICY.lease, lease_end + 2 * POLICY.lease)

    assert [found.id for found in taken if found is not None] == [charge.id]
    assert again is not None
    assert (again.version, again.reconcile_at) == (charge.version, lease_end + 2 * POLICY.lease)


async def test_claim_due_skips_succeeded_charges(store: ChargeStore) -> None:
    charge = await insert_charge(store)
    paid = Intent(charge.stripe_id, IntentStatus.SUCCEEDED)
    after = await store.update(
        charge.id, lambda c: c.apply_intent(paid, attempts_when_read=1, now=NOW, policy=POLICY)
    )

    assert after.status is ChargeStatus.SUCCEEDED
    assert await store.claim_due(NOW + timedelta(days=1), NOW + timedelta(days=2)) is None


async def test_claim_due_uses_the_partial_index(store: ChargeStore) -> None:
    await insert_charge(store)

    plan = await store.collection.find({"look_at": {"$gt": EPOCH, "$lte": NOW}}).explain()

    assert "'indexName': 'due'" in str(plan["queryPlanner"]["winningPlan"])


async def test_order_replica_stores_only_newer_versions(store: ChargeStore) -> None:
    assert store
    replicas, order = OrderReplicas(), make_order()
    cancelled = replace(order, status=OrderStatus.CANCELLED)

    await replicas.upsert(cancelled, 1)
    await replicas.upsert(order, 0)
    await replicas.upsert(order, 1)

    assert await replicas.find(order.id) == cancelled
    assert await replicas.find(new_id()) is None


@pytest.mark.usefixtures("store")
async def test_request_finds_an_order_whose_event_another_replica_received(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("payments.store.order_replicas.POLL_SECONDS", repeat(0.01))
    order = make_order()
    waiting = asyncio.create_task(OrderReplicas().wait_for(order.id))

    await OrderReplicas().upsert(order, 0)

    assert await asyncio.wait_for(waiting, TIMEOUT_SECONDS) == order


async def test_processed_webhook_event_expires_after_a_month(store: ChargeStore) -> None:
    assert store
    events = StripeEvents(FakeClock(NOW))

    before = await events.is_processed("evt_1")
    await asyncio.gather(*(events.mark_processed("evt_1") for _ in range(3)))

    assert (before, await events.is_processed("evt_1")) == (False, True)
    indexes = await StripeEventDocument.get_pymongo_collection().index_information()
    assert 30 * 86_400 in {index.get("expireAfterSeconds") for index in indexes.values()}


async def test_decline_stored_before_declines_were_concealed_is_generic(store: ChargeStore) -> None:
    charge = await insert_charge(store)
    last_error = {"message": "Stolen!", "code": "card_declined", "decline_code": "stolen_card"}
    status = {"status": ChargeStatus.REQUIRES_PAYMENT_METHOD, "last_error": last_error}
    await store.collection.update_one({"stripe_id": charge.stripe_id}, {"$set": status})

    found = await store.get(charge.id)

    assert found.last_error == Decline(
        "Your card was declined.", "card_declined", "generic_decline"
    )
    assert found.to_event().reason == "generic_decline"
