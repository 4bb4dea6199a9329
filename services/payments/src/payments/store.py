"""Charges in MongoDB, the copy of the orders they pay for, and the webhooks already heard."""

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
    STATE,
    AggregateDocument,
    Doc,
    collection_of,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.replica import Replica
from common.persistence.store import Store
from common.values.clock import Clock
from payments.domain import Attempt, Charge, Lease, Order, Outcome
from payments.stripe.models import Card, Decline

CHARGES: Final = Counter(
    "payments_charges_total", "Steps of charges, by the status that each led to", ["status"]
)
for _status in ChargeStatus:  # 0 from the start: Prometheus would not see the first failed refund
    CHARGES.labels(_status.value)
EVENTS_KEPT: Final = timedelta(days=30)
REMEMBERED: Final = 10_000
ON_ITS_WAY: Final = 1.0
"""Seconds that an order may take from its buyer's answer to here, before there is no such order."""
MOST_AWAITED: Final = 128
LINGER: Final = 0.03
"""Seconds that an order may wait to be written with others; far sooner than anybody can pay."""
EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any charge: what a query must name for MongoDB to use the index of those that are due."""


class ChargeDocument(AggregateDocument):
    """A charge as it is kept; neither a token nor a client secret is in it."""

    order_id: str
    user_id: str
    amount: int
    currency: str
    status: ChargeStatus
    stripe_id: str
    created_at: datetime
    updated_at: datetime
    attempts: list[dict[str, Any]]
    lease: dict[str, Any] | None
    look_at: datetime | None
    order_cancelled: bool
    final: bool
    card: dict[str, Any] | None
    last_error: dict[str, Any] | None
    stripe_refund_id: str | None
    refund_reason: str | None
    paid_at: datetime | None
    refunded_at: datetime | None

    class Settings:
        name = "charges"
        indexes = [
            OUTBOX_INDEX,
            IndexModel([("order_id", ASCENDING)], name="one_charge_per_order", unique=True),
            IndexModel([("stripe_id", ASCENDING)], name="one_charge_per_intent", unique=True),
            IndexModel(
                [("look_at", ASCENDING)],
                name="due",
                partialFilterExpression={"look_at": {"$gt": EVER}},
            ),
        ]


class OrderReplica(Document):
    """An order as its events told of it; `price` in cents."""

    version: int
    status: OrderStatus
    user_id: str
    price: int
    expires_at: datetime

    class Settings:
        name = "orders"


class StripeEventDocument(Document):
    """A webhook that was heard."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    at: datetime

    class Settings:
        name = "stripe_events"
        indexes = [IndexModel("at", expireAfterSeconds=int(EVENTS_KEPT.total_seconds()))]


def _read(doc: Mapping[str, Any]) -> Charge:
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
        attempts=tuple(_attempt(attempt) for attempt in doc["attempts"]),
        lease=Lease(**doc["lease"]) if doc["lease"] else None,
        look_at=doc["look_at"],
        order_cancelled=doc["order_cancelled"],
        final=doc["final"],
        card=Card(**doc["card"]) if doc["card"] else None,
        last_error=Decline(**doc["last_error"]) if doc["last_error"] else None,
        stripe_refund_id=doc["stripe_refund_id"],
        refund_reason=doc["refund_reason"],
        paid_at=doc["paid_at"],
        refunded_at=doc["refunded_at"],
    )


def _attempt(doc: Mapping[str, Any]) -> Attempt:
    outcome = Outcome(doc["outcome"]) if doc["outcome"] else None
    kept = {name: value for name, value in doc.items() if name != "outcome"}
    return Attempt(**kept, outcome=outcome)


