"""Sellers in MongoDB."""

from collections.abc import Mapping
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.events import TransfersStatus
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock
from payments.domain.seller import Requirement, Seller

DEBTORS: Final = "debtors"
"""The index of the sellers of whom a payout could not be called back."""
HAS_DEBTS: Final[Doc] = {"debts": {"$gt": {}}}
_AUDITED: Final = frozenset(
    {"created_at", "updated_at", "stripe_account_id", "transfers", "requirements", "paused", "owed"}
)
"""All fields but the debts by payout: each entry of the audit log would repeat all before it, until
the document is too large to be updated."""


class SellerDocument(AggregateDocument):
    """A seller. It holds no link to Stripe's pages, and nothing that Stripe knows of the person."""

    class Settings:
        name = "sellers"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("stripe_account_id", ASCENDING)],
                name="one_seller_per_account",
                unique=True,
                partialFilterExpression={"stripe_account_id": {"$type": "string"}},
            ),
            IndexModel("debts", name=DEBTORS, partialFilterExpression=HAS_DEBTS),
        ]


def _from_document(doc: Mapping[str, Any]) -> Seller:
    return Seller(
        id=str(doc["_id"]),
        version=doc["version"],
        created_at=doc["created_at"],
        updated_at=doc["updated_at"],
        stripe_account_id=doc["stripe_account_id"],
        transfers=TransfersStatus(doc["transfers"]),
        requirements=tuple(Requirement(**requirement) for requirement in doc["requirements"]),
        is_paused=doc["paused"],
        debts=doc["debts"],
        withheld=doc["withheld"],
    )


def _to_document(seller: Seller) -> Doc:
    return {
        "created_at": seller.created_at,
        "updated_at": seller.updated_at,
        "stripe_account_id": seller.stripe_account_id,
        "transfers": seller.transfers,
        "requirements": [
            {"description": each.description, "deadline": each.deadline}
            for each in seller.requirements
        ],
        "paused": seller.is_paused,
        "debts": dict(seller.debts),
        "withheld": dict(seller.withheld),
        "owed": seller.owed,  # for the audit log only
    }


class SellerStore(Store[Seller]):
    """The sellers; the id of one is that of the user."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        mapping = AggregateMapping(
            from_document=_from_document, to_document=_to_document, audited_fields=_AUDITED
        )
        super().__init__(SellerDocument, mapping, relay, clock)

    async def find_or_add(self, change: Change[Seller]) -> Seller:
        """Insert a seller, or return the stored one."""
        stored = await self.find(change.after.id)
        if stored is not None:
            return stored
        try:
            return await self.add(change)
        except DuplicateKeyError:
            return await self.get(change.after.id)

    async def find_by_account(self, account_id: str) -> Seller | None:
        """Return the seller of an account at Stripe, or None."""
        doc = await self.collection.find_one({"stripe_account_id": account_id}, STATE_PROJECTION)
        return None if doc is None else self.from_document(doc)
