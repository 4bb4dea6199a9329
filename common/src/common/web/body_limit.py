"""The size limit of request bodies."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import PayloadTooLarge
from common.web.errors import error_response

MAX_BODY_BYTES: Final = 64 * 1024


class BodyLimitMiddleware:
    """ASGI middleware: rejects a body above the limit, by its declared or its received length.

    `FastAPI(max_body_size=)` answers a declared length in plain text (decision 27).
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        content_length = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if not content_length.isdigit() or int(content_length) > self._limit:
            await error_response(PayloadTooLarge())(scope, receive, send)
            return
        received = 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:  # FastAPI passes on only HTTPException while it reads a body
                raise HTTPException(PayloadTooLarge.status, PayloadTooLarge.default_message)
            return message

        await self._app(scope, counting_receive, send)
