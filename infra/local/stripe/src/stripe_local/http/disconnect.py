"""Abort a connection instead of responding, as a failing network does."""

from typing import Any, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_ABORT_KEY = "stripe_local.abort"


class DisconnectResponse(Response):
    """Aborts the connection instead of responding."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # nothing is sent
        """Abort, then wait until uvicorn has noticed, so that it sends no response either."""
        scope[_ABORT_KEY]()
        while (await receive())["type"] != "http.disconnect":
            pass


class DisconnectMiddleware:
    """Makes aborting the connection available to the app, because ASGI does not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app; uvicorn's `send` is a method of the object that has the transport."""
        if scope["type"] == "http":
            scope[_ABORT_KEY] = cast("Any", send).__self__.transport.abort
        await self._app(scope, receive, send)
