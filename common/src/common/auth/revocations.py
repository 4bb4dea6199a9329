"""Revoked sessions, whose access tokens are rejected until they expire."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from common.auth.tokens import ACCESS_LIFETIME, User
from common.events import AllSessionsRevoked, SessionEvent, SessionRevoked
from common.messaging.bus import Bus, handlers
from common.values.clock import Clock

MAX_TTL: Final = ACCESS_LIFETIME + timedelta(minutes=1)
"""An entry is not stored longer, whatever its event says: its tokens have expired by then."""

V = TypeVar("V")


class _ExpiringEntries(Generic[V]):
    """A dictionary whose entries expire. Each entry costs constant work, also when it expires."""

    def __init__(self) -> None:
        self.values: dict[str, V] = {}
        self._expiries: deque[tuple[datetime, str, V]] = deque()

    def set(self, key: str, value: V, until: datetime) -> None:
        self.values[key] = value
        self._expiries.append((until, key, value))

    def remove_expired(self, now: datetime) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            _, key, value = self._expiries.popleft()
            if self.values.get(key) is value:  # otherwise it was set again
                del self.values[key]


class Revocations:
    """The sessions that were revoked within the lifetime of an access token.

    A revocation costs constant work, because any user can end many sessions, and every process
    reads all revocations when it starts.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions = _ExpiringEntries[datetime]()
        self._users = _ExpiringEntries[AllSessionsRevoked]()
        self._listeners: list[Callable[[str], object]] = []

    async def subscribe(self, bus: Bus) -> None:
        """Subscribe to revocations, including those within the last token lifetime."""
        since = self._clock() - MAX_TTL
        await bus.subscribe_every_replica("auth", handlers(self.on_revoked), since=since)

    def add_listener(self, listener: Callable[[str], object]) -> None:
        """Call a function with the user of each later revocation, after it applies."""
        self._listeners.append(listener)

    async def on_revoked(self, event: SessionEvent, _sequence: int = 0) -> None:
        """Reject the access tokens that an event revokes."""
        self.revoke(event)

    def revoke(self, event: SessionEvent) -> None:
        """Reject the access tokens that an event revokes, and remove expired entries."""
        now = self._clock()
        self._sessions.remove_expired(now)
        self._users.remove_expired(now)
        until = min(event.until, now + MAX_TTL)
        match event:
            case SessionRevoked():
                self._sessions.set(event.session_id, until, until)
            case AllSessionsRevoked():
                known = self._users.values.get(event.user_id)
                if known is None or known.before < event.before:
                    self._users.set(event.user_id, event, until)
        for listener in self._listeners:
            listener(event.user_id)

    def is_revoked(self, user: User) -> bool:
        """Return whether the session of an access token was revoked."""
        if user.session_id in self._sessions.values:
            return True
        all_revoked = self._users.values.get(user.id)
        return (
            all_revoked is not None
            and user.session_started_at < all_revoked.before.timestamp()
            and user.session_id != all_revoked.except_session_id
        )
