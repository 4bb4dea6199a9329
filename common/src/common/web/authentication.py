"""The middleware that reads the session cookie and rejects cross-site writes.

It is here and not in `common.auth` because it renders errors.
"""

from typing import Final
from urllib.parse import urlsplit

from fastapi.dependencies.models import Dependant
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth.dependencies import current_user, optional_user
from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, cookie_name, user_from_cookie
from common.errors import Forbidden
from common.observability.context import CURRENT_ACTOR
from common.web.errors import error_response

PRIVATE: Final = "private, no-cache"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class AuthenticationMiddleware:
    """ASGI middleware: sets `request.state.user` and rejects cross-site writes.

    A response that depends on the session is `private, no-cache`, unless its route says `no-store`:
    shared caches do not keep it, and a browser asks the service before it uses its copy.
    """

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

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start" and _depends_on_session(scope):
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", PRIVATE)
            await send(message)

        await self._app(scope, receive, send_private)


def _depends_on_session(scope: Scope) -> bool:
    dependant: Dependant | None = getattr(scope.get("route"), "dependant", None)
    return dependant is not None and _reads_user(dependant)


def _reads_user(dependant: Dependant) -> bool:
    return any(
        dependency.call in {current_user, optional_user} or _reads_user(dependency)
        for dependency in dependant.dependencies
    )


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
