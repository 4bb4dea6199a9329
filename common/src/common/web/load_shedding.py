"""Concurrency limit: requests beyond the limit get 503 with Retry-After immediately.

An overloaded service that accepts everything answers everything late. Rejecting the excess is
cheap and keeps the latency of the accepted requests.
"""

from typing import Final

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import ServiceUnavailable
from common.web.errors import error_response

PROBE_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""The platform's own requests: never shed, because a busy service is not a broken one."""
UNLOGGED_FLAG: Final = "unlogged"
"""Marks a request in its state that is counted but not logged: a shed one, or a failing probe."""
IN_FLIGHT: Final = Gauge("http_requests_in_flight", "HTTP requests admitted and not yet answered")
SHED: Final = Counter("http_requests_shed_total", "HTTP requests rejected by the concurrency limit")


class ConcurrencyLimitMiddleware:
    """ASGI middleware: rejects requests while `max_in_flight` others are in flight.

    A request is in flight until its response starts, so an open event stream does not count.
    """

    def __init__(self, app: ASGIApp, *, max_in_flight: int) -> None:
        self._app = app
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._shed_response = error_response(
            ServiceUnavailable("Too busy, please try again", retry_after=1)
        )
        IN_FLIGHT.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        if self._in_flight >= self._max_in_flight:
            SHED.inc()
            scope.setdefault("state", {})[UNLOGGED_FLAG] = True
            await self._shed_response(scope, receive, send)
            return
        self._in_flight += 1
        is_counted = True

        def release() -> None:
            nonlocal is_counted
            if is_counted:
                is_counted = False
                self._in_flight -= 1

        async def send_and_release(message: Message) -> None:
            release()
            await send(message)

        try:
            await self._app(scope, receive, send_and_release)
        finally:
            release()
