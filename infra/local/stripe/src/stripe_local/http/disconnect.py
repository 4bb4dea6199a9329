"""An answer that never comes: the connection is cut, as by a network that fails."""

from typing import Any, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_ABORT_KEY = "stripe_local.cut"


class DisconnectResponse(Response):
    """Cuts the connection in place of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # nothing is sent
        """Cut, then wait until the server has noticed, so that it sends nothing either."""
        scope[_ABORT_KEY]()
        while (await receive())["type"] != "http.disconnect":
            pass


class DisconnectMiddleware:
    """Lets the app inside cut the connection, which ASGI itself has no word for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with a way to the connection: uvicorn's `send` is a method of its owner."""
        if scope["type"] == "http":
            scope[_ABORT_KEY] = cast("Any", send).__self__.transport.abort
        await self._app(scope, receive, send)
