"""Limits on the head of a request, whose parsing strangers could otherwise make expensive.

The gateways limit the size of a head to 32 KiB, which is too much for some parsers: Python before
3.11.10 needs 0.65 s for a cookie of 15,000 backslashes, and a query of 15,000 parameters needs
20 ms. The event loop does nothing else in that time.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from common.errors import HeadersTooLarge, UriTooLong
from common.web.errors import error_response

MAX_QUERY_BYTES: Final = 4 * 1024
MAX_QUERY_PARAMETERS: Final = 50
MAX_HEADERS: Final = 100
MAX_COOKIE_BYTES: Final = 16 * 1024
"""Of all cookies of a request. Node.js accepts no longer heads either."""


class RequestHeadMiddleware:
    """ASGI middleware: rejects long queries and heads, and removes cookies with a backslash.

    No cookie of ours contains a backslash, and RFC 6265 allows none. Another application on the
    same host may set one all the same, so such a request is not rejected.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        query: bytes = scope["query_string"]
        if len(query) > MAX_QUERY_BYTES or query.count(b"&") >= MAX_QUERY_PARAMETERS:
            await error_response(UriTooLong())(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        cookies = [value for name, value in headers if name == b"cookie"]
        if len(headers) > MAX_HEADERS or sum(map(len, cookies)) > MAX_COOKIE_BYTES:
            await error_response(HeadersTooLarge())(scope, receive, send)
            return
        if any(b"\\" in value for value in cookies):
            scope["headers"] = [
                (name, _without_backslashes(value) if name == b"cookie" else value)
                for name, value in headers
            ]
        await self._app(scope, receive, send)


def _without_backslashes(cookies: bytes) -> bytes:
    return b";".join(cookie for cookie in cookies.split(b";") if b"\\" not in cookie)
