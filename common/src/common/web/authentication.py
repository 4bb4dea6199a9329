"""The middleware that reads the session cookie and rejects cross-site writes.

It is here and not in `common.auth` because it renders errors.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from fastapi.dependencies.models import Dependant
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth.dependencies import current_user, optional_user
from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, cookie_name, user_from_cookie
from common.errors import Forbidden, Unauthorized
from common.observability.context import CURRENT_ACTOR
from common.web.errors import error_response
from common.web.request_body import has_body

PRIVATE: Final = "private, no-cache"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class AuthenticationMiddleware:
    """ASGI middleware: sets `request.state.user` and rejects cross-site writes.

    A request without a session, for a route that needs one, is rejected before its body is read.
    FastAPI would parse the body first.

    A response that depends on the session is `private, no-cache`, unless its route says `no-store`:
    shared caches do not keep it, and a browser asks the service before it uses its copy.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Sequence[BaseRoute],
        tokens: AccessTokens,
        revocations: Revocations,
        secure: bool,
    ) -> None:
        self._app = app
        self._routes = routes
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
        if user is not None and self._revocations.is_revoked(user):
            user = None
        scope.setdefault("state", {})["user"] = user
        CURRENT_ACTOR.set(f"user {user.id}" if user else "anonymous")

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start" and _depends_on(
                scope, current_user, optional_user
            ):
                headers = MutableHeaders(raw=message["headers"])
                headers.setdefault("Cache-Control", PRIVATE)
            await send(message)

        if user is None and has_body(scope) and self._needs_session(scope):
            await error_response(Unauthorized())(scope, receive, send_private)
            return
        await self._app(scope, receive, send_private)

    def _needs_session(self, scope: Scope) -> bool:
        """Return whether the route of a request needs a session, after setting it in the scope."""
        for route in self._routes:
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                scope["route"] = child_scope.get("route")
                return _depends_on(scope, current_user)
        return False


def _depends_on(scope: Scope, *dependencies: object) -> bool:
    """Return whether the route of a request has one of these dependencies."""
    dependant: Dependant | None = getattr(scope.get("route"), "dependant", None)
    return dependant is not None and _has_dependency(dependant, dependencies)


def _has_dependency(dependant: Dependant, calls: tuple[object, ...]) -> bool:
    return any(
        dependency.call in calls or _has_dependency(dependency, calls)
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
