"""What auth can do: the one door for HTTP."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from auth.address import rate_limit_network
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
    """Who is signed in now, the two tokens that prove it, and how long the second one does."""

    user: User
    access_token: str
    refresh_token: str
    refresh_expires_in: timedelta


class AuthService:
    """Everything that can be done with accounts and sessions."""

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
        """Open an account, and sign in.

        Raises:
            Invalid: the email has an account already.
            TooManyRequests: too many were opened from this address.
        """
        address = rate_limit_network(device.address)
        await self._attempt_limiter.record_attempt(
            RateLimit(f"sign-up:{address}", self._settings.sign_ups_per_address)
        )
        password_hash = await self._passwords.hash(password)
        account = Account(new_id(), 0, email, password_hash, self._clock())
        await self._accounts.add_unless_taken(Change(account))
        return await self._start_session(account, device)

    async def sign_in(self, email: str, password: str, device: Device) -> SignedIn:
        """Begin a session with an email and its password.

        What was counted is looked at again once the password is known to be right or wrong, and a
        wrong one is counted before it is answered: many tries at once, here or at other replicas,
        are no more than many in a row. Who has no account is counted, and kept waiting, like
        everybody else.

        Raises:
            Invalid: there is no such account, or it has another password.
            TooManyRequests: too many tries have failed, for this email or from this address.
        """
        address, settings = rate_limit_network(device.address), self._settings
        address_limit = RateLimit(f"address:{address}", settings.sign_in_failures_per_address)
        account_limit = RateLimit(
            f"account:{normalize_email(email)}", settings.sign_in_failures_per_account
        )
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
        """Use a refresh token: a new pair for the same session.

        Raises:
            NotAuthorized: it is none of ours, or its session is over, or it was used before.
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
        """End the session that the cookies name, by whichever of them is left."""
        now = self._clock()
        session_ids = {user.session_id if user else "", session_id_of(token or "")}
        for session_id in session_ids:
            with suppress(NotFound):
                await self._update_session(session_id, lambda session: session.end(now))

    async def list_sessions(self, user: User) -> list[Session]:
        """Give somebody's own live sessions, the last used first."""
        return await self._sessions.list_active(user.id, self._clock())

    async def end_session(self, session_id: str, user: User) -> None:
        """End one of somebody's own sessions.

        Raises:
            NotFound: there is no such session, or no more.
            NotAuthorized: it is somebody else's.
        """
        now = self._clock()
        await self._update_session(session_id, lambda session: session.end_owned_by(user.id, now))

    async def end_all_sessions(self, user: User) -> None:
        """End all of somebody's sessions, this one too."""
        now = self._clock()
        while sessions := await self._sessions.list_active(user.id, now):
            for session in sessions:
                await self._update_session(session.id, lambda session: session.end(now))

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Go through the ended sessions whose access tokens could still be good."""
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
        """Change a session; one that ends is refused by this process at once."""
        if not is_id(session_id):
            raise NotFound
        session = await self._sessions.update(session_id, decide)
        if session.ended_at is not None:
            self._revocations.revoke(session.id, session.ended_at + REVOCATION_TTL)
        return session
