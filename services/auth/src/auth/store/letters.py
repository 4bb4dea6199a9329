"""Letters in MongoDB, which are the notices too, and the requests to reset a password."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from auth.domain.letter import Letter, LetterKind, LetterState
from common.change import Change
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    collection_of,
)
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock

RETENTION: Final = timedelta(days=180)
"""How long letters are stored, and shown as notices."""
MAX_FORGOTTEN: Final = 100
REQUEST_RETENTION: Final = timedelta(hours=1)


class LetterDocument(AggregateDocument):
    """A letter."""

    class Settings:
        name = "letters"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("due_at", ASCENDING)],
                name="due",
                partialFilterExpression={"state": LetterState.QUEUED},
            ),
            IndexModel([("user_id", ASCENDING), ("created_at", DESCENDING)]),
            IndexModel("created_at", expireAfterSeconds=int(RETENTION.total_seconds())),
        ]


class ResetRequestDocument(Document):
    """A request to reset the password of an address, until the mailer has handled it."""

    class Settings:
        name = "reset_requests"
        indexes = [
            IndexModel("at", expireAfterSeconds=int(REQUEST_RETENTION.total_seconds())),
            IndexModel("email"),
        ]


def _letter_from_document(doc: Mapping[str, Any]) -> Letter:
    return Letter(
        id=str(doc["_id"]),
        version=doc["version"],
        user_id=doc["user_id"],
        kind=LetterKind(doc["kind"]),
        created_at=doc["created_at"],
        due_at=doc["due_at"],
        facts=doc["facts"],
        address=doc["address"],
        credentials_version=doc["credentials_version"],
        state=LetterState(doc["state"]),
        attempts=doc["attempts"],
        sent_at=doc["sent_at"],
        refusal=doc["refusal"],
    )


def _letter_to_document(letter: Letter) -> Doc:
    return {
        "user_id": letter.user_id,
        "kind": letter.kind,
        "created_at": letter.created_at,
        "due_at": letter.due_at,
        "facts": dict(letter.facts),
        "address": letter.address,
        "credentials_version": letter.credentials_version,
        "state": letter.state,
        "attempts": letter.attempts,
        "sent_at": letter.sent_at,
        "refusal": letter.refusal,
    }


class LetterStore(Store[Letter]):
    """All letters of the last months."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            LetterDocument,
            AggregateMapping(from_document=_letter_from_document, to_document=_letter_to_document),
            relay,
            clock,
        )

    async def add_unless_written(self, change: Change[Letter]) -> None:
        """Insert a letter, unless there is one about this fact for this user already."""
        try:
            await self.add(change)
        except DuplicateKeyError:
            return

    async def list_due(self, now: datetime, limit: int) -> list[Letter]:
        """Return letters to send now, those that have waited longest first."""
        due = {"state": LetterState.QUEUED, "due_at": {"$lte": now}}
        found = self.collection.find(due, STATE_PROJECTION).sort("due_at").limit(limit)
        return [_letter_from_document(doc) async for doc in found]

    async def forget_unsendable(self) -> None:
        """End the last letters to deleted accounts unsent, where there is no mail server.

        They would keep the addresses.
        """
        unsent = {"state": LetterState.QUEUED, "kind": LetterKind.ACCOUNT_DELETED}
        docs = self.collection.find({**unsent, "due_at": {"$exists": True}}, {"_id": 1})
        ids = [str(doc["_id"]) async for doc in docs.hint("due").limit(MAX_FORGOTTEN)]
        if ids:
            await self.update_many(ids, lambda letter: letter.mark_refused("no mail server"))

    async def list_of_user(self, user_id: str, limit: int) -> list[Letter]:
        """Return the newest letters of a user, newest first."""
        found = self.collection.find({"user_id": user_id}, STATE_PROJECTION)
        newest = found.sort([("created_at", DESCENDING)]).limit(limit)
        return [_letter_from_document(doc) async for doc in newest]

    async def count_of_user(self, user_id: str, after: datetime | None, limit: int) -> int:
        """Return the number of letters of a user after a time, up to a limit."""
        query: Doc = {"user_id": user_id}
        if after is not None:
            query["created_at"] = {"$gt": after}
        return await self.collection.count_documents(query, limit=limit)


class ResetRequestStore:
    """Requests to reset a password. They name addresses, whether or not these have accounts."""

    def __init__(self) -> None:
        self._requests = collection_of(ResetRequestDocument)

    async def add(self, email: str, now: datetime) -> None:
        """Store a request."""
        await self._requests.insert_one({"email": email, "at": now})

    async def list_oldest(self, limit: int) -> list[tuple[str, str]]:
        """Return the id and the address of requests."""
        found = self._requests.find({}).sort("_id").limit(limit)
        return [(str(doc["_id"]), doc["email"]) async for doc in found]

    async def remove(self, request_id: str) -> None:
        """Delete a request."""
        await self._requests.delete_one({"_id": ObjectId(request_id)})
