"""Access tokens: JWTs (HS256) in an HttpOnly cookie, verified by every service itself.

An invalid or expired token makes the request anonymous and is never an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Final

import jwt
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from common.values.clock import Clock
from common.values.ids import is_id

ACCESS_LIFETIME: Final = timedelta(minutes=15)
ALGORITHM: Final = "HS256"
VERIFIED_TOKEN_CACHE_SIZE: Final = 10_000
"""Verified claims are cached, and no others; the expiry is checked for each request."""
MAX_TOKEN_LENGTH: Final = 4096
"""No browser stores a longer cookie, so a longer token is not ours."""


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user and the session.

    Attributes:
        id: the user's id.
        email: the address with which the account was created.
        session_id: the session of the access token.
        session_started_at: when the session started, in seconds since the epoch.
        role: what the user may do beside others, such as `operator`.
        is_suspended: whether an operator has suspended the account.
        authenticated_at: when the user last gave the password or a passkey, in seconds since the
            epoch.
    """

    id: str
    email: str
    session_id: str
    session_started_at: float = field(default=0, compare=False)
    role: str | None = None
    is_suspended: bool = False
    authenticated_at: float = field(default=0, compare=False)


def cookie_name(name: str, *, secure: bool) -> str:
    """Return the cookie's name. `__Host-` pins it to this host over TLS (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure else name


class AccessTokens:
    """Signs access tokens with the current key, and verifies them with it or the previous one."""

    def __init__(self, key: SecretStr, previous: SecretStr | None, clock: Clock) -> None:
        self._key = key.get_secret_value()
        self._keys = [self._key, *([previous.get_secret_value()] if previous else [])]
        self._clock = clock
        self._decode_cached = lru_cache(maxsize=VERIFIED_TOKEN_CACHE_SIZE)(self._decode)

    def issue(self, user: User) -> str:
        """Return a signed token that is valid for `ACCESS_LIFETIME`."""
        now = self._clock()
        claims = {
            "sub": user.id,
            "email": user.email,
            "sid": user.session_id,
            "sst": round(user.session_started_at * 1000),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_LIFETIME).timestamp()),
            **_optional_claims(user),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str) -> User | None:
        """Return the user of a valid token, or None."""
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        try:
            user, expires_at = self._decode_cached(token)
        except jwt.InvalidTokenError:
            return None
        return user if expires_at > self._clock().timestamp() else None

    def _decode(self, token: str) -> tuple[User, float]:
        """Return the user and the expiry of a token, which is pure and so can be cached.

        Raises:
            InvalidTokenError: the token is invalid. `lru_cache` does not keep it then, so that
                strangers cannot fill the cache.
        """
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    options={
                        "require": ["sub", "email", "sid", "iat", "exp"],
                        "verify_exp": False,  # checked in `verify` by our clock
                        "verify_iat": False,
                    },
                )
            except jwt.InvalidTokenError:
                continue
            expires_at, user = claims["exp"], _user(claims)
            is_valid = (
                isinstance(expires_at, int | float) and is_id(user.id) and is_id(user.session_id)
            )
            if is_valid:
                return user, float(expires_at)
        raise jwt.InvalidTokenError


def _optional_claims(user: User) -> dict[str, str | int | bool]:
    """Return the claims that most tokens lack."""
    claims: dict[str, str | int | bool] = {}
    if user.role is not None:
        claims["role"] = user.role
    if user.is_suspended:
        claims["suspended"] = True
    if user.authenticated_at > user.session_started_at:
        claims["auth_time"] = int(user.authenticated_at)
    return claims


def _user(claims: Mapping[str, object]) -> User:
    """Return the user whom claims describe. Tokens of earlier versions lack the optional ones."""
    started_at = _session_started_at(claims)
    role, authenticated_at = claims.get("role"), claims.get("auth_time")
    return User(
        id=str(claims["sub"]),
        email=str(claims["email"]),
        session_id=str(claims["sid"]),
        session_started_at=started_at,
        role=role if isinstance(role, str) else None,
        is_suspended=claims.get("suspended") is True,
        authenticated_at=authenticated_at if isinstance(authenticated_at, int) else started_at,
    )


def _session_started_at(claims: Mapping[str, object]) -> float:
    """Return when the session started, or for a token of an earlier version when it was issued."""
    match claims:
        case {"sst": int(milliseconds)}:
            return milliseconds / 1000
        case {"iat": int(seconds)}:
            return seconds
        case _:
            return 0


def user_from_cookie(headers: Headers, cookie: str, tokens: AccessTokens) -> User | None:
    """Return the user of the session cookie, without checking whether the session is revoked."""
    cookies = headers.get("cookie")
    if not cookies or cookie not in cookies:
        return None
    token = cookie_parser(cookies).get(cookie)
    return tokens.verify(token) if token else None
