"""Accounts, sessions and what is throttled, in MongoDB: the only file that touches it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from pymongo import ASCENDING, DESCENDING, IndexModel, WriteConcern
from pymongo.errors import DuplicateKeyError

from auth.domain import Account, Device, Session, UsedToken, folded
from common.change import Change
from common.errors import Invalid, TooManyRequests
from common.persistence.mongo import OUTBOX_INDEX, AggregateDocument, Doc, collection_of
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock

KEPT_AFTER: Final = timedelta(days=1)
"""How long a session that is over stays: longer than its last event may wait for NATS."""
LISTED: Final = 100
"""How many sessions of somebody are shown at most."""


class AccountDocument(AggregateDocument):
    """An account as it is kept; `folded` is its email without letter case."""

    email: str
    folded: str
    password_hash: str
    created_at: datetime

    class Settings:
        name = "accounts"
        indexes = [OUTBOX_INDEX, IndexModel("folded", unique=True)]


class SessionDocument(AggregateDocument):
    """A session as it is kept; `over_at` is when it ended or will have expired."""

    user_id: str
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    seed: str
    current: str
    used: list[dict[str, Any]]
    ended_at: datetime | None
    over_at: datetime

    class Settings:
        name = "sessions"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("user_id", ASCENDING), ("ended_at", ASCENDING), ("expires_at", ASCENDING)]
            ),
            IndexModel("over_at", expireAfterSeconds=int(KEPT_AFTER.total_seconds())),
        ]


class ThrottleDocument(Document):
    """How many tries somebody has had since when; gone when its time is over."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    tries: int
    until: datetime

    class Settings:
        name = "throttle"
        indexes = [IndexModel("until", expireAfterSeconds=0)]


def _read_account(doc: Mapping[str, Any]) -> Account:
    return Account(
        id=str(doc["_id"]),
        version=doc["version"],
        email=doc["email"],
        password_hash=doc["password_hash"],
        created_at=doc["created_at"],
    )


def _write_account(account: Account) -> Doc:
    return {
        "email": account.email,
        "folded": folded(account.email),
        "password_hash": account.password_hash,
        "created_at": account.created_at,
    }


class AccountStore(Store[Account]):
    """Everybody who can sign in."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(AccountDocument, relay, clock, read=_read_account, write=_write_account)

    async def add_unless_taken(self, change: Change[Account]) -> Account:
        """Insert an account.

        Raises:
            Invalid: the email has one already.
        """
        try:
            return await self.add(change)
        except DuplicateKeyError:
            raise Invalid("Email in use", field="email") from None


def _read_session(doc: Mapping[str, Any]) -> Session:
    return Session(
        id=str(doc["_id"]),
        version=doc["version"],
        user_id=doc["user_id"],
        device=Device(doc["user_agent"], doc["address"]),
        created_at=doc["created_at"],
        last_used_at=doc["last_used_at"],
        expires_at=doc["expires_at"],
        seed=doc["seed"],
        current=doc["current"],
        used=tuple(UsedToken(used["hash"], used["at"]) for used in doc["used"]),
        ended_at=doc["ended_at"],
    )


def _write_session(session: Session) -> Doc:
    return {
        "user_id": session.user_id,
        "user_agent": session.device.user_agent,
        "address": session.device.address,
        "created_at": session.created_at,
        "last_used_at": session.last_used_at,
        "expires_at": session.expires_at,
        "seed": session.seed,
        "current": session.current,
        "used": [{"hash": used.hash, "at": used.at} for used in session.used],
        "ended_at": session.ended_at,
        "over_at": session.ended_at or session.expires_at,
    }


class SessionStore(Store[Session]):
    """Every session, and for a day those that are over."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(SessionDocument, relay, clock, read=_read_session, write=_write_session)

    async def live_of(self, user_id: str, now: datetime) -> list[Session]:
        """Give somebody's live sessions, the last used first."""
        live = {"user_id": user_id, "ended_at": None, "expires_at": {"$gt": now}}
        newest = self.collection.find(live).sort([("last_used_at", DESCENDING)]).limit(LISTED)
        return [_read_session(doc) async for doc in newest]


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries are allowed in one window, and whose."""

    key: str
    most: int


class ThrottleStore:
    """Counts tries, in one atomic step each, so that replicas cannot be played off.

    A failover may forget some: nobody waits for a journal to be counted.
    """

    def __init__(self, clock: Clock, seconds: int) -> None:
        """Take the clock, and how long a try is counted."""
        self._tries = collection_of(ThrottleDocument).with_options(
            write_concern=WriteConcern(w=1, j=False)
        )
        self._accounts = collection_of(AccountDocument)
        self._clock = clock
        self._window = timedelta(seconds=seconds)

    async def account_of(self, email: str, *limits: Limit) -> Account | None:
        """Find whose email this is, whatever its letter case, unless a limit is used up.

        Both are one read: most who sign in have failed at nothing.

        Raises:
            TooManyRequests: there were as many tries in this window as are allowed.
        """
        whose = {"$match": {"folded": folded(email)}}
        counted = {"coll": self._tries.name, "pipeline": [{"$match": _of(limits)}]}
        found = await self._accounts.aggregate([whose, {"$unionWith": counted}])
        account: Account | None = None
        tries: list[Doc] = []
        async for doc in found:
            if "tries" in doc:
                tries.append(doc)
            else:
                account = _read_account(doc)
        self._refuse(limits, tries)
        return account

    async def check(self, *limits: Limit) -> list[Limit]:
        """Look at the counts, and tell which of these have any.

        Raises:
            TooManyRequests: there were as many tries in this window as are allowed.
        """
        counted = await self._tries.find(_of(limits)).to_list()
        self._refuse(limits, counted)
        return [limit for limit in limits if any(doc["_id"] == limit.key for doc in counted)]

    async def count(self, limit: Limit) -> None:
        """Count a try; whoever makes many at once gets no more of them.

        Raises:
            TooManyRequests: there were as many in this window as are allowed.
        """
        now = self._clock()
        running = {"$gt": ["$until", now]}
        counted = {"$min": [{"$add": ["$tries", 1]}, limit.most]}
        before = await self._tries.find_one_and_update(
            {"_id": limit.key},
            [
                {
                    "$set": {
                        "tries": {"$cond": [running, counted, 1]},
                        "until": {"$cond": [running, "$until", now + self._window]},
                    }
                }
            ],
            upsert=True,
        )
        self._refuse([limit], [before] if before else [])

    async def forget(self, limit: Limit) -> None:
        """Begin to count anew."""
        await self._tries.delete_one({"_id": limit.key})

    def _refuse(self, limits: Sequence[Limit], counted: Sequence[Doc]) -> None:
        now = self._clock()
        most = {limit.key: limit.most for limit in limits}
        for doc in counted:
            left = doc["until"] - now
            if doc["tries"] >= most[doc["_id"]] and left > timedelta(0):
                raise TooManyRequests(retry_after=-(-left // timedelta(seconds=1)))


def _of(limits: Sequence[Limit]) -> Doc:
    return {"_id": {"$in": [limit.key for limit in limits]}}
