"""HEAD: the response to a GET request, without its body (RFC 9110, 9.3.2)."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """ASGI middleware: handles HEAD requests as GET requests, and sends only the head.

    FastAPI's routes answer HEAD with 405, and a route that allowed both methods would be documented
    twice. The response ends with its head, so an event stream ends too: its server then sees a
    disconnected client.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})  # shared, because it names the user to the request's log
        get_scope: dict[str, Any] = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["route"] = get_scope.get("route")
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        await self._app(get_scope, receive, send_head)
