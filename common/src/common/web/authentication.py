"""The middleware that reads the session cookie and rejects cross-site writes.

It is here and not in `common.auth` because it renders errors.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, cookie_name, user_from_cookie
from common.errors import Forbidden
from common.observability.context import CURRENT_ACTOR
from common.web.errors import error_response

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class AuthenticationMiddleware:
    """ASGI middleware: sets `request.state.user` and rejects cross-site writes."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        tokens: AccessTokens,
        revocations: Revocations,
        secure: bool,
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._revocations = revocations
        self._cookie = cookie_name("session", secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in SAFE_METHODS and is_cross_site(headers):
            await error_response(Forbidden())(scope, receive, send)
            return
        user = user_from_cookie(headers, self._cookie, self._tokens)
        revoked = user is not None and user.session_id in self._revocations
        user = None if revoked else user
        scope.setdefault("state", {})["user"] = user
        CURRENT_ACTOR.set(f"user {user.id}" if user else "anonymous")
        await self._app(scope, receive, send)


def is_cross_site(headers: Headers) -> bool:
    """Return whether a browser sent this request for a page of another site.

    Checks Fetch Metadata, or the Origin header for browsers without it. Clients that are not
    browsers send neither (OWASP, Cross-Site Request Forgery Prevention Cheat Sheet).
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != headers.get("host")
    except ValueError:  # such as an unclosed bracket, which no browser sends
        return True
