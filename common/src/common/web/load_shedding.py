"""Admission: so many requests at a time, and whoever comes beyond is told at once to come back.

Under more load than it can take, a service that lets everybody in answers everybody late, and
soon nobody in time. One that refuses the excess cheaply goes on at its best for all the others.
"""

from typing import Final

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import Unavailable
from common.web.errors import failure_response

OPERATIONAL: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by the platform: a busy service is not a broken one."""
TOO_MANY: Final = "too_many"
"""Marks a refused request in its state: counted, but not worth a line of the log each."""
IN_HAND: Final = Gauge("http_requests_in_hand", "Requests let in and not yet answered")
REFUSED: Final = Counter("http_requests_refused_total", "Requests refused for being too many")


class Admission:
    """ASGI middleware: refuses what comes while too many are in hand.

    A request is in hand until its answer begins: an open event stream is not work.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        """Take the app, and how many requests it may have in hand."""
        self._app = app
        self._most = most
        self._in_hand = 0
        self._refusal = failure_response(Unavailable("Too busy, please try again", retry_after=1))
        IN_HAND.set_function(lambda: self._in_hand)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPERATIONAL:
            await self._app(scope, receive, send)
            return
        if self._in_hand >= self._most:
            REFUSED.inc()
            scope.setdefault("state", {})[TOO_MANY] = True
            await self._refusal(scope, receive, send)
            return
        self._in_hand += 1
        in_hand = True

        def leave() -> None:
            nonlocal in_hand
            if in_hand:
                in_hand = False
                self._in_hand -= 1

        async def answering(message: Message) -> None:
            leave()
            await send(message)

        try:
            await self._app(scope, receive, answering)
        finally:
            leave()
