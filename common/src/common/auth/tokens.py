"""Access tokens: signed and verified by every service without asking another.

The access token is a JWT (HS256) in an HttpOnly cookie. A bad or expired one makes its bearer
anonymous, never an error.
"""

from dataclasses import dataclass
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
"""Tokens whose verified claims are cached; expiry is checked at every request."""


@dataclass(frozen=True, slots=True)
class User:
    """Who is asking, and in which session."""

    id: str
    email: str
    session_id: str


def cookie_name(name: str, *, secure: bool) -> str:
    """Name a cookie: `__Host-` pins it to this host over TLS (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure else name


class AccessTokens:
    """Signs and reads access tokens; the previous key is still read, never signed with."""

    def __init__(self, key: SecretStr, previous: SecretStr | None, clock: Clock) -> None:
        self._key = key.get_secret_value()
        self._keys = [self._key, *([previous.get_secret_value()] if previous else [])]
        self._clock = clock
        self._decode_cached = lru_cache(maxsize=VERIFIED_TOKEN_CACHE_SIZE)(self._decode)

    def issue(self, user: User) -> str:
        """Sign a token that is good for fifteen minutes."""
        now = self._clock()
        claims = {
            "sub": user.id,
            "email": user.email,
            "sid": user.session_id,
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_LIFETIME).timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str) -> User | None:
        """Give the bearer of a good token; nobody for any other."""
        user, expires_at = self._decode_cached(token)
        return user if expires_at > self._clock().timestamp() else None

    def _decode(self, token: str) -> tuple[User | None, float]:
        """Check the signature and the claims; say until when it is good. The same every time."""
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    options={
                        "require": ["sub", "email", "sid", "iat", "exp"],
                        "verify_exp": False,  # below, by the clock that was passed in
                        "verify_iat": False,
                    },
                )
            except jwt.InvalidTokenError:
                continue
            user = User(str(claims["sub"]), str(claims["email"]), str(claims["sid"]))
            expires_at = claims["exp"]
            is_valid = (
                isinstance(expires_at, int | float) and is_id(user.id) and is_id(user.session_id)
            )
            return (user, float(expires_at)) if is_valid else (None, 0.0)
        return None, 0.0


def user_from_cookie(headers: Headers, cookie: str, tokens: AccessTokens) -> User | None:
    """Read who sent these headers from the session cookie; ended sessions are not looked at."""
    cookies = headers.get("cookie")
    if not cookies or cookie not in cookies:
        return None
    token = cookie_parser(cookies).get(cookie)
    return tokens.verify(token) if token else None
