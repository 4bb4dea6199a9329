"""The middleware that answers public reads from the response cache."""

import asyncio
import re
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from prometheus_client import Counter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.web.etags import not_modified
from common.web.response_cache import CachedResponse, Key, ResponseCache, to_cached_response

CACHE_REQUESTS: Final = Counter(
    "response_cache_requests_total", "Reads of public resources, by cache result", ["result"]
)
_HITS = CACHE_REQUESTS.labels("hit")
_MISSES = CACHE_REQUESTS.labels("miss")
_BODY_HEADERS: Final = {b"content-length", b"content-type"}
_USER_HEADERS: Final = {b"cookie", b"authorization", b"if-none-match"}
"""The headers that depend on the reader."""


class ResponseCacheMiddleware:
    """ASGI middleware: answers GET requests whose whole path matches `paths` from the cache."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        cache: ResponseCache,
        paths: str,
        user_id_of: Callable[[Scope], str | None],
    ) -> None:
        self._app = app
        self._cache = cache
        self._paths = re.compile(paths)
        self._user_id_of = user_id_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or self._paths.fullmatch(scope["path"]) is None
        ):
            await self._app(scope, receive, send)
            return
        key = self._cache.key(scope["path"], scope["query_string"])
        oldest = self._cache.oldest_acceptable(lambda: self._user_id_of(scope))
        response = self._cache.get(key, oldest)
        if response is not None:
            _HITS.inc()
        elif request := self._cache.in_flight(key, oldest):
            response = await asyncio.shield(request.result)
        else:
            response = await self._fetch(key, scope)
        if response is None:  # an error, which is not cached
            await self._app(scope, receive, send)
            return
        scope["route"] = response.route
        await _send(response, scope, send)

    async def _fetch(self, key: Key, scope: Scope) -> CachedResponse | None:
        """Call the app as an anonymous user, with the canonical query, and cache its response."""
        _MISSES.inc()
        request = self._cache.begin(key)
        response: CachedResponse | None = None
        try:
            response = await self._call_app(key, scope, request.started_at)
        finally:
            self._cache.finish(key, request, response)
        return response

    async def _call_app(self, key: Key, scope: Scope, read_at: float) -> CachedResponse | None:
        start: MutableMapping[str, Any] = {}
        body = bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def capture(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        headers = [(name, value) for name, value in scope["headers"] if name not in _USER_HEADERS]
        _, query = key
        inner_scope: dict[str, Any] = {
            **scope,
            "query_string": query,
            "headers": headers,
            "state": {},
        }
        await self._app(inner_scope, receive, capture)
        scope["route"] = route = inner_scope.get("route")
        if start["status"] != 200:  # noqa: PLR2004
            return None
        return to_cached_response(start["status"], start["headers"], bytes(body), read_at, route)


async def _send(response: CachedResponse, scope: Scope, send: Send) -> None:
    if_none_match = Headers(scope=scope).get("if-none-match")
    if not_modified(if_none_match, response.tag):
        headers = [(name, value) for name, value in response.headers if name not in _BODY_HEADERS]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send(
        {"type": "http.response.start", "status": response.status, "headers": response.headers}
    )
    await send({"type": "http.response.body", "body": response.body})
