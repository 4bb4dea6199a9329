"""The auth application service, called by HTTP routes."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from auth.domain import (
    REVOCATION_TTL,
    Account,
    Device,
    Session,
    normalize_email,
    session_id_of,
    start_session,
)
from auth.passwords import PasswordHasher
from auth.settings import Settings
from auth.store import AccountStore, AttemptLimiter, RateLimit, SessionStore
from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, User
from common.change import Change
from common.errors import BadRequest, NotFound, Unauthorized
from common.events import SessionRevoked
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.values.ids import is_id, new_id


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in user, the tokens of the session and the remaining life of the refresh token."""

    user: User
    access_token: str
    refresh_token: str
    refresh_expires_in: timedelta


class AuthService:
    """Creates accounts, and starts, refreshes, lists and ends sessions."""

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: AccountStore,
        sessions: SessionStore,
        attempt_limiter: AttemptLimiter,
        passwords: PasswordHasher,
        tokens: AccessTokens,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)
        self._accounts = accounts
        self._sessions = sessions
        self._attempt_limiter = attempt_limiter
        self._passwords = passwords
        self._tokens = tokens
        self._revocations = revocations
        self._clock = clock

    async def sign_up(self, email: str, password: str, device: Device) -> SignedIn:
        """Create an account and sign in.

        Raises:
            BadRequest: The email already has an account.
            TooManyRequests: The address has created too many accounts.
        """
        limit = RateLimit(f"sign-up:{device.network}", self._settings.sign_ups_per_address)
        await self._attempt_limiter.record_attempt(limit)
        password_hash = await self._passwords.hash(password)
        account = Account(new_id(), 0, email, password_hash, self._clock())
        await self._accounts.add_unless_taken(Change(account))
        return await self._start_session(account, device)

    async def sign_in(self, email: str, password: str, device: Device) -> SignedIn:
        """Start a session with an email and a password.

        The limits are checked again after hashing, so that concurrent attempts, also at other
        replicas, count like sequential ones. An unknown email is hashed and counted the same way.

        Raises:
            BadRequest: The email is unknown or the password is wrong.
            TooManyRequests: Too many attempts failed for this email or from this address.
        """
        per_address = self._settings.sign_in_failures_per_address
        per_account = self._settings.sign_in_failures_per_account
        address_limit = RateLimit(f"address:{device.network}", per_address)
        account_limit = RateLimit(f"account:{normalize_email(email)}", per_account)
        account = await self._attempt_limiter.find_account_unless_limited(
            email, address_limit, account_limit
        )
        stored_hash = account.password_hash if account else None
        is_valid, new_hash = await self._passwords.check(password, stored_hash)
        limits_with_attempts = await self._attempt_limiter.check(address_limit, account_limit)
        if account is None or not is_valid:
            await self._attempt_limiter.record_attempt(address_limit)
            await self._attempt_limiter.record_attempt(account_limit)
            raise BadRequest("Invalid credentials")
        if account_limit in limits_with_attempts:
            await self._attempt_limiter.reset(account_limit)
        if new_hash is not None:
            old, new = account.password_hash, new_hash
            await self._accounts.update(account.id, lambda account: account.rehash(old, new))
        return await self._start_session(account, device)

    async def refresh(self, token: str) -> SignedIn:
        """Exchange a refresh token for a new pair of tokens of the same session.

        Raises:
            Unauthorized: The token is unknown or was reused, or its session is ended or expired.
        """
        now, grace = self._clock(), self._grace
        try:
            session = await self._update_session(
                session_id_of(token), lambda session: session.refresh(token, now=now, grace=grace)
            )
            if session.ended_at is not None:
                raise Unauthorized
            account = await self._accounts.get(session.user_id)
        except NotFound:
            raise Unauthorized from None
        return self._issue_tokens(account, session, session.current_token(token))

    async def sign_out(self, user: User | None, token: str | None) -> None:
        """End the session that either cookie names."""
        now = self._clock()
        session_ids = {user.session_id if user else "", session_id_of(token or "")}
        for session_id in session_ids:
            with suppress(NotFound):
                await self._update_session(session_id, lambda session: session.end(now))

    async def list_sessions(self, user: User) -> list[Session]:
        """Return the active sessions of a user, most recently used first."""
        return await self._sessions.list_active(user.id, self._clock())

    async def end_session(self, session_id: str, user: User) -> None:
        """End a session of this user, if it is active."""
        now = self._clock()
        await self._update_session(session_id, lambda session: session.end_owned_by(user.id, now))

    async def end_all_sessions(self, user: User) -> None:
        """End all sessions of a user, including the current one."""
        now = self._clock()
        while sessions := await self._sessions.list_active(user.id, now):
            for session in sessions:
                await self._update_session(session.id, lambda session: session.end(now))

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate the event of every ended session whose access tokens may still be valid."""
        since = self._clock() - REVOCATION_TTL

        def to_event(session: Session) -> SessionRevoked | None:
            ended_at = session.ended_at
            return session.to_event(ended_at) if ended_at and ended_at > since else None

        return self._sessions.snapshot_events(to_event)

    async def _start_session(self, account: Account, device: Device) -> SignedIn:
        change, token = start_session(user_id=account.id, device=device, now=self._clock())
        return self._issue_tokens(account, await self._sessions.add(change), token)

    def _issue_tokens(self, account: Account, session: Session, token: str) -> SignedIn:
        user = User(account.id, account.email, session.id)
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
            self._revocations.revoke(session.id, session.ended_at + REVOCATION_TTL)
        return session
