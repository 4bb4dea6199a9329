"""What auth can do: the one door for HTTP."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from auth.address import neighbourhood
from auth.domain import REFUSED_FOR, Account, Device, Session, folded, session_named, started
from auth.passwords import Passwords
from auth.settings import Settings
from auth.store import AccountStore, Limit, SessionStore, ThrottleStore
from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, User
from common.change import Change
from common.errors import Invalid, NotAuthorized, NotFound
from common.events import SessionRevoked
from common.messaging.envelope import Message
from common.values.clock import Clock
from common.values.ids import is_id, new_id


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in now, the two tokens that prove it, and how long the second one does."""

    user: User
    access_token: str
    refresh_token: str
    left: timedelta


class Auth:
    """Everything that can be done with accounts and sessions."""

    def __init__(
        self,
        *,
        settings: Settings,
        accounts: AccountStore,
        sessions: SessionStore,
        throttle: ThrottleStore,
        passwords: Passwords,
        tokens: AccessTokens,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)
        self._accounts = accounts
        self._sessions = sessions
        self._throttle = throttle
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
        address = neighbourhood(device.address)
        await self._throttle.count(Limit(f"sign-up:{address}", self._settings.sign_ups_per_address))
        password_hash = await self._passwords.hash(password)
        account = Account(new_id(), 0, email, password_hash, self._clock())
        await self._accounts.add_unless_taken(Change(account))
        return await self._begin(account, device)

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
        address, settings = neighbourhood(device.address), self._settings
        from_address = Limit(f"address:{address}", settings.sign_in_failures_per_address)
        at_account = Limit(f"account:{folded(email)}", settings.sign_in_failures_per_account)
        account = await self._throttle.account_of(email, from_address, at_account)
        stored = account.password_hash if account else None
        right, renewed = await self._passwords.check(password, stored)
        counted = await self._throttle.check(from_address, at_account)
        if account is None or not right:
            await self._throttle.count(from_address)
            await self._throttle.count(at_account)
            raise Invalid("Invalid credentials")
        if at_account in counted:
            await self._throttle.forget(at_account)
        if renewed is not None:
            old, new = account.password_hash, renewed
            await self._accounts.change(account.id, lambda account: account.rehash(old, new))
        return await self._begin(account, device)

    async def refresh(self, token: str) -> SignedIn:
        """Use a refresh token: a new pair for the same session.

        Raises:
            NotAuthorized: it is none of ours, or its session is over, or it was used before.
        """
        now, grace = self._clock(), self._grace
        try:
            session = await self._change(
                session_named(token), lambda session: session.refresh(token, now=now, grace=grace)
            )
            if session.ended_at is not None:
                raise NotAuthorized
            account = await self._accounts.get(session.user_id)
        except NotFound:
            raise NotAuthorized from None
        return self._signed_in(account, session, session.current_token(token))

    async def sign_out(self, user: User | None, token: str | None) -> None:
        """End the session that the cookies name, by whichever of them is left."""
        now = self._clock()
        named = {user.session_id if user else "", session_named(token or "")}
        for session_id in named:
            with suppress(NotFound):
                await self._change(session_id, lambda session: session.end(now))

    async def sessions_of(self, user: User) -> list[Session]:
        """Give somebody's own live sessions, the last used first."""
        return await self._sessions.live_of(user.id, self._clock())

    async def end(self, session_id: str, by: User) -> None:
        """End one of somebody's own sessions.

        Raises:
            NotFound: there is no such session, or no more.
            NotAuthorized: it is somebody else's.
        """
        now = self._clock()
        await self._change(session_id, lambda session: session.end_by(by.id, now))

    async def end_all(self, of: User) -> None:
        """End all of somebody's sessions, this one too."""
        now = self._clock()
        while sessions := await self._sessions.live_of(of.id, now):
            for session in sessions:
                await self._change(session.id, lambda session: session.end(now))

    def states(self) -> AsyncGenerator[Message]:
        """Go through the ended sessions whose access tokens could still be good."""
        since = self._clock() - REFUSED_FOR

        def tell(session: Session) -> SessionRevoked | None:
            ended_at = session.ended_at
            return session.revoked(ended_at) if ended_at and ended_at > since else None

        return self._sessions.states(tell)

    async def _begin(self, account: Account, device: Device) -> SignedIn:
        change, token = started(user_id=account.id, device=device, now=self._clock())
        return self._signed_in(account, await self._sessions.add(change), token)

    def _signed_in(self, account: Account, session: Session, token: str) -> SignedIn:
        user = User(account.id, account.email, session.id)
        left = session.expires_at - self._clock()
        return SignedIn(user, self._tokens.issue(user), token, left)

    async def _change(
        self, session_id: str, decide: Callable[[Session], Change[Session]]
    ) -> Session:
        """Change a session; one that ends is refused by this process at once."""
        if not is_id(session_id):
            raise NotFound
        session = await self._sessions.change(session_id, decide)
        if session.ended_at is not None:
            self._revocations.add(session.id, session.ended_at + REFUSED_FOR)
        return session
