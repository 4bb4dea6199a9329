"""What is allowed with an account and its sessions.

    signed in --> live --> ended (signed out, ended by its owner, or a used token shown again)
                   |
                   +-----> over (thirty days)

A live session has one current refresh token. Using it makes its successor the current one. A used
one may be shown again for a short grace (a second tab, a lost answer) and leads to the same current
one; after that it is in a thief's hands or was, and the session ends (RFC 9700, 4.14.2).
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from common.change import Change
from common.errors import NotFound, Unauthorized
from common.events import SessionRevoked

SESSION_LIFETIME: Final = timedelta(days=30)
"""From the sign-in on, however much it is used (NIST SP 800-63B, 4.1.3)."""
REVOCATION_TTL: Final = timedelta(minutes=16)
"""An access token's fifteen minutes, and one for clocks that differ and answers on their way."""
MAX_ROTATED_TOKENS: Final = 16
"""Used refresh tokens a session remembers; an older one is as good as one after the grace."""


def normalize_email(email: str) -> str:
    """Give what two spellings of one address have in common: they differ in letter case only."""
    return unicodedata.normalize("NFC", email.casefold())


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in."""

    id: str
    version: int
    email: str
    password_hash: str
    created_at: datetime

    def rehash(self, old: str, new: str) -> Change["Account"]:
        """Keep a hash of today's cost in the place of an older one, if that is still there."""
        if self.password_hash != old:
            return Change(self)
        return Change(replace(self, password_hash=new, version=self.version + 1))


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session was begun, as far as we are told."""

    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class RotatedToken:
    """The hash of a refresh token that was used, and when."""

    hash: str
    rotated_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in on one device: `seed` and a token together give the token's successor."""

    id: str
    version: int
    user_id: str
    device: Device
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    successor_secret: str
    current_token_hash: str
    rotated_tokens: tuple[RotatedToken, ...] = ()
    ended_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Tell whether it is neither ended nor over."""
        return self.ended_at is None and now < self.expires_at

    def refresh(self, token: str, *, now: datetime, grace: timedelta) -> Change["Session"]:
        """Use a refresh token; shown again after the grace, it ends the session.

        Raises:
            NotAuthorized: the session is ended or over.
        """
        if not self.is_active(now):
            raise Unauthorized
        presented_hash = hash_token(token)
        within_grace = tuple(used for used in self.rotated_tokens if now - used.rotated_at <= grace)
        if presented_hash == self.current_token_hash:
            after = replace(
                self,
                version=self.version + 1,
                last_used_at=now,
                current_token_hash=hash_token(self._successor(token)),
                rotated_tokens=(RotatedToken(presented_hash, now), *within_grace)[
                    :MAX_ROTATED_TOKENS
                ],
            )
            return Change(after)
        if any(presented_hash == used.hash for used in within_grace):
            return Change(self)
        return self.end(now)

    def current_token(self, token: str) -> str:
        """Follow a used token's successors to the current one."""
        for _ in self.rotated_tokens:
            token = self._successor(token)
            if hash_token(token) == self.current_token_hash:
                return token
        raise ValueError("not a rotated refresh token of this session")

    def end(self, now: datetime) -> Change["Session"]:
        """End it; once is enough."""
        if self.ended_at is not None:
            return Change(self)
        after = replace(self, version=self.version + 1, ended_at=now)
        return Change(after, (after.to_event(now),))

    def end_owned_by(self, user_id: str, now: datetime) -> Change["Session"]:
        """End it because somebody asks.

        Raises:
            NotAuthorized: it is somebody else's.
            NotFound: it is ended or over already.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if not self.is_active(now):
            raise NotFound
        return self.end(now)

    def to_event(self, at: datetime) -> SessionRevoked:
        """Tell that it was ended, and until when its access tokens have to be refused."""
        return SessionRevoked(user_id=self.user_id, session_id=self.id, until=at + REVOCATION_TTL)

    def _successor(self, token: str) -> str:
        digest = hmac.digest(bytes.fromhex(self.successor_secret), token.encode(), "sha256")
        return f"{self.id}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def start_session(*, user_id: str, device: Device, now: datetime) -> tuple[Change[Session], str]:
    """Begin a session, and give its first refresh token.

    Its id is random, unlike other ids: a token that only names a session ends it, so nobody may
    be able to guess one.
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
        expires_at=now + SESSION_LIFETIME,
        successor_secret=secrets.token_hex(32),
        current_token_hash=hash_token(token),
    )
    return Change(session), token


def session_id_of(token: str) -> str:
    """Read whose refresh token it is, as its bearer claims."""
    return token.partition(".")[0]


def hash_token(token: str) -> str:
    """Give what is kept of a refresh token; it is random enough to need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
