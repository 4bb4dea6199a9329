"""An HTTP client of one service, with sessions."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from common.auth.tokens import AccessTokens, User
from common.values.clock import utc_now
from common.values.ids import new_id

JWT_KEY: Final = "a signing key that only the tests know"
API_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""The headers of every response of every service, except its documentation page."""


class Client(httpx.AsyncClient):
    """Calls one service in this process, optionally with a session."""

    def __init__(self, app: FastAPI, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://ticketing.test",
        )
        self.app = app
        self.clock = clock

    def sign_in(self, user: User | None = None) -> User:
        """Send the session cookie of this user, or of a new one, with every request."""
        user = user or make_user()
        self.cookies.set("session", session_cookie(user, self.clock))
        return user

    def sign_out(self) -> None:
        """Send no session cookie."""
        self.cookies.clear()


def make_user(
    *, role: str | None = None, is_suspended: bool = False, authenticated_at: float = 0
) -> User:
    """Return a new user. No account is stored."""
    user_id = new_id()
    return User(
        id=user_id,
        email=f"{user_id}@example.com",
        session_id=new_id(),
        role=role,
        is_suspended=is_suspended,
        authenticated_at=authenticated_at,
    )


def session_cookie(user: User, clock: Callable[[], datetime] = utc_now) -> str:
    """Return the access token that auth would issue to this user."""
    return AccessTokens(SecretStr(JWT_KEY), None, clock).issue(user)


def errors(response: httpx.Response) -> list[dict[str, str]]:
    """Return the errors of a response after checking that it has exactly the error shape."""
    body = response.json()
    assert set(body) == {"errors"}, body
    assert body["errors"], body
    for error in body["errors"]:
        assert {"message"} <= set(error), error
    return body["errors"]
