"""What each account owes or is owed, from the events of orders and payments."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from pymongo import IndexModel

from auth.domain.obligation import Obligation, ObligationKind, Parties
from common.persistence.mongo import Doc, collection_of
from common.persistence.replica import Replica
from common.values.clock import Clock

BATCH_DELAY_SECONDS: Final = 0.1
"""How long a state waits to be written with others."""
MAX_OPEN: Final = 100
RETENTION: Final = timedelta(days=31)
"""How long a state without obligations stays stored. No older event can arrive, because a stream
keeps events for thirty days."""


class ObligationDocument(Document):
    """The obligations from the newest known state of an order or a payment."""

    class Settings:
        name = "obligations"
        indexes = [
            IndexModel(
                "buyer_id", name="of_buyer", partialFilterExpression={"of_buyer.kind": {"$gt": ""}}
            ),
            IndexModel(
                "seller_id",
                name="of_seller",
                partialFilterExpression={"of_seller.kind": {"$gt": ""}},
            ),
            IndexModel("over_at", expireAfterSeconds=0),
        ]


class ObligationStore:
    """The obligations of all users (`common.persistence.replica`)."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(ObligationDocument)
        self._replica = Replica(ObligationDocument, max_delay=BATCH_DELAY_SECONDS)
        self._clock = clock

    async def apply(self, source_id: str, version: int, parties: Parties) -> None:
        """Store the obligations from an order or a payment, if this state of it is newer."""
        await self._replica.upsert(source_id, version, self._to_document(parties))

    async def list_open(self, user_id: str, *, ignores_dates: bool = False) -> list[Obligation]:
        """Return obligations of a user that have not ended, of each party at most `MAX_OPEN`.

        One is enough to keep an account. A seller may have thousands.

        Args:
            user_id: the user.
            ignores_dates: leave out tickets that the user bought.
        """
        now = self._clock()
        found: list[Obligation] = []
        for party in ("buyer", "seller"):
            kind, until = f"of_{party}.kind", f"of_{party}.until"
            is_open: list[Doc] = [{kind: {"$ne": ObligationKind.BOUGHT_TICKET}}]
            if not ignores_dates:
                is_open += [{until: None}, {until: {"$gt": now}}]
            of_user: Doc = {f"{party}_id": user_id, kind: {"$gt": ""}, "$or": is_open}
            docs = self._collection.find(of_user, {f"of_{party}": 1}).hint(f"of_{party}")
            found += [_obligation(doc[f"of_{party}"]) async for doc in docs.limit(MAX_OPEN)]
        return [one for one in found if one.is_open(now)]

    def _to_document(self, parties: Parties) -> Doc:
        return {
            "buyer_id": parties.buyer_id,
            "seller_id": parties.seller_id,
            "of_buyer": _obligation_document(parties.of_buyer),
            "of_seller": _obligation_document(parties.of_seller),
            "over_at": self._over_at(parties),
        }

    def _over_at(self, parties: Parties) -> datetime | None:
        """Return when the state can be removed, if no other one has to follow."""
        if parties.is_over:
            return self._clock() + RETENTION
        bought = parties.of_buyer
        if bought is not None and bought.kind is ObligationKind.BOUGHT_TICKET and bought.until:
            return bought.until + RETENTION
        return None


def _obligation(doc: Mapping[str, Any]) -> Obligation:
    return Obligation(ObligationKind(doc["kind"]), doc["until"])


def _obligation_document(obligation: Obligation | None) -> Doc | None:
    if obligation is None:
        return None
    return {"kind": obligation.kind, "until": obligation.until}
