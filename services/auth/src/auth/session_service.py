"""Starts, refreshes, lists and ends the sessions of accounts, however a user has signed in."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from auth.device_tokens import DeviceTokens
from auth.domain.account import Account
from auth.domain.session import Device, Session, session_id_of, start_session
from auth.settings import Settings
from auth.store.accounts import AccountStore
from auth.store.sessions import SessionStore
from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, User
from common.change import Change
from common.errors import Forbidden, NotFound, Unauthorized
from common.events import AllSessionsRevoked, SessionRevoked
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.values.ids import is_id

CLOSING: Final = "This account is being deleted"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in user, the tokens of the session and the remaining life of the refresh token.

    A refresh issues no new device token.
    """

    user: User
    access_token: str
    refresh_token: str
    refresh_expires_in: timedelta
    device_token: str | None = None


@dataclass(frozen=True, slots=True)
class Reauthenticated:
    """A user who has given the password or a passkey again, and the new access token."""

    user: User
    access_token: str


class SessionService:
    """Starts, refreshes, lists and ends sessions."""

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: AccountStore,
        sessions: SessionStore,
        tokens: AccessTokens,
        device_tokens: DeviceTokens,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)
        self._max_idle = timedelta(days=settings.session_idle_days)
        self._accounts = accounts
        self._sessions = sessions
        self._tokens = tokens
        self._device_tokens = device_tokens
        self._revocations = revocations
        self._clock = clock
        self.users_to_check: set[str] = set()
        """Who has started a session since `SessionLimiter` last looked."""

    async def refresh(self, token: str) -> SignedIn:
        """Exchange a refresh token for a new pair of tokens of the same session.

        Raises:
            Unauthorized: The token is unknown or was reused, or its session is ended or expired, or
                was not used for too long.
        """
        now = self._clock()
        try:
            session = await self._update_session(
                session_id_of(token),
                lambda session: session.refresh(
                    token, now=now, grace=self._grace, max_idle=self._max_idle
                ),
            )
            if session.ended_at is not None:
                raise Unauthorized
            account = await self._accounts.get(session.user_id)
        except NotFound:
            raise Unauthorized from None
        if account.has_ended(session) or account.closing is not None:
            raise Unauthorized
        return self._issue_tokens(account, session, session.current_token(token))

    async def reauthenticate(self, user: User) -> Reauthenticated:
        """Record in the session that its user has just given the password or a passkey.

        Raises:
            Unauthorized: The session is ended or expired.
        """
        now = self._clock()
        try:
            session = await self._update_session(
                user.session_id, lambda session: session.authenticate(user.id, now)
            )
            account = await self._accounts.get(user.id)
        except NotFound:
            raise Unauthorized from None
        if account.has_ended(session):
            raise Unauthorized
        renewed = _user(account, session)
        return Reauthenticated(renewed, self._tokens.issue(renewed))

    async def sign_out(self, user: User | None, token: str | None) -> None:
        """End the session that either cookie names."""
        now = self._clock()
        session_ids = {user.session_id if user else "", session_id_of(token or "")}
        for session_id in session_ids:
            with suppress(NotFound):
                await self._update_session(session_id, lambda session: session.end(now))

    async def list_sessions(self, user: User) -> list[Session]:
        """Return the active sessions of a user, most recently used first."""
        now = self._clock()
        account = await self._accounts.find(user.id)
        return [
            session
            for session in await self._sessions.list_active(user.id, now)
            if account
            and not account.has_ended(session)
            and not session.is_idle(now, self._max_idle)
        ]

    async def end_session(self, session_id: str, user: User) -> None:
        """End a session of this user, if it is active."""
        now = self._clock()
        await self._update_session(session_id, lambda session: session.end_owned_by(user.id, now))

    async def end_all_sessions(self, user: User) -> None:
        """End all sessions of a user, including the current one."""
        with suppress(NotFound):
            await self.end_sessions_before(user.id, self._clock() + timedelta(milliseconds=1))

    async def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate the accounts, and the ended sessions whose access tokens may still be valid."""
        now = self._clock()

        def account_event(account: Account) -> AllSessionsRevoked | None:
            event = account.to_event()
            return event if event and event.until > now else None

        def session_event(session: Session) -> SessionRevoked | None:
            event = session.to_event(session.ended_at) if session.ended_at else None
            return event if event and event.until > now else None

        async for envelope in self._accounts.snapshot_events(Account.to_user_event):
            yield envelope
        async for envelope in self._accounts.snapshot_events(account_event):
            yield envelope
        async for envelope in self._sessions.snapshot_events(session_event):
            yield envelope

    async def end_sessions_by(
        self, user_id: str, decide: Callable[[Account], Change[Account]]
    ) -> Account:
        """End sessions of a user by a change of the account.

        The write to the account ends them, and contains the event. Until the second write has
        marked them as well, they only look active in the database.
        """
        now = self._clock()
        account = await self._accounts.update(user_id, decide)
        event = account.to_event()
        if event is not None:
            self._revocations.revoke(event)
            await self._sessions.mark_ended(user_id, event.before, now)
        return account

    async def end_sessions_before(self, user_id: str, before: datetime) -> None:
        """End the sessions of a user that started before a time."""
        now = self._clock()
        await self.end_sessions_by(
            user_id, lambda account: account.end_sessions(before=before, now=now)
        )

    async def start_session_in_browser(
        self, account: Account, device: Device, device_token: str
    ) -> SignedIn:
        """Start the session of a user who has proved to be one; a known browser stays known.

        The user gets a letter, unless the browser has signed in to the account before.
        """
        now = self._clock()
        browser_id = self._device_tokens.verify(device_token, account.id, account.normal_email)
        if browser_id is None and account.record_unknown_device(now).events:
            await self._accounts.update(
                account.id, lambda account: account.record_unknown_device(now)
            )
        return await self.start_session(account, device, browser_id)

    async def start_session(
        self, account: Account, device: Device, browser_id: str | None = None
    ) -> SignedIn:
        """Sign in to an account. `SessionLimiter` ends its oldest session if it has too many.

        Raises:
            Forbidden: the account is being deleted.
        """
        if account.closing is not None:
            raise Forbidden(CLOSING)
        now = self._clock()
        change, token = start_session(
            user_id=account.id, device=device, now=account.next_session_start(now)
        )
        session = await self._sessions.add(change)
        self.users_to_check.add(account.id)
        device_token = self._device_tokens.issue(account.id, browser_id)
        return replace(self._issue_tokens(account, session, token), device_token=device_token)

    def _issue_tokens(self, account: Account, session: Session, token: str) -> SignedIn:
        user = _user(account, session)
        refresh_expires_in = session.expires_at - self._clock()
        return SignedIn(user, self._tokens.issue(user), token, refresh_expires_in)

    async def _update_session(
        self, session_id: str, decide: Callable[[Session], Change[Session]]
    ) -> Session:
        """Update a session. If it ends, this process rejects its access tokens immediately."""
        if not is_id(session_id):
            raise NotFound
        session = await self._sessions.update(session_id, decide)
        if session.ended_at is not None:
            self._revocations.revoke(session.to_event(session.ended_at))
        return session


def _user(account: Account, session: Session) -> User:
    """Return the user as the access tokens of a session describe them."""
    return User(
        id=account.id,
        email=account.email,
        session_id=session.id,
        session_started_at=session.created_at.timestamp(),
        role=account.role,
        is_suspended=account.suspension is not None,
        authenticated_at=session.authenticated_at.timestamp(),
    )
