"""What the reconciliation with Stripe reads and writes in MongoDB. It needs no bus."""

from collections.abc import AsyncGenerator
from dataclasses import asdict
from datetime import datetime
from typing import Final

from pymongo.asynchronous.database import AsyncDatabase

from common.persistence.mongo import Doc, iter_documents
from payments.domain.charge import Charge
from payments.domain.ledger import Reconciliation
from payments.store.charge_mapping import from_document
from payments.store.sellers import HAS_DEBTS

RECONCILIATIONS: Final = "reconciliations"
LAST: Final = "last"


class Ledger:
    """The charges and sellers, and the result of the last reconciliation."""

    def __init__(self, database: AsyncDatabase[Doc]) -> None:
        self._database = database
        self._results = database[RECONCILIATIONS]

    async def iter_charges(self) -> AsyncGenerator[Charge]:
        """Yield every charge."""
        async for doc in iter_documents(self._database["charges"]):
            yield from_document(doc)

    async def owed(self) -> int:
        """Return what all sellers owe, in cents."""
        sellers = self._database["sellers"]
        pipeline: list[Doc] = [
            {"$match": HAS_DEBTS},
            {"$project": {"owed": {"$subtract": [_sum_of("debts"), _sum_of("withheld")]}}},
            {"$group": {"_id": None, "owed": {"$sum": {"$max": ["$owed", 0]}}}},
        ]
        groups = await (await sellers.aggregate(pipeline)).to_list()
        return groups[0]["owed"] if groups else 0

    async def record(self, result: Reconciliation) -> None:
        """Store the result of a reconciliation."""
        await self._results.replace_one({"_id": LAST}, asdict(result), upsert=True)

    async def last(self, now: datetime) -> Reconciliation:
        """Return the result of the last one, or an empty one of when this was first asked."""
        first = asdict(Reconciliation(now))
        await self._results.update_one({"_id": LAST}, {"$setOnInsert": first}, upsert=True)
        doc = await self._results.find_one({"_id": LAST}) or first
        return Reconciliation(**{name: doc[name] for name in first})


def _sum_of(field: str) -> Doc:
    """Return the sum of the amounts of a field that has one for each payout."""
    return {"$sum": {"$map": {"input": {"$objectToArray": f"${field}"}, "in": "$$this.v"}}}
