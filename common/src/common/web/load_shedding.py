"""Admission: so many requests at a time, and whoever comes beyond is told at once to come back.

Under more load than it can take, a service that lets everybody in answers everybody late, and
soon nobody in time. One that refuses the excess cheaply goes on at its best for all the others.
"""

from typing import Final

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import ServiceUnavailable
from common.web.errors import error_response

PROBE_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by the platform: a busy service is not a broken one."""
SHED_FLAG: Final = "too_many"
"""Marks a refused request in its state: counted, but not worth a line of the log each."""
IN_FLIGHT: Final = Gauge("http_requests_in_flight", "HTTP requests admitted and not yet answered")
SHED: Final = Counter("http_requests_shed_total", "HTTP requests rejected by the concurrency limit")


class ConcurrencyLimitMiddleware:
    """ASGI middleware: refuses what comes while too many are in hand.

    A request is in hand until its answer begins: an open event stream is not work.
    """

    def __init__(self, app: ASGIApp, *, max_in_flight: int) -> None:
        """Take the app, and how many requests it may have in hand."""
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
            scope.setdefault("state", {})[SHED_FLAG] = True
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
