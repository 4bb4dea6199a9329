"""Request bodies: a body is read completely, and in time, before its request is handled.

A request that waits for its body costs one connection and the bytes that have arrived, and none of
the places of the concurrency limit. Bodies that never end therefore keep nobody else out.

A route may read its bodies itself, after checks of its own and within other limits.
"""

import asyncio
import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import ApiError, BadRequest, PayloadTooLarge, RequestTimeout
from common.web.errors import error_response

MAX_BODY_BYTES: Final = 64 * 1024
MAX_BODIES: Final = 1_024
"""Bodies that a process reads at a time, so that they take at most 64 MiB."""


def has_body(scope: Scope) -> bool:
    """Return whether the request has a body, by its headers (RFC 9112, 6.3)."""
    return any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


def check_declared_length(scope: Scope, limit: int) -> None:
    """Check the length that the head of a request declares, if it does.

    Raises:
        PayloadTooLarge: it is above the limit, or no length.
    """
    declared = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
    if not declared.isdigit() or int(declared) > limit:
        raise PayloadTooLarge


async def read_until_complete(receive: Receive, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        PayloadTooLarge: it is above the limit.
        BadRequest: the client has closed the connection.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("Incomplete body")  # nobody reads this response
        body += message.get("body", b"")
        if len(body) > limit:
            raise PayloadTooLarge
        if not message.get("more_body", False):
            return bytes(body)


class RequestBodyMiddleware:
    """ASGI middleware: reads a body, and passes its request on when the body is complete.

    A body above the limit gets 413, by its declared or its received length. A body that is not
    complete in time gets 408, and its connection is closed. Beyond `max_bodies`, the body that
    began first gets 408 at once, so unfinished bodies only displace each other: a body that is sent
    at once is complete before it could be the oldest.

    `FastAPI(max_body_size=)` answers a declared length in plain text (decision 27).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        timeout_seconds: float,
        limit: int = MAX_BODY_BYTES,
        max_bodies: int = MAX_BODIES,
        read_by_route: re.Pattern[str] | None = None,
    ) -> None:
        """Create the middleware.

        Args:
            app: what receives a request when its body is complete.
            timeout_seconds: how long a body may take.
            limit: how many bytes it may have.
            max_bodies: how many bodies are read at a time.
            read_by_route: the method and path of requests, such as `PUT /x`, whose routes read
                their bodies themselves.
        """
        self._app = app
        self._read_by_route = read_by_route
        self._timeout_seconds = timeout_seconds
        self._limit = limit
        self._max_bodies = max_bodies
        self._timeouts: dict[asyncio.Timeout, None] = {}
        """The timeout of each body that is being read, the oldest first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(scope) or self._is_read_by_route(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except ApiError as error:
            await error_response(error)(scope, receive, send)
            return
        await self._app(scope, _receive_body(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        check_declared_length(scope, self._limit)
        if len(self._timeouts) >= self._max_bodies:
            self._end_oldest()
        try:
            async with asyncio.timeout(self._timeout_seconds) as timeout:
                self._timeouts[timeout] = None
                try:
                    return await read_until_complete(receive, self._limit)
                finally:
                    self._timeouts.pop(timeout, None)
        except TimeoutError:
            raise RequestTimeout from None

    def _is_read_by_route(self, scope: Scope) -> bool:
        return self._read_by_route is not None and bool(
            self._read_by_route.fullmatch(f"{scope['method']} {scope['path']}")
        )

    def _end_oldest(self) -> None:
        oldest = next(iter(self._timeouts))
        del self._timeouts[oldest]
        if not oldest.expired():
            oldest.reschedule(0)


def _receive_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns the whole body first."""
    is_received = False

    async def receive_body() -> Message:
        nonlocal is_received
        if is_received:
            return await receive()
        is_received = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body
