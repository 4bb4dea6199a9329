"""Structured logs, as JSON lines or for a terminal, without secrets."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import structlog
from structlog.typing import EventDict

from common.observability import tracing

NOISY_LOGGERS: Final = (
    "pymongo",
    "httpx",
    "httpcore",
    "stripe",
    "asyncio",
    "opentelemetry",
    "urllib3",
)
"""They log commands, headers and bodies at DEBUG and INFO."""

_SECRET_WORDS = ("password", "token", "secret", "cookie", "authorization", "key", "email")


def _redact(_: object, __: str, event: EventDict) -> EventDict:
    return {name: _without_secrets(name, value) for name, value in event.items()}


def _without_secrets(name: str, value: object) -> object:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return "[redacted]"
    if isinstance(value, Mapping):
        inner = cast(Mapping[object, object], value)
        return {key: _without_secrets(str(key), item) for key, item in inner.items()}
    if isinstance(value, list):
        return [_without_secrets("", of) for of in cast(Sequence[object], value)]
    return value


def configure_logging(service: str, *, log_format: str, level: str) -> None:
    """Configure the root logger: JSON lines, or coloured lines for a terminal, without secrets."""

    def add_correlation_ids(_: object, __: str, event: EventDict) -> EventDict:
        return {"service": service, **tracing.correlation_ids(), **event}

    shared: list[Any] = [
        add_correlation_ids,
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
    for name in ("uvicorn", "uvicorn.error"):  # replaces uvicorn's own handlers
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
