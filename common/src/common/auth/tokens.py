"""Who is asking: the session cookie, read and verified by every service alone.

The access token is a JWT (HS256) in an HttpOnly cookie. A bad or expired one makes its bearer
anonymous, never an error. A session that was ended is refused from its `session.revoked` on, by
every process, until the last access token of it has expired by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final
from urllib.parse import urlsplit

import jwt
from fastapi import Depends, Request
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from common.errors import Failure, Forbidden, NotAuthorized
from common.events import SessionRevoked
from common.messaging.bus import Bus, handlers
from common.persistence.audit_log import ACTOR
from common.values.clock import Clock
from common.values.ids import is_id

ACCESS_LIFETIME: Final = timedelta(minutes=15)
ALGORITHM: Final = "HS256"
VERIFIED: Final = 10_000
"""Tokens whose signature is remembered; each request asks anew whether they have expired."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


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
        self._verified = lru_cache(maxsize=VERIFIED)(self._verify)

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

    def read(self, token: str) -> User | None:
        """Give the bearer of a good token; nobody for any other."""
        user, expires = self._verified(token)
        return user if expires > self._clock().timestamp() else None

    def _verify(self, token: str) -> tuple[User | None, float]:
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
            expires = claims["exp"]
            good = isinstance(expires, int | float) and is_id(user.id) and is_id(user.session_id)
            return (user, float(expires)) if good else (None, 0.0)
        return None, 0.0


class Revocations:
    """The sessions that were ended while an access token of theirs could still be good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    async def follow(self, bus: Bus) -> None:
        """Hear of every ended session, the last quarter of an hour included."""
        since = self._clock() - ACCESS_LIFETIME - timedelta(minutes=1)
        await bus.follow("auth", handlers(self.on_session_revoked), since=since)

    async def on_session_revoked(self, event: SessionRevoked, _sequence: int = 0) -> None:
        """Refuse the session from now on; forget those whose tokens have expired."""
        now = self._clock()
        self._until = {sid: until for sid, until in self._until.items() if until > now}
        self.add(event.session_id, event.until)

    def add(self, session_id: str, until: datetime) -> None:
        """Refuse a session's access tokens until this moment."""
        self._until[session_id] = until

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until


class Authentication:
    """ASGI middleware: says who is asking, and refuses writes that another site caused."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        tokens: AccessTokens,
        revocations: Revocations,
        secure: bool,
        refuse: Callable[[Failure], ASGIApp],
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._revocations = revocations
        self._cookie = cookie_name("session", secure=secure)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in SAFE_METHODS and from_another_site(headers):
            await self._refuse(Forbidden())(scope, receive, send)
            return
        user = bearer(headers, self._cookie, self._tokens)
        revoked = user is not None and user.session_id in self._revocations
        user = None if revoked else user
        scope.setdefault("state", {})["user"] = user
        ACTOR.set(f"user {user.id}" if user else "somebody not signed in")
        await self._app(scope, receive, send)


def bearer(headers: Headers, cookie: str, tokens: AccessTokens) -> User | None:
    """Read who sent these headers from the session cookie; ended sessions are not looked at."""
    cookies = headers.get("cookie")
    if not cookies or cookie not in cookies:
        return None
    token = cookie_parser(cookies).get(cookie)
    return tokens.read(token) if token else None


def from_another_site(headers: Headers) -> bool:
    """Tell whether a browser sent this write for a page of another site.

    Fetch Metadata first, the Origin header for browsers without it; programs send neither
    (OWASP, Cross-Site Request Forgery Prevention Cheat Sheet).
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != headers.get("host")
    except ValueError:  # such as an unclosed bracket: no browser's
        return True


async def current_user_or_none(request: Request) -> User | None:
    """Say who is asking, if anyone."""
    user: User | None = request.state.user
    return user


async def current_user(request: Request) -> User:
    """Say who is asking.

    Raises:
        NotAuthorized: nobody is signed in.
    """
    user: User | None = request.state.user
    if user is None:
        raise NotAuthorized
    return user


CurrentUser = Annotated[User, Depends(current_user)]
"""The signed-in user; a route that names it answers 401 to anyone else."""

MaybeUser = Annotated[User | None, Depends(current_user_or_none)]
"""The signed-in user, or nobody."""
