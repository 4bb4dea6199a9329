"""Charges, copies of orders, and processed webhook events in MongoDB."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakValueDictionary

from beanie import Document
from prometheus_client import Counter
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.events import ChargeStatus, OrderStatus
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    collection_of,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.replica import Replica
from common.persistence.store import Store
from common.values.clock import Clock
from payments.domain.attempts import Attempt, Lease, Outcome
from payments.domain.charge import Charge
from payments.domain.order import Order
from payments.domain.stripe_objects import Card, Decline

CHARGE_TRANSITIONS: Final = Counter(
    "payment_charge_transitions_total", "Charge transitions, by resulting status", ["status"]
)
for _status in ChargeStatus:  # Prometheus needs the 0 to see the first failed refund
    CHARGE_TRANSITIONS.labels(_status.value)
WEBHOOK_EVENT_RETENTION: Final = timedelta(days=30)
EVENT_GRACE_SECONDS: Final = 1.0
"""How long a request waits for the event of an order that was just created."""
MAX_WAITERS: Final = 128
BATCH_DELAY_SECONDS: Final = 0.03
"""How long a copy of an order waits to be written with others."""
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier than any charge: required in a query for the partial index to be used."""


class ChargeDocument(AggregateDocument):
    """A charge. It holds neither a token nor a client secret."""

    class Settings:
        name = "charges"
        indexes = [
            OUTBOX_INDEX,
            IndexModel([("order_id", ASCENDING)], name="one_charge_per_order", unique=True),
            IndexModel([("stripe_id", ASCENDING)], name="one_charge_per_intent", unique=True),
            IndexModel(
                [("look_at", ASCENDING)],
                name="due",
                partialFilterExpression={"look_at": {"$gt": EPOCH}},
            ),
        ]


class OrderReplica(Document):
    """A copy of an order, as far as a payment needs it; `price` is in cents."""

    class Settings:
        name = "orders"


class StripeEventDocument(Document):
    """A processed webhook event; its id is Stripe's."""

    class Settings:
        name = "stripe_events"
        indexes = [
            IndexModel("at", expireAfterSeconds=int(WEBHOOK_EVENT_RETENTION.total_seconds()))
        ]


def _from_document(doc: Mapping[str, Any]) -> Charge:
    return Charge(
        id=str(doc["_id"]),
        version=doc["version"],
        order_id=str(doc["order_id"]),
        user_id=doc["user_id"],
        amount=doc["amount"],
        currency=doc["currency"],
        status=ChargeStatus(doc["status"]),
        stripe_id=doc["stripe_id"],
        created_at=doc["created_at"],
        updated_at=doc["updated_at"],
        attempts=tuple(_attempt_from_document(attempt) for attempt in doc["attempts"]),
        lease=Lease(**doc["lease"]) if doc["lease"] else None,
        reconcile_at=doc["look_at"],
        order_cancelled=doc["order_cancelled"],
        no_more_attempts=doc["final"],
        card=Card(**doc["card"]) if doc["card"] else None,
        last_error=_decline_from_document(doc["last_error"]) if doc["last_error"] else None,
        stripe_refund_id=doc["stripe_refund_id"],
        refund_reason=doc["refund_reason"],
        paid_at=doc["paid_at"],
        refunded_at=doc["refunded_at"],
    )


def _attempt_from_document(doc: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=doc["n"],
        started_at=doc["at"],
        token_digest=doc["digest"],
        outcome=Outcome(doc["outcome"]) if doc["outcome"] else None,
        code=doc["code"],
        decline_code=doc["decline_code"],
    )


def _attempt_to_document(attempt: Attempt) -> Doc:
    return {
        "n": attempt.number,
        "at": attempt.started_at,
        "digest": attempt.token_digest,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "decline_code": attempt.decline_code,
    }


def _decline_from_document(doc: Mapping[str, Any]) -> Decline:
    return Decline(doc["message"], doc["code"], doc["decline_code"], decline_id=doc.get("mark"))


def _decline_to_document(decline: Decline) -> Doc:
    return {
        "message": decline.message,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "mark": decline.decline_id,
    }


