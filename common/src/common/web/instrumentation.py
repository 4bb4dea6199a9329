"""The request id, security headers, duration metric, span and log line of each request."""

import logging
import random
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Final

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth.tokens import User
from common.observability import tracing
from common.observability.context import REQUEST_ID, REQUEST_ID_HEADER
from common.web.authentication import SAFE_METHODS
from common.web.load_shedding import PROBE_PATHS, UNLOGGED_FLAG
from common.web.security_headers import security_headers

REQUEST_DURATION: Final = Histogram(
    "http_server_request_duration_seconds",
    "HTTP request duration, by route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_duration_labels = cache(REQUEST_DURATION.labels)
"""Cached, because the lookup costs as much as a small response."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLIENT_ERROR: Final = 400
TOO_MANY_REQUESTS: Final = 429
MAX_TRACED_PATH_LENGTH: Final = 200
"""Finished spans wait in memory to be exported."""
SERVER_ERROR: Final = 500
_REQUEST_ID_HEADER: Final = REQUEST_ID_HEADER.encode()
_VALID_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("http")


class RequestInstrumentationMiddleware:
    """ASGI middleware, the outermost: assigns the request id and records the request.

    Metrics are labelled by the route template, because raw paths are unbounded. A valid
    X-Request-Id of the client is used as the id. Its trace context is only linked: a stranger could
    otherwise add spans to another trace, or decide which requests are sampled.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        REQUEST_ID.set(request_id.decode())  # uvicorn runs each request in its own context
        status = SERVER_ERROR

        async def capture_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *security_headers(scope),
                    (_REQUEST_ID_HEADER, request_id),
                ]
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else "other"
        with _span(scope, method):
            try:
                await self._app(scope, receive, capture_status)
            finally:
                seconds = time.perf_counter() - started
                route = getattr(scope.get("route"), "path", "unmatched")
                _duration_labels(method, route, status).observe(seconds)
                if tracing.enabled():
                    _annotate_span(scope, method, route, status)
                if status >= CLIENT_ERROR:
                    _log_failure(scope, method, route, status, seconds)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID_HEADER and _VALID_REQUEST_ID.fullmatch(value):
            return value
    return b"%016x" % random.getrandbits(64)  # unique, not secret


def _span(scope: Scope, method: str) -> AbstractContextManager[None]:
    if not tracing.enabled() or scope["path"] in PROBE_PATHS:
        return tracing.NOOP_SPAN
    return tracing.span(
        method,
        "server",
        {
            "http.request.method": method,
            "url.path": scope["path"][:MAX_TRACED_PATH_LENGTH],
            "url.scheme": scope["scheme"],
        },
        linked_headers=_headers(scope),
    )


def _headers(scope: Scope) -> Mapping[str, str]:
    return {n.decode(): v.decode("latin-1") for n, v in scope["headers"] if n == b"traceparent"}


def _annotate_span(scope: Scope, method: str, route: str, status: int) -> None:
    if scope["path"] in PROBE_PATHS:
        return
    user = _user(scope)
    tracing.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            **({"user.id": user.id} if user else {}),
        }
    )


def _log_failure(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
    """Log a failed request or a rejected write, but not a shed one.

    A client beyond a limit is counted by the metrics only. A line each would let it fill the log.
    """
    failed = status >= SERVER_ERROR
    if UNLOGGED_FLAG in scope.get("state", {}) or (method in SAFE_METHODS and not failed):
        return
    if status == TOO_MANY_REQUESTS:
        return
    user = _user(scope)
    log.log(
        logging.ERROR if failed else logging.INFO,
        "request failed" if failed else "request rejected",
        method=method,
        route=route,
        status=status,
        ms=round(seconds * 1000),
        user=user.id if user else None,
    )


def _user(scope: Scope) -> User | None:
    return scope.get("state", {}).get("user")
