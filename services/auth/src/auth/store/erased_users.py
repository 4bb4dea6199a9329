"""The deleted users in MongoDB: their ids alone, so that a restored backup erases them again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from auth.domain.closing import ErasedUser
from common.change import Change
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock

INCOMPLETE: Final = "incomplete"
MAX_INCOMPLETE: Final = 100


class ErasedUserDocument(AggregateDocument):
    """A deleted user; `infra/local` copies it into a restored backup."""

    class Settings:
        name = "erased_users"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("erased_at", ASCENDING)],
                name=INCOMPLETE,
                partialFilterExpression={"is_complete": False},
            ),
        ]


def _from_document(doc: Mapping[str, Any]) -> ErasedUser:
    return ErasedUser(
        id=str(doc["_id"]),
        version=doc["version"],
        erased_at=doc["erased_at"],
        requested_by=doc["requested_by"],
        is_complete=doc["is_complete"],
    )


def _to_document(erased: ErasedUser) -> Doc:
    return {
        "erased_at": erased.erased_at,
        "requested_by": erased.requested_by,
        "is_complete": erased.is_complete,
    }


class ErasedUserStore(Store[ErasedUser]):
    """All users who were deleted."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        mapping = AggregateMapping(
            from_document=_from_document, to_document=_to_document, audited=True
        )
        super().__init__(ErasedUserDocument, mapping, relay, clock)

    async def add_unless_erased(self, change: Change[ErasedUser]) -> None:
        """Insert the record of a deletion, unless an earlier try has done so."""
        try:
            await self.add(change)
        except DuplicateKeyError:
            return

    async def list_incomplete(self, *, until: datetime) -> list[ErasedUser]:
        """Return users who were erased until then, and not a second time."""
        incomplete = {"is_complete": False, "erased_at": {"$lte": until}}
        docs = self.collection.find(incomplete, STATE_PROJECTION).hint(INCOMPLETE)
        return [_from_document(doc) async for doc in docs.limit(MAX_INCOMPLETE)]
