"""Concurrency limit: requests beyond the limit are rejected with Retry-After immediately.

An overloaded service that accepts everything answers everything late. Rejecting the excess is
cheap and keeps the latency of the accepted requests.
"""

from collections import Counter as Multiset
from typing import Final

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import ServiceUnavailable, TooManyRequests
from common.web.client_address import client_network
from common.web.errors import error_response

PROBE_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""The platform's own requests: never shed, because a busy service is not a broken one."""
UNLOGGED_FLAG: Final = "unlogged"
"""Marks a request in its state that is counted but not logged: a shed one, or a failing probe."""
IN_FLIGHT: Final = Gauge("http_requests_in_flight", "HTTP requests admitted and not yet answered")
SHED: Final = Counter("http_requests_shed_total", "HTTP requests rejected by the concurrency limit")


class ConcurrencyLimitMiddleware:
    """ASGI middleware: rejects requests while too many others are in flight.

    Beyond `max_in_flight` in the process a request gets 503, and beyond `max_per_network` of its
    client's network 429. A request is in flight from its complete body until its response starts,
    so neither an unfinished body nor an open event stream counts.
    """

    def __init__(self, app: ASGIApp, *, max_in_flight: int, max_per_network: int = 0) -> None:
        self._app = app
        self._max_in_flight = max_in_flight
        self._max_per_network = max_per_network
        self._in_flight = 0
        self._in_flight_by_network: Multiset[str] = Multiset()
        message = "Too busy, please try again"
        self._shed_response = error_response(ServiceUnavailable(message, retry_after=1))
        self._network_response = error_response(TooManyRequests(retry_after=1))
        IN_FLIGHT.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        network = client_network(scope) if self._max_per_network else None
        rejection = self._rejection(network)
        if rejection is not None:
            SHED.inc()
            scope.setdefault("state", {})[UNLOGGED_FLAG] = True
            await rejection(scope, receive, send)
            return
        self._count(network, 1)
        is_counted = True

        def release() -> None:
            nonlocal is_counted
            if is_counted:
                is_counted = False
                self._count(network, -1)

        async def send_and_release(message: Message) -> None:
            release()
            await send(message)

        try:
            await self._app(scope, receive, send_and_release)
        finally:
            release()

    def _rejection(self, network: str | None) -> ASGIApp | None:
        if self._in_flight >= self._max_in_flight:
            return self._shed_response
        if network is None or self._in_flight_by_network[network] < self._max_per_network:
            return None
        return self._network_response

    def _count(self, network: str | None, change: int) -> None:
        self._in_flight += change
        if network is not None:
            self._in_flight_by_network[network] += change
            if not self._in_flight_by_network[network]:
                del self._in_flight_by_network[network]
