"""The middleware that answers public reads from memory."""

import asyncio
import re
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.web.etags import not_modified
from common.web.response_cache import Answer, Key, Recent, finished

READS: Final = Counter("recent_reads_total", "Reads of public answers", ["from"])
_FROM_MEMORY = READS.labels("memory")
_FROM_STORE = READS.labels("store")
_OF_THE_BODY: Final = {b"content-length", b"content-type"}


class RecentAnswers:
    """ASGI middleware: answers the public reads whose paths match from memory."""

    def __init__(
        self, app: ASGIApp, *, recent: Recent, paths: str, reader: Callable[[Scope], str | None]
    ) -> None:
        """Take the app, the answers, a pattern of whole paths, and who says which user reads."""
        self._app = app
        self._recent = recent
        self._paths = re.compile(paths)
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or self._paths.fullmatch(scope["path"]) is None
        ):
            await self._app(scope, receive, send)
            return
        key = (scope["path"], scope["query_string"])
        since = self._recent.since(lambda: self._reader(scope))
        answer = self._recent.get(key, since)
        if answer is not None:
            _FROM_MEMORY.inc()
        elif computation := self._recent.computing(key, since):
            answer = await asyncio.shield(computation.answer)
        else:
            answer = await self._compute(key, scope)
        if answer is None:  # not one to keep: an error
            await self._app(scope, receive, send)
            return
        scope["route"] = answer.route
        await _send(answer, scope, send)

    async def _compute(self, key: Key, scope: Scope) -> Answer | None:
        """Ask the app, as nobody in particular, and keep what it says."""
        _FROM_STORE.inc()
        computation = self._recent.compute(key)
        answer: Answer | None = None
        try:
            answer = await self._ask(scope, computation.began)
        finally:
            self._recent.computed(key, computation, answer)
        return answer

    async def _ask(self, scope: Scope, began: float) -> Answer | None:
        started: MutableMapping[str, Any] = {}
        body = bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                body.extend(message.get("body", b""))

        asked: dict[str, Any] = {**scope, "headers": _impersonal(scope["headers"]), "state": {}}
        await self._app(asked, receive, keep)
        scope["route"] = route = asked.get("route")
        if started["status"] != 200:  # noqa: PLR2004
            return None
        return finished(started["status"], started["headers"], bytes(body), began, route)


def _impersonal(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Leave out whatever tells one reader from another."""
    personal = {b"cookie", b"authorization", b"if-none-match"}
    return [(name, value) for name, value in headers if name not in personal]


async def _send(answer: Answer, scope: Scope, send: Send) -> None:
    known = _known(scope)
    if known is not None and not_modified(known, answer.tag):
        kept = [(name, value) for name, value in answer.headers if name not in _OF_THE_BODY]
        await send({"type": "http.response.start", "status": 304, "headers": kept})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


def _known(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            return value.decode("latin-1")
    return None
