"""Charges in MongoDB."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from common.batching import Batcher
from common.change import Change
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock
from payments.domain.charge import Charge
from payments.metrics import count_transition
from payments.store.charge_mapping import from_document, to_document
from payments.store.sales import EPOCH, FROZEN_INDEX, SALES_INDEX

EXPORT_PAGE: Final = 100
PAID_CARDS: Final = "paid_cards"
"""The index of the cards with which each user has paid. An attempt to pay does not write to it."""
FIND_BY_INTENT_DELAY_SECONDS: Final = 0.05
"""How long the charge of a webhook is read together with others. Stripe sends the webhook of a
payment beside its response to us, so the charge is usually stored by then and not read again."""


class ChargeDocument(AggregateDocument):
    """A charge. It holds neither a token nor a client secret."""

    class Settings:
        name = "charges"
        indexes = [
            OUTBOX_INDEX,
            IndexModel([("order_id", ASCENDING)], name="one_charge_per_order", unique=True),
            IndexModel([("stripe_id", ASCENDING)], name="one_charge_per_intent", unique=True),
            IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)]),
            IndexModel(
                [("look_at", ASCENDING)],
                name="due",
                partialFilterExpression={"look_at": {"$gt": EPOCH}},
            ),
            SALES_INDEX,
            FROZEN_INDEX,
            IndexModel(
                [("user_id", ASCENDING), ("card_fingerprint", ASCENDING)],
                name=PAID_CARDS,
                partialFilterExpression={"paid_at": {"$gt": EPOCH}},
            ),
        ]


class ChargeStore(Store[Charge]):
    """The charges."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        mapping = AggregateMapping(
            from_document=from_document,
            to_document=to_document,
            audited=True,
            is_brief=lambda charge: charge.is_brief,
        )
        super().__init__(ChargeDocument, mapping, relay, clock, on_written=count_transition)
        self._find_by_intent = Batcher(
            self._find_by_intents, max_delay=FIND_BY_INTENT_DELAY_SECONDS
        )

    async def insert_first_attempt(self, change: Change[Charge]) -> Charge | None:
        """Insert a charge with its first attempt, or return None if the charge exists."""
        try:
            return await self.add(change)
        except DuplicateKeyError:
            return None

    async def find_by_intent(self, intent_id: str) -> Charge | None:
        """Return the charge of a PaymentIntent, or None."""
        return await self._find_by_intent(intent_id)

    async def _find_by_intents(self, intent_ids: Sequence[str]) -> list[Charge | None]:
        among = {"stripe_id": {"$in": list(set(intent_ids))}}
        docs = self.collection.find(among, STATE_PROJECTION)
        charges = {doc["stripe_id"]: self.from_document(doc) async for doc in docs}
        return [charges.get(intent_id) for intent_id in intent_ids]

    async def has_paid_with_card(self, user_id: str, fingerprint: str) -> bool:
        """Return whether a user has paid with a card."""
        paid = {"user_id": user_id, "card_fingerprint": fingerprint, "paid_at": {"$gt": EPOCH}}
        return await self.collection.find_one(paid, {"_id": 1}, hint=PAID_CARDS) is not None

    async def iter_of_user(self, user_id: str) -> AsyncGenerator[Charge]:
        """Yield the charges of a user, from queries that are each within the operation timeout."""
        remaining: Doc = {"user_id": user_id}
        while docs := (
            await self.collection.find(remaining, STATE_PROJECTION)
            .sort("_id", DESCENDING)
            .limit(EXPORT_PAGE)
            .to_list()
        ):
            for doc in docs:
                yield self.from_document(doc)
            remaining["_id"] = {"$lt": docs[-1]["_id"]}

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

    async def postpone(self, charge: Charge, until: datetime) -> None:
        """Make an unchanged charge due later, without a change of its version."""
        unchanged = {"_id": object_id(charge.id), "version": charge.version}
        await self.collection.update_one(unchanged, {"$set": {"look_at": until}})
