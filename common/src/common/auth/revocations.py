"""Revoked sessions, whose access tokens are rejected until they expire."""

from datetime import datetime, timedelta

from common.auth.tokens import ACCESS_LIFETIME
from common.events import SessionRevoked
from common.messaging.bus import Bus, handlers
from common.values.clock import Clock


class Revocations:
    """The sessions that were revoked within the lifetime of an access token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._revoked_until: dict[str, datetime] = {}

    async def subscribe(self, bus: Bus) -> None:
        """Subscribe to revocations, including those within the last token lifetime."""
        since = self._clock() - ACCESS_LIFETIME - timedelta(minutes=1)
        await bus.subscribe_every_replica("auth", handlers(self.on_session_revoked), since=since)

    async def on_session_revoked(self, event: SessionRevoked, _sequence: int = 0) -> None:
        """Revoke the session, and remove those whose tokens have expired."""
        now = self._clock()
        self._revoked_until = {
            sid: until for sid, until in self._revoked_until.items() if until > now
        }
        self.revoke(event.session_id, event.until)

    def revoke(self, session_id: str, until: datetime) -> None:
        """Reject a session's access tokens until the given time."""
        self._revoked_until[session_id] = until

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._revoked_until
