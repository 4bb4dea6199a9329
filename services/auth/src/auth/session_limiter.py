"""Ends the oldest sessions of users who have too many."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from auth.session_service import SessionService
from auth.store.sessions import SessionStore
from common.auth.revocations import Revocations
from common.background import run_periodically
from common.errors import NotFound
from common.values.clock import Clock

log = structlog.get_logger("sessions")

INTERVAL_SECONDS: Final = 1.0
RECOVERED: Final = timedelta(minutes=10)
"""The first run checks the sign-ins of this time: a process that died may be down for that long."""


class SessionLimiter:
    """Ends the oldest sessions of users who have more than `MAX_SESSIONS`.

    A sign-in only notes its user, because a query of its own would cost a tenth of what it needs
    beside the hash. A session is stored before its user is noted, and a check follows, so the last
    check after concurrent sign-ins, at any replica, sees all of their sessions.
    """

    def __init__(
        self,
        store: SessionStore,
        *,
        sessions: SessionService,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._revocations = revocations
        self._clock = clock
        self._has_recovered = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Check periodically during the block, and once more at its end."""
        async with run_periodically(INTERVAL_SECONDS, self.run, name="session limit"):
            yield
        try:
            await self.run()
        except Exception:
            log.exception("sessions not checked, the next start does it")

    async def run(self) -> None:
        """Check the users who have started sessions since the last run.

        The first run checks all users who did so recently, at any process: one that died may not
        have checked its last ones. Users with a surplus are checked until they have none.
        """
        now = self._clock()
        users, self._sessions.users_to_check = self._sessions.users_to_check, set()
        try:
            if not self._has_recovered:
                users.update(await self._store.list_users_since(now - RECOVERED))
            crowded = await self._store.find_users_with_surplus(users, now) if users else []
        except BaseException:
            self._sessions.users_to_check.update(users)
            raise
        self._has_recovered = True
        self._sessions.users_to_check.update(crowded)
        for user_id in crowded:
            await self._end_surplus_sessions(user_id, now)

    async def _end_surplus_sessions(self, user_id: str, now: datetime) -> None:
        surplus = await self._store.find_surplus(user_id, now)
        if surplus.all_before is not None:  # from before there was a limit
            with suppress(NotFound):  # a deletion erases the sessions after the account
                await self._sessions.end_sessions_before(user_id, surplus.all_before)
            return
        ended = await self._store.update_many(surplus.session_ids, lambda one: one.end(now))
        for session in ended:
            self._revocations.revoke(session.to_event(now))
