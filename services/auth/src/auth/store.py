"""Accounts, sessions and attempt counters in MongoDB."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError

from auth.domain import Account, Device, RotatedToken, Session, SessionsEnd, normalize_email
from common.change import Change
from common.errors import BadRequest, TooManyRequests
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

RETENTION: Final = timedelta(days=1)
"""How long an inactive session stays stored, so that its last event can be published."""
MAX_LISTED: Final = 100
DUPLICATE_KEY: Final = 11000


class AccountDocument(AggregateDocument):
    """An account; its `folded` field is its email without letter case."""

    class Settings:
        name = "accounts"
        indexes = [OUTBOX_INDEX, IndexModel("folded", unique=True)]


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


class ThrottleDocument(Document):
    """A counter of attempts (`tries`) in one window, which ends at `until`."""

    class Settings:
        name = "throttle"
        indexes = [IndexModel("until", expireAfterSeconds=0)]


def _account_from_document(doc: Mapping[str, Any]) -> Account:
    end = doc.get("sessions_end")
    return Account(
        id=str(doc["_id"]),
        version=doc["version"],
        email=doc["email"],
        password_hash=doc["password_hash"],
        created_at=doc["created_at"],
        sessions_end=SessionsEnd(end["before"], end["until"]) if end else None,
    )


def _account_to_document(account: Account) -> Doc:
    end = account.sessions_end
    return {
        "email": account.email,
        "folded": normalize_email(account.email),
        "password_hash": account.password_hash,
        "created_at": account.created_at,
        "sessions_end": {"before": end.before, "until": end.until} if end else None,
    }


class AccountStore(Store[Account]):
    """All accounts."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            AccountDocument,
            AggregateMapping(
                from_document=_account_from_document, to_document=_account_to_document
            ),
            relay,
            clock,
        )

    async def add_unless_taken(self, change: Change[Account]) -> Account:
        """Insert an account.

        Raises:
            BadRequest: The email already has an account.
        """
        try:
            return await self.add(change)
        except DuplicateKeyError:
            raise BadRequest("Email in use", field="email") from None

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of an email in any letter case."""
        doc = await self.collection.find_one({"folded": normalize_email(email)}, STATE_PROJECTION)
        return None if doc is None else _account_from_document(doc)


def _session_from_document(doc: Mapping[str, Any]) -> Session:
    return Session(
        id=str(doc["_id"]),
        version=doc["version"],
        user_id=doc["user_id"],
        device=Device(doc["user_agent"], doc["address"]),
        created_at=doc["created_at"],
        last_used_at=doc["last_used_at"],
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
        "expires_at": session.expires_at,
        "seed": session.successor_secret,
        "current": session.current_token_hash,
        "used": [{"hash": used.hash, "at": used.rotated_at} for used in session.rotated_tokens],
        "ended_at": session.ended_at,
        "over_at": session.ended_at or session.expires_at,
    }


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

    async def find_surplus(
        self, user_id: str, now: datetime, max_sessions: int
    ) -> tuple[datetime | None, list[str]]:
        """Return which active sessions of a user are older than the newest `max_sessions`.

        Returns:
            The start of the oldest session that is not surplus, and the ids of the newest surplus
            ones, at most `max_sessions` and one.
        """
        active = self.collection.find(_active_filter(user_id, now), {"created_at": 1})
        # All sessions live equally long, so this order is that of their starts.
        ordered = active.sort([("expires_at", DESCENDING)]).skip(max_sessions - 1)
        oldest, *surplus = await ordered.limit(max_sessions + 2).to_list() or [{}]
        return oldest.get("created_at"), [str(doc["_id"]) for doc in surplus]

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


def _active_filter(user_id: str, now: datetime) -> Doc:
    return {"user_id": user_id, "ended_at": None, "expires_at": {"$gt": now}}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The number of attempts allowed under a key in one window."""

    key: str
    max_attempts: int


class AttemptLimiter:
    """Counts attempts in atomic updates, so that all replicas share one count.

    The updates do not wait for a majority or the journal, so a failover may lose some.
    """

    def __init__(self, clock: Clock, window_seconds: int) -> None:
        self._attempts = collection_of(ThrottleDocument).with_options(
            write_concern=WriteConcern(w=1, j=False)
        )
        self._clock = clock
        self._window = timedelta(seconds=window_seconds)

    async def record_attempt(self, *limits: RateLimit) -> None:
        """Record an attempt under each limit, in one command.

        An attempt that one limit rejects does not count under those after it.

        Raises:
            TooManyRequests: A limit was reached before.
        """
        pending = limits
        while pending:
            now = self._clock()
            updates = [self._increment(limit, now) for limit in pending]
            try:
                await self._attempts.bulk_write(updates, ordered=True)
            except BulkWriteError as error:
                (failure,) = error.details["writeErrors"]
                if failure["code"] != DUPLICATE_KEY:
                    raise
                pending = pending[failure["index"] :]
                await self._raise_if_reached(pending[0], now)
            else:
                return

    def _increment(self, limit: RateLimit, now: datetime) -> UpdateOne:
        """Return an upsert that fails with a duplicate key if the limit is reached."""
        window_is_open = {"$gt": ["$until", now]}
        return UpdateOne(
            {
                "_id": limit.key,
                "$or": [{"tries": {"$lt": limit.max_attempts}}, {"until": {"$lte": now}}],
            },
            [
                {
                    "$set": {
                        "tries": {"$cond": [window_is_open, {"$add": ["$tries", 1]}, 1]},
                        "until": {"$cond": [window_is_open, "$until", now + self._window]},
                    }
                }
            ],
            upsert=True,
        )

    async def _raise_if_reached(self, limit: RateLimit, now: datetime) -> None:
        """Raise if the limit is reached. Otherwise another process inserted the counter first."""
        attempts = await self._attempts.find_one({"_id": limit.key})
        remaining = attempts["until"] - now if attempts else timedelta(0)
        if attempts and attempts["tries"] >= limit.max_attempts and remaining > timedelta(0):
            raise TooManyRequests(retry_after=-(-remaining // timedelta(seconds=1)))