def _write(charge: Charge) -> Doc:
    return {
        "order_id": object_id(charge.order_id),
        "user_id": charge.user_id,
        "amount": charge.amount,
        "currency": charge.currency,
        "status": charge.status,
        "stripe_id": charge.stripe_id,
        "created_at": charge.created_at,
        "updated_at": charge.updated_at,
        "attempts": [_fields(attempt) for attempt in charge.attempts],
        "lease": _fields(charge.lease),
        "look_at": charge.look_at,
        "order_cancelled": charge.order_cancelled,
        "final": charge.final,
        "card": _fields(charge.card),
        "last_error": _fields(charge.last_error),
        "stripe_refund_id": charge.stripe_refund_id,
        "refund_reason": charge.refund_reason,
        "paid_at": charge.paid_at,
        "refunded_at": charge.refunded_at,
    }


def _fields(part: Attempt | Lease | Card | Decline | None) -> Doc | None:
    """Give a part's fields as they are; `dataclasses.asdict` copies each, at ten times the cost."""
    return None if part is None else {name: getattr(part, name) for name in part.__slots__}


def _count(charge: Charge, confirmed: bool) -> None:  # noqa: FBT001
    if confirmed:
        CHARGES.labels(charge.status.value).inc()


class ChargeStore(Store[Charge]):
    """Every charge there ever was."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            ChargeDocument, relay, clock, read=_read, write=_write, wrote=_count, audited=True
        )

    async def open(self, change: Change[Charge]) -> Charge | None:
        """Insert a charge with its first attempt; nothing, if somebody else was first."""
        try:
            return await self.add(change)
        except DuplicateKeyError:
            return None

    async def of_intent(self, intent_id: str) -> Charge | None:
        """Find the charge of a PaymentIntent."""
        doc = await self.collection.find_one({"stripe_id": intent_id}, STATE)
        return None if doc is None else self.read(doc)

    async def take_due(self, now: datetime, until: datetime) -> Charge | None:
        """Take one unfinished charge that is due for a look; others leave it alone until then.

        Not a change of the charge, so it has neither a version nor an event.
        """
        doc = await self.collection.find_one_and_update(
            {"look_at": {"$gt": EVER, "$lte": now}},
            {"$set": {"look_at": until}},
            projection=STATE,
            sort=[("look_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if doc is None else self.read(doc)


class OrderReplicas:
    """The orders that can be paid for."""

    def __init__(self) -> None:
        self._replica = Replica(OrderReplica, linger=LINGER)
        self._new: dict[str, Order] = {}
        self._awaited: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    def take_new(self, order_id: str) -> Order | None:
        """Give an order that was heard of here a while ago, once; it may have changed since.

        Most orders are paid once, at the replica that heard of them.
        """
        return self._new.pop(order_id, None)

    async def find(self, order_id: str) -> Order | None:
        """Read one, or nothing."""
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

    async def find_soon(self, order_id: str) -> Order | None:
        """Read one that was placed a moment ago: what tells of it may still be on its way."""
        if len(self._awaited) >= MOST_AWAITED:
            return await self.find(order_id)
        heard = self._awaited.setdefault(order_id, asyncio.Event())
        found = await self.find(order_id)
        if found is not None:
            return found
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), ON_ITS_WAY)
        return await self.find(order_id)

    async def keep(self, order: Order, version: int) -> None:
        """Take an order's state over, if it is newer."""
        fields = {
            "status": order.status,
            "user_id": order.user_id,
            "price": order.price,
            "expires_at": order.expires_at,
        }
        self._new.pop(order.id, None)
        if await self._replica.keep(order.id, version, fields):
            self._new[order.id] = order
        heard = self._awaited.get(order.id)
        if heard is not None:
            heard.set()
        if len(self._new) > REMEMBERED:
            del self._new[next(iter(self._new))]


class StripeEvents:
    """The webhooks that were heard, for as long as Stripe might repeat them."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(StripeEventDocument)
        self._clock = clock

    async def heard(self, event_id: str) -> bool:
        """Tell whether a webhook was heard before."""
        return await self._collection.find_one({"_id": event_id}) is not None

    async def remember(self, event_id: str) -> None:
        """Note that a webhook was heard, and acted on."""
        with contextlib.suppress(DuplicateKeyError):
            await self._collection.insert_one({"_id": event_id, "at": self._clock()})
