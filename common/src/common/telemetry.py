"""Logs, metrics and the trace context of a service."""

import logging
import time
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS: Final = Histogram(
    "http_server_request_duration_seconds",
    "How long requests took, by route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PUBLISHED: Final = Counter("bus_published_total", "Events published", ["subject", "outcome"])
HANDLED: Final = Counter("bus_handled_total", "Deliveries, by outcome", ["subject", "outcome"])
HANDLE_SECONDS: Final = Histogram("bus_handle_seconds", "How long a handler took", ["subject"])
HELD: Final = Gauge("bus_held", "Deliveries held by this process", ["durable"])
DEAD: Final = Counter("bus_dead_letters_total", "Deliveries given up", ["durable", "reason"])
OUTBOX_SWEPT: Final = Counter("outbox_swept_total", "Aggregates whose events a sweep sent")

_SECRET = ("password", "token", "secret", "cookie", "authorization", "key", "email")


def _redact(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in event:
        if any(word in name.lower() for word in _SECRET):
            event[name] = "[redacted]"
    return event


def configure_logging(service: str, *, log_format: str, level: str) -> None:
    """Write JSON lines for machines, or coloured lines for a terminal; never a secret."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.contextvars.bind_contextvars(service=service)


def trace_headers() -> dict[str, str]:
    """Give the W3C trace context of what is being done, to travel with an event."""
    trace = structlog.contextvars.get_contextvars().get("traceparent")
    return {"traceparent": trace} if trace else {}


class Metered:
    """ASGI middleware: times each request by its route's template, never by its raw path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            REQUESTS.labels(scope["method"], route, status).observe(time.perf_counter() - started)
