"""Fair queueing: in each turn of the event loop, only a few requests of one network start."""

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

from common.web.client_address import client_network

MAX_STARTS_PER_TURN: Final = 2
"""Requests of one network that start in one turn of the event loop. The turns of an idle loop take
about 0.1 ms, so this delays only the many requests of one network to a busy service."""


class FairQueueMiddleware:
    """ASGI middleware: lets the requests of different networks take turns.

    A turn of the event loop runs everything that is ready, and a request that uses MongoDB takes
    part in about twenty turns. If the many requests of one client started in the same turn, they
    would delay the requests of all others by their sum, twenty times. `ConcurrencyLimitMiddleware`
    limits how many wait.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._starts = WeakValueDictionary[str, asyncio.Semaphore]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        network = client_network(scope) if scope["type"] == "http" else None
        if network is not None:
            starts = self._starts.setdefault(network, asyncio.Semaphore(MAX_STARTS_PER_TURN))
            await starts.acquire()
            asyncio.get_running_loop().call_soon(starts.release)
        await self._app(scope, receive, send)
