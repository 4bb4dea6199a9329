"""Accounts, sessions and attempt counters in MongoDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from pymongo import ASCENDING, DESCENDING, IndexModel, WriteConcern
from pymongo.errors import DuplicateKeyError

from auth.domain import Account, Device, RotatedToken, Session, normalize_email
from common.change import Change
from common.errors import BadRequest, TooManyRequests
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, AggregateDocument, Doc, collection_of
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock

RETENTION: Final = timedelta(days=1)
"""How long an inactive session stays stored, so that its last event can be published."""
MAX_LISTED: Final = 100


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
    """A counter of failed attempts (`tries`) in one window, which ends at `until`."""

    class Settings:
        name = "throttle"
        indexes = [IndexModel("until", expireAfterSeconds=0)]


def _account_from_document(doc: Mapping[str, Any]) -> Account:
    return Account(
        id=str(doc["_id"]),
        version=doc["version"],
        email=doc["email"],
        password_hash=doc["password_hash"],
        created_at=doc["created_at"],
    )


def _account_to_document(account: Account) -> Doc:
    return {
        "email": account.email,
        "folded": normalize_email(account.email),
        "password_hash": account.password_hash,
        "created_at": account.created_at,
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
        active = {"user_id": user_id, "ended_at": None, "expires_at": {"$gt": now}}
        newest = self.collection.find(active).sort([("last_used_at", DESCENDING)]).limit(MAX_LISTED)
        return [_session_from_document(doc) async for doc in newest]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The number of attempts allowed under a key in one window."""

    key: str
    max_attempts: int


class AttemptLimiter:
    """Counts attempts, each in one atomic update, so that all replicas share one count.

    The updates do not wait for a majority or the journal, so a failover may lose some.
    """

    def __init__(self, clock: Clock, window_seconds: int) -> None:
        self._attempts = collection_of(ThrottleDocument).with_options(
            write_concern=WriteConcern(w=1, j=False)
        )
        self._accounts = collection_of(AccountDocument)
        self._clock = clock
        self._window = timedelta(seconds=window_seconds)

    async def find_account_unless_limited(self, email: str, *limits: RateLimit) -> Account | None:
        """Return the account of an email in any letter case, and check the limits, in one read.

        Raises:
            TooManyRequests: A limit is reached.
        """
        by_email = {"$match": {"folded": normalize_email(email)}}
        attempts = {"coll": self._attempts.name, "pipeline": [{"$match": _filter_for(limits)}]}
        found = await self._accounts.aggregate([by_email, {"$unionWith": attempts}])
        docs = await found.to_list()
        self._raise_if_exceeded(limits, [doc for doc in docs if "tries" in doc])
        accounts = (_account_from_document(doc) for doc in docs if "tries" not in doc)
        return next(accounts, None)

    async def check(self, *limits: RateLimit) -> list[RateLimit]:
        """Return the limits under which attempts were recorded.

        Raises:
            TooManyRequests: A limit is reached.
        """
        attempts = await self._attempts.find(_filter_for(limits)).to_list()
        self._raise_if_exceeded(limits, attempts)
        return [limit for limit in limits if any(doc["_id"] == limit.key for doc in attempts)]

    async def record_attempt(self, limit: RateLimit) -> None:
        """Record an attempt.

        Raises:
            TooManyRequests: The limit was reached before.
        """
        now = self._clock()
        window_is_open = {"$gt": ["$until", now]}
        incremented = {"$min": [{"$add": ["$tries", 1]}, limit.max_attempts]}
        before = await self._attempts.find_one_and_update(
            {"_id": limit.key},
            [
                {
                    "$set": {
                        "tries": {"$cond": [window_is_open, incremented, 1]},
                        "until": {"$cond": [window_is_open, "$until", now + self._window]},
                    }
                }
            ],
            upsert=True,
        )
        self._raise_if_exceeded([limit], [before] if before else [])

    async def reset(self, limit: RateLimit) -> None:
        await self._attempts.delete_one({"_id": limit.key})

    def _raise_if_exceeded(self, limits: Sequence[RateLimit], attempts: Sequence[Doc]) -> None:
        now = self._clock()
        max_attempts = {limit.key: limit.max_attempts for limit in limits}
        for doc in attempts:
            remaining = doc["until"] - now
            if doc["tries"] >= max_attempts[doc["_id"]] and remaining > timedelta(0):
                raise TooManyRequests(retry_after=-(-remaining // timedelta(seconds=1)))


def _filter_for(limits: Sequence[RateLimit]) -> Doc:
    return {"_id": {"$in": [limit.key for limit in limits]}}
