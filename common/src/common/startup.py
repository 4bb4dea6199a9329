"""Opening a service while its process already serves the health endpoints.

uvicorn listens only after the lifespan has started. Therefore the lifespan starts a task that opens
the service, which may wait for its stores, and other requests get 503 until the service is open.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from common.background import cancel
from common.errors import ServiceUnavailable
from common.lifecycle import ServiceState
from common.web.errors import error_response
from common.web.load_shedding import PROBE_PATHS, UNLOGGED_FLAG

log = structlog.get_logger("startup")


@asynccontextmanager
async def open_in_background(
    app: FastAPI, lifespan: Callable[[], AbstractAsyncContextManager[ServiceState]]
) -> AsyncGenerator[None]:
    """Open the service in a task, and close it at the end of the block.

    Sets `app.state.service`, and then the event `app.state.opened`. If opening the service fails,
    the process exits.
    """
    opened: asyncio.Event = app.state.opened
    stopping = asyncio.Event()

    async def run() -> None:
        try:
            async with lifespan() as state:
                app.state.service = state
                opened.set()
                await stopping.wait()
        except Exception as error:
            if opened.is_set():  # the service failed to close, which the lifespan reports
                raise
            log.critical("service not started", exc_info=error)
            raise SystemExit(1) from error

    task = asyncio.create_task(run(), name="service")
    try:
        yield
    finally:
        stopping.set()
        if opened.is_set():
            await task
        elif not task.done():
            await cancel(task)


class StartupMiddleware:
    """ASGI middleware: answers 503 with Retry-After until the service is open."""

    def __init__(self, app: ASGIApp, *, is_open: Callable[[], bool]) -> None:
        self._app = app
        self._is_open = is_open
        self._response = error_response(ServiceUnavailable("Starting, try again", retry_after=1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_open() or scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
        else:
            scope.setdefault("state", {})[UNLOGGED_FLAG] = True
            await self._response(scope, receive, send)
