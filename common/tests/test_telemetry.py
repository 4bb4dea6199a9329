"""Tests of logging: JSON lines without secrets."""

import io
import json
import logging
from collections.abc import Callable, Generator
from typing import Any, cast

import pytest
import structlog

from common.observability import tracing
from common.observability.context import REQUEST_ID
from common.observability.logging import configure_logging

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Generator[Lines]:
    """Configure logging as a service does, and return the parsed lines."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure_logging("tickets", log_format="json", level="INFO")
    (handler,) = root.handlers
    written = io.StringIO()
    cast("logging.StreamHandler[io.StringIO]", handler).setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "new_password",
        "token",
        "access_token",
        "client_secret",
        "cookie",
        "set-cookie",
        "Authorization",
        "jwt_key",
        "stripe_key",
        "email",
    ],
)
def test_field_named_like_a_secret_is_redacted(lines: Lines, name: str) -> None:
    structlog.get_logger("here").info("signed in", **{name: "hush", "order": "1"})

    (line,) = lines()
    assert line[name] == "[redacted]"
    assert "hush" not in json.dumps(line)
    assert line.items() >= {"event": "signed in", "order": "1", "service": "tickets"}.items()


def test_nested_secret_is_redacted(lines: Lines) -> None:
    body = {"user": {"password": "hush"}, "cards": [{"token": "hush"}], "order": 1}

    structlog.get_logger("here").info("received", body=body)

    (line,) = lines()
    assert "hush" not in json.dumps(line)
    assert line["body"]["order"] == 1
    assert body["user"] == {"password": "hush"}  # the logged object is not modified


def test_other_libraries_log_json(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").warning("it is %s", "late")

    (line,) = lines()
    assert line.items() >= {"event": "it is late", "level": "warning"}.items()


def test_exception_is_logged_in_one_line(lines: Lines) -> None:
    try:
        next(iter([]))
    except StopIteration:
        structlog.get_logger("here").exception("failed")

    (line,) = lines()
    assert "StopIteration" in line["exception"]
    assert line["level"] == "error"


def test_logger_used_before_reconfiguration_uses_the_new_one(lines: Lines) -> None:
    module_logger = structlog.get_logger("here")
    module_logger.info("before")
    handlers = list(logging.getLogger().handlers)
    configure_logging("orders", log_format="json", level="INFO")
    logging.getLogger().handlers = handlers

    module_logger.info("after")

    before, after = lines()
    assert before["service"] == "tickets"
    assert after["service"] == "orders"


def test_request_id_is_on_each_line(lines: Lines) -> None:
    token = REQUEST_ID.set("abc")
    structlog.get_logger("here").info("received")
    REQUEST_ID.reset(token)
    structlog.get_logger("here").info("elsewhere")

    first, second = lines()
    assert first["request_id"] == "abc"
    assert "request_id" not in second


def test_request_id_is_injected_into_event_headers() -> None:
    assert tracing.inject() == {}
    token = REQUEST_ID.set("abc")
    assert tracing.inject() == {"x-request-id": "abc"}
    REQUEST_ID.reset(token)