def _to_document(charge: Charge) -> Doc:
    return {
        "order_id": object_id(charge.order_id),
        "user_id": charge.user_id,
        "amount": charge.amount,
        "currency": charge.currency,
        "status": charge.status,
        "stripe_id": charge.stripe_id,
        "created_at": charge.created_at,
        "updated_at": charge.updated_at,
        "attempts": [_attempt_to_document(attempt) for attempt in charge.attempts],
        "lease": _to_subdocument(charge.lease),
        "look_at": charge.reconcile_at,
        "order_cancelled": charge.order_cancelled,
        "final": charge.no_more_attempts,
        "card": _to_subdocument(charge.card),
        "last_error": _decline_to_document(charge.last_error) if charge.last_error else None,
        "stripe_refund_id": charge.stripe_refund_id,
        "refund_reason": charge.refund_reason,
        "paid_at": charge.paid_at,
        "refunded_at": charge.refunded_at,
    }


def _to_subdocument(part: Lease | Card | None) -> Doc | None:
    """Return the fields by name; `dataclasses.asdict` copies each value and is ten times slower."""
    return None if part is None else {name: getattr(part, name) for name in part.__slots__}


class ChargeStore(Store[Charge]):
    """The charges."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            ChargeDocument,
            relay,
            clock,
            from_document=_from_document,
            to_document=_to_document,
            audited=True,
        )

    def on_written(self, aggregate: Charge) -> None:
        """Count the transition."""
        CHARGE_TRANSITIONS.labels(aggregate.status.value).inc()

    async def insert_first_attempt(self, change: Change[Charge]) -> Charge | None:
        """Insert a charge with its first attempt, or return None if the charge exists."""
        try:
            return await self.add(change)
        except DuplicateKeyError:
            return None

    async def find_by_intent(self, intent_id: str) -> Charge | None:
        """Return the charge of a PaymentIntent, or None."""
        doc = await self.collection.find_one({"stripe_id": intent_id}, STATE_PROJECTION)
        return None if doc is None else self.from_document(doc)

    async def claim_due(self, now: datetime, until: datetime) -> Charge | None:
        """Return a charge that is due for reconciliation, and make it due again at `until`.

        It is not a change of the charge, so it creates neither a version nor an event.
        """
        doc = await self.collection.find_one_and_update(
            {"look_at": {"$gt": EPOCH, "$lte": now}},
            {"$set": {"look_at": until}},
            projection=STATE_PROJECTION,
            sort=[("look_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if doc is None else self.from_document(doc)


class OrderReplicas:
    """Copies of the orders, updated by their events."""

    def __init__(self) -> None:
        self._replica = Replica(OrderReplica, max_delay=BATCH_DELAY_SECONDS)
        self._waiters: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    async def find(self, order_id: str) -> Order | None:
        """Return an order, or None."""
        doc = await self._replica.find(order_id)
        if doc is None:
            return None
        return Order(
            id=order_id,
            user_id=doc["user_id"],
            price=doc["price"],
            status=OrderStatus(doc["status"]),
            expires_at=doc["expires_at"],
        )

    async def wait_for(self, order_id: str) -> Order | None:
        """Return an order, after waiting for its event if it was created a moment ago."""
        if len(self._waiters) >= MAX_WAITERS:
            return await self.find(order_id)
        arrived = self._waiters.setdefault(order_id, asyncio.Event())
        found = await self.find(order_id)
        if found is not None:
            return found
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(arrived.wait(), EVENT_GRACE_SECONDS)
        return await self.find(order_id)

    async def upsert(self, order: Order, version: int) -> None:
        """Store the state of an order if it is newer than the stored one."""
        fields = {
            "status": order.status,
            "user_id": order.user_id,
            "price": order.price,
            "expires_at": order.expires_at,
        }
        await self._replica.upsert(order.id, version, fields)
        arrived = self._waiters.get(order.id)
        if arrived is not None:
            arrived.set()


class StripeEvents:
    """The processed webhook events, for as long as Stripe may send them again."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(StripeEventDocument)
        self._clock = clock

    async def is_processed(self, event_id: str) -> bool:
        """Return whether a webhook event was processed."""
        return await self._collection.find_one({"_id": event_id}) is not None

    async def mark_processed(self, event_id: str) -> None:
        """Record that a webhook event was processed."""
        with contextlib.suppress(DuplicateKeyError):
            await self._collection.insert_one({"_id": event_id, "at": self._clock()})
