"""What users sold: the charges of their tickets, as sellers see them."""

from datetime import UTC, datetime
from typing import Any, Final

from bson import ObjectId
from pymongo import DESCENDING, IndexModel

from common.errors import BadRequest
from common.events import PayoutState
from common.persistence.mongo import STATE_PROJECTION, Collection, Doc, object_id
from common.values.ids import is_id
from common.web.pagination import Page, decode_cursor, encode_cursor
from payments.domain.charge import Charge
from payments.domain.payout import HoldReason
from payments.store.charge_mapping import from_document

MAX_COUNTED: Final = 2_000
"""The newest sales of which the totals are; bounds what one request reads."""
WAITING: Final = (PayoutState.HELD, PayoutState.FROZEN, PayoutState.SENDING)
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier than any sale: required in a query for the partial index to be used."""
SALES_INDEX: Final = IndexModel(
    [("seller_id", DESCENDING), ("paid_at", DESCENDING), ("_id", DESCENDING)],
    name="sales",
    partialFilterExpression={"paid_at": {"$gt": EPOCH}},
)
"""Contains paid charges only, so that an attempt to pay does not write to it."""
FROZEN: Final = "frozen_payouts"
FROZEN_INDEX: Final = IndexModel(
    [("seller_id", DESCENDING)],
    name=FROZEN,
    partialFilterExpression={"payout.state": PayoutState.FROZEN},
)
"""Contains frozen payouts only: every event of an account looks for those of its user."""


class Sales:
    """Reads the charges of sellers."""

    def __init__(self, charges: Collection) -> None:
        self._charges = charges

    async def list_by_seller(
        self, seller_id: str, *, limit: int, cursor: str | None
    ) -> Page[Charge]:
        """Return a page of a seller's sales, newest first."""
        filters = _sold_by(seller_id)
        if cursor is not None:
            paid_at, charge_id = _decode_position(cursor)
            earlier: list[Doc] = [
                {"paid_at": {"$gt": EPOCH, "$lt": paid_at}},
                {"paid_at": paid_at, "_id": {"$lt": charge_id}},
            ]
            filters["$or"] = earlier
        docs = (
            await self._charges.find(filters, STATE_PROJECTION)
            .sort([("paid_at", DESCENDING), ("_id", DESCENDING)])
            .limit(limit + 1)
            .to_list()
        )
        next_cursor = None
        if len(docs) > limit:
            last = docs[limit - 1]
            next_cursor = encode_cursor(int(last["paid_at"].timestamp() * 1000), str(last["_id"]))
        return Page([from_document(doc) for doc in docs[:limit]], next_cursor)

    async def totals(self, seller_id: str) -> tuple[int, int]:
        """Return what is held for a seller, and what was sent, in cents."""
        pipeline: list[Doc] = [
            {"$match": _sold_by(seller_id)},
            {"$sort": {"paid_at": DESCENDING, "_id": DESCENDING}},
            {"$limit": MAX_COUNTED},
            {
                "$group": {
                    "_id": None,
                    "held": {
                        "$sum": {"$cond": [{"$in": ["$payout.state", [*WAITING]]}, "$net", 0]}
                    },
                    "sent": {
                        "$sum": {
                            "$cond": [
                                {"$ne": ["$payout.transfer_id", None]},
                                {"$subtract": ["$payout.amount", "$payout.reversed"]},
                                0,
                            ]
                        }
                    },
                }
            },
        ]
        groups: list[dict[str, Any]] = await (await self._charges.aggregate(pipeline)).to_list()
        return (groups[0]["held"], groups[0]["sent"]) if groups else (0, 0)

    async def wake_frozen(
        self, seller_id: str, now: datetime, *, reason: HoldReason | None = None
    ) -> None:
        """Make the payouts of a seller due that are frozen, for a reason or for any."""
        frozen: Doc = {"seller_id": seller_id, "payout.state": PayoutState.FROZEN}
        if reason is not None:
            frozen["payout.reason"] = reason
        await self._charges.update_many(frozen, {"$set": {"look_at": now}}, hint=FROZEN)


def _sold_by(seller_id: str) -> Doc:
    return {"seller_id": seller_id, "paid_at": {"$gt": EPOCH}, "payout": {"$ne": None}}


def _decode_position(cursor: str) -> tuple[datetime, ObjectId]:
    match decode_cursor(cursor):
        case [int(milliseconds), str(charge_id)] if is_id(charge_id) and 0 <= milliseconds < 2**43:
            return datetime.fromtimestamp(milliseconds / 1000, UTC), object_id(charge_id)
        case _:
            raise BadRequest("Invalid cursor", field="cursor")
