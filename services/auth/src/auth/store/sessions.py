"""Sessions in MongoDB."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from auth.domain.session import (
    MAX_SESSIONS,
    SESSION_LIFETIME,
    Device,
    RotatedToken,
    Session,
)
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock

RETENTION: Final = timedelta(days=1)
"""How long an inactive session stays stored, so that its last event can be published."""
MAX_LISTED: Final = 100
MAX_RECENT: Final = 5_000


class SessionDocument(AggregateDocument):
    """A session; its `over_at` field is when it ended or expires."""

    class Settings:
        name = "sessions"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("user_id", ASCENDING), ("ended_at", ASCENDING), ("expires_at", ASCENDING)]
            ),
            IndexModel("over_at", expireAfterSeconds=int(RETENTION.total_seconds())),
        ]


def _session_from_document(doc: Mapping[str, Any]) -> Session:
    """Return the session. Earlier versions did not store `authenticated_at`."""
    return Session(
        id=str(doc["_id"]),
        version=doc["version"],
        user_id=doc["user_id"],
        device=Device(doc["user_agent"], doc["address"]),
        created_at=doc["created_at"],
        last_used_at=doc["last_used_at"],
        authenticated_at=doc.get("authenticated_at", doc["created_at"]),
        expires_at=doc["expires_at"],
        successor_secret=doc["seed"],
        current_token_hash=doc["current"],
        rotated_tokens=tuple(RotatedToken(used["hash"], used["at"]) for used in doc["used"]),
        ended_at=doc["ended_at"],
    )


def _session_to_document(session: Session) -> Doc:
    return {
        "user_id": session.user_id,
        "user_agent": session.device.user_agent,
        "address": session.device.address,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "authenticated_at": session.authenticated_at,
        "expires_at": session.expires_at,
        "seed": session.successor_secret,
        "current": session.current_token_hash,
        "used": [{"hash": used.hash, "at": used.rotated_at} for used in session.rotated_tokens],
        "ended_at": session.ended_at,
        "over_at": session.ended_at or session.expires_at,
    }


@dataclass(frozen=True, slots=True)
class Surplus:
    """Active sessions beyond the number that one account may have.

    Attributes:
        session_ids: the newest of them.
        all_before: if they are many, all sessions that started before this time are surplus.
    """

    session_ids: list[str]
    all_before: datetime | None


class SessionStore(Store[Session]):
    """The active sessions, and for a day the ended and expired ones."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            SessionDocument,
            AggregateMapping(
                from_document=_session_from_document, to_document=_session_to_document
            ),
            relay,
            clock,
        )

    async def list_active(self, user_id: str, now: datetime) -> list[Session]:
        """Return the active sessions of a user, most recently used first."""
        active = self.collection.find(_active_filter(user_id, now), STATE_PROJECTION)
        newest = active.sort([("last_used_at", DESCENDING)]).limit(MAX_LISTED)
        return [_session_from_document(doc) async for doc in newest]

    async def list_users_since(self, time: datetime) -> set[str]:
        """Return the users of the newest active sessions that have started since a time."""
        recent = self.collection.find(
            {"over_at": {"$gte": time + SESSION_LIFETIME}}, {"_id": 0, "user_id": 1}
        )
        newest = recent.sort([("over_at", DESCENDING)]).limit(MAX_RECENT)
        return {doc["user_id"] async for doc in newest}

    async def find_users_with_surplus(self, user_ids: Iterable[str], now: datetime) -> list[str]:
        """Return which of the users have more than `MAX_SESSIONS` active sessions."""
        counted = await self.collection.aggregate(
            [
                {"$match": _active_filter({"$in": [*user_ids]}, now)},
                {"$group": {"_id": "$user_id", "count": {"$sum": 1}}},
                {"$match": {"count": {"$gt": MAX_SESSIONS}}},
            ]
        )
        return [doc["_id"] async for doc in counted]

    async def find_surplus(self, user_id: str, now: datetime) -> Surplus:
        """Return the active sessions of a user beyond the newest `MAX_SESSIONS`.

        All sessions live equally long, so the index on their ends has the order of their starts.
        """
        active = self.collection.find(_active_filter(user_id, now), {"created_at": 1})
        ordered = active.sort([("expires_at", DESCENDING)]).skip(MAX_SESSIONS - 1)
        oldest_kept, *surplus = await ordered.limit(MAX_SESSIONS + 2).to_list() or [{}]
        are_many = len(surplus) > MAX_SESSIONS and (
            surplus[0]["created_at"] < oldest_kept["created_at"]
        )
        return Surplus(
            session_ids=[str(doc["_id"]) for doc in surplus],
            all_before=oldest_kept["created_at"] if are_many else None,
        )

    async def mark_ended(self, user_id: str, before: datetime, now: datetime) -> None:
        """Mark the sessions that a change of their account has ended.

        They leave the lists and are removed after a day. The new version makes a concurrent refresh
        fail.
        """
        await self.collection.update_many(
            {"user_id": user_id, "ended_at": None, "created_at": {"$lt": before}},
            {
                "$set": {"ended_at": now, "over_at": now, "ended_with_all": True},
                "$inc": {"version": 1},
            },
        )


def _active_filter(user_id: str | Doc, now: datetime) -> Doc:
    return {"user_id": user_id, "ended_at": None, "expires_at": {"$gt": now}}
