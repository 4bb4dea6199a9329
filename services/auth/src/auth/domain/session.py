"""Rules of sessions.

    signed in --> active --> ended (signed out, ended by its owner, or a rotated token reused)
                    |
                    +------> expired (thirty days, or two weeks without use)

All sessions that started before a time are ended by one change of their account.

An active session has one current refresh token. Using it rotates it: its successor becomes current.
A rotated token is still accepted for a short grace period (a second tab, a lost response) and leads
to the same successor. After that it counts as stolen, and the session ends (RFC 9700, 4.14.2).
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

from auth.domain.revocation import REVOCATION_TTL
from common.change import Change
from common.errors import NotFound, Unauthorized
from common.events import SessionRevoked

SESSION_LIFETIME: Final = timedelta(days=30)
"""Counted from the sign-in, regardless of use (NIST SP 800-63B, 4.1.3)."""
MAX_IDLE: Final = timedelta(days=14)
"""For how long a session may not be used (`SESSION_IDLE_DAYS`). Each refresh is a use."""
MAX_SESSIONS: Final = 20
"""Active sessions of one account. When another one starts, the oldest ends."""
MAX_ROTATED_TOKENS: Final = 16
"""Rotated refresh tokens stored per session. An older one counts as reused after the grace."""


@dataclass(frozen=True, slots=True)
class Device:
    """The device that started a session, as reported by its request."""

    user_agent: str
    address: str

    @property
    def network(self) -> str:
        """The part of the address that its holder cannot choose: in IPv6 the /64 network."""
        try:
            is_ipv6 = ":" in self.address
            return str(ip_network(f"{self.address}/64", strict=False)) if is_ipv6 else self.address
        except ValueError:  # a link-local address contains its interface
            return self.address


@dataclass(frozen=True, slots=True)
class RotatedToken:
    """The hash of a used refresh token and the time of its use."""

    hash: str
    rotated_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in on one device.

    Attributes:
        authenticated_at: when the user last gave the password or a passkey in it.
        successor_secret: derives each refresh token from the previous one.
    """

    id: str
    version: int
    user_id: str
    device: Device
    created_at: datetime
    last_used_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    successor_secret: str
    current_token_hash: str
    rotated_tokens: tuple[RotatedToken, ...] = ()
    ended_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    def is_idle(self, now: datetime, max_idle: timedelta) -> bool:
        return now - self.last_used_at > max_idle

    def authenticate(self, user_id: str, now: datetime) -> Change["Session"]:
        """Record that the user has just given the password or a passkey.

        Raises:
            Unauthorized: The session is another user's, ended or expired.
        """
        if user_id != self.user_id or not self.is_active(now):
            raise Unauthorized
        return Change(replace(self, version=self.version + 1, authenticated_at=now))

    def refresh(
        self, token: str, *, now: datetime, grace: timedelta, max_idle: timedelta = MAX_IDLE
    ) -> Change["Session"]:
        """Rotate the refresh token, or end the session if it is reused after the grace period.

        Raises:
            Unauthorized: The session is ended or expired, or was not used for too long.
        """
        if not self.is_active(now) or self.is_idle(now, max_idle):
            raise Unauthorized
        presented_hash = hash_token(token)
        within_grace = tuple(used for used in self.rotated_tokens if now - used.rotated_at <= grace)
        if presented_hash == self.current_token_hash:
            rotated_tokens = (RotatedToken(presented_hash, now), *within_grace)
            after = replace(
                self,
                version=self.version + 1,
                last_used_at=now,
                current_token_hash=hash_token(self._successor(token)),
                rotated_tokens=rotated_tokens[:MAX_ROTATED_TOKENS],
            )
            return Change(after)
        if any(presented_hash == used.hash for used in within_grace):
            return Change(self)
        return self.end(now)

    def current_token(self, token: str) -> str:
        """Return the current token, derived from this token or one rotated earlier."""
        for _ in self.rotated_tokens:
            token = self._successor(token)
            if hash_token(token) == self.current_token_hash:
                return token
        raise ValueError("not a rotated refresh token of this session")

    def end(self, now: datetime) -> Change["Session"]:
        """End the session. Ending it again changes nothing."""
        if self.ended_at is not None:
            return Change(self)
        after = replace(self, version=self.version + 1, ended_at=now)
        return Change(after, (after.to_event(now),))

    def end_owned_by(self, user_id: str, now: datetime) -> Change["Session"]:
        """End the session for its owner.

        Raises:
            Unauthorized: The session belongs to another user.
            NotFound: The session is ended or expired.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if not self.is_active(now):
            raise NotFound
        return self.end(now)

    def to_event(self, at: datetime) -> SessionRevoked:
        """Return the event of a session that ended at this time."""
        return SessionRevoked(user_id=self.user_id, session_id=self.id, until=at + REVOCATION_TTL)

    def _successor(self, token: str) -> str:
        digest = hmac.digest(bytes.fromhex(self.successor_secret), token.encode(), "sha256")
        return f"{self.id}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def start_session(*, user_id: str, device: Device, now: datetime) -> tuple[Change[Session], str]:
    """Create a session and return it with its first refresh token.

    Unlike other ids, its id is random, because an invalid token that contains it ends the session.
    """
    session_id = secrets.token_hex(12)
    token = f"{session_id}.{secrets.token_urlsafe(32)}"
    session = Session(
        id=session_id,
        version=0,
        user_id=user_id,
        device=device,
        created_at=now,
        last_used_at=now,
        authenticated_at=now,
        expires_at=now + SESSION_LIFETIME,
        successor_secret=secrets.token_hex(32),
        current_token_hash=hash_token(token),
    )
    return Change(session), token


def session_id_of(token: str) -> str:
    """Return the session id that a refresh token claims, without verifying it."""
    return token.partition(".")[0]


def hash_token(token: str) -> str:
    """Return the stored hash of a refresh token, which is too random to need a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
