"""Rate limit per client network: requests beyond it get 429 with Retry-After.

It is the second line behind the gateways' own limits, and the only one on a bare machine.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from prometheus_client import Counter
from starlette.types import ASGIApp, Receive, Scope, Send

from common.errors import TooManyRequests
from common.web.client_address import set_client_network
from common.web.errors import error_response
from common.web.load_shedding import PROBE_PATHS

MAX_BUCKETS: Final = 10_000
RATE_LIMITED: Final = Counter(
    "http_requests_rate_limited_total", "HTTP requests rejected by the limit of their address"
)


class TokenBuckets:
    """A token bucket per key, kept for the most recent keys.

    A bucket is one number, the time at which it will be full (the generic cell rate algorithm).
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds_per_token = 1 / rate
        self._capacity_seconds = (burst + 0.5) / rate  # the half absorbs rounding errors
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> bool:
        """Return whether the key's bucket had a token, which is now used."""
        now = self._clock()
        full_at = max(now, self._full_at.get(key, now)) + self._seconds_per_token
        if full_at - now > self._capacity_seconds:
            return False
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > MAX_BUCKETS:
            self._full_at.popitem(last=False)
        return True


class RateLimitMiddleware:
    """ASGI middleware: rejects requests of a network that exceeds its rate.

    A request without a client network is internal, and a probe is the platform's: neither is
    limited.
    """

    def __init__(self, app: ASGIApp, *, rate: float, burst: int, trusted_proxies: int) -> None:
        self._app = app
        self._buckets = TokenBuckets(rate, burst) if rate else None
        self._trusted_proxies = trusted_proxies
        self._response = error_response(TooManyRequests(retry_after=1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            network = set_client_network(scope, self._trusted_proxies)
            if (
                network is not None
                and self._buckets is not None
                and not self._buckets.take(network)
                and scope["path"] not in PROBE_PATHS
            ):
                RATE_LIMITED.inc()
                await self._response(scope, receive, send)
                return
        await self._app(scope, receive, send)
