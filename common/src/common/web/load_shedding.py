"""Concurrency limit: requests beyond the limit are rejected with Retry-After immediately.

An overloaded service that accepts everything answers everything late. Rejecting the excess keeps
the latency of the accepted requests, and must be cheap: most requests are rejected then.
"""

from collections import Counter as Multiset
from collections.abc import Callable
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


class ConcurrencyLimit:
    """The requests in flight in this process, and how many there may be.

    Beyond `max_in_flight` a request gets 503, and beyond `max_per_network` of its client's network
    429. A request is in flight from its complete body until its response starts, so neither an
    unfinished body nor an open event stream counts.
    """

    def __init__(self, *, max_in_flight: int, max_per_network: int = 0) -> None:
        self._max_in_flight = max_in_flight
        self._max_per_network = max_per_network
        self._in_flight = 0
        self._in_flight_by_network: Multiset[str] = Multiset()
        message = "Too busy, please try again"
        self._shed_response = error_response(ServiceUnavailable(message, retry_after=1))
        self._network_response = error_response(TooManyRequests(retry_after=1))
        IN_FLIGHT.set_function(lambda: self._in_flight)

    def rejection(self, scope: Scope) -> ASGIApp | None:
        """Return the response to a request beyond the limit, or None if it may be handled.

        A rejection is counted, and its request is not logged.
        """
        if self._in_flight >= self._max_in_flight:
            response = self._shed_response
        elif self._is_network_full(self._network(scope)):
            response = self._network_response
        else:
            return None
        SHED.inc()
        scope.setdefault("state", {})[UNLOGGED_FLAG] = True
        return response

    def enter(self, scope: Scope) -> Callable[[], None]:
        """Count a request, and return the function that ends this, which may be called again."""
        network = self._network(scope)
        self._count(network, 1)
        is_counted = True

        def leave() -> None:
            nonlocal is_counted
            if is_counted:
                is_counted = False
                self._count(network, -1)

        return leave

    def _network(self, scope: Scope) -> str | None:
        return client_network(scope) if self._max_per_network else None

    def _is_network_full(self, network: str | None) -> bool:
        return network is not None and self._in_flight_by_network[network] >= self._max_per_network

    def _count(self, network: str | None, change: int) -> None:
        self._in_flight += change
        if network is not None:
            self._in_flight_by_network[network] += change
            if not self._in_flight_by_network[network]:
                del self._in_flight_by_network[network]


def _is_limited(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] not in PROBE_PATHS


class LoadSheddingMiddleware:
    """ASGI middleware: rejects a request at the limit before its session and its body are read.

    To verify a session costs more than the rest of a rejection.
    """

    def __init__(self, app: ASGIApp, *, limit: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rejection = self._limit.rejection(scope) if _is_limited(scope) else None
        await (rejection or self._app)(scope, receive, send)


class ConcurrencyLimitMiddleware:
    """ASGI middleware: counts the requests in flight.

    Rejects those whose bodies were being read when the last place was taken.
    """

    def __init__(self, app: ASGIApp, *, limit: ConcurrencyLimit) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_limited(scope):
            await self._app(scope, receive, send)
            return
        rejection = self._limit.rejection(scope)
        if rejection is not None:
            await rejection(scope, receive, send)
            return
        leave = self._limit.enter(scope)

        async def send_and_leave(message: Message) -> None:
            leave()
            await send(message)

        try:
            await self._app(scope, receive, send_and_leave)
        finally:
            leave()
