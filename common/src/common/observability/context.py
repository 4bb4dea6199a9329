"""What the current work belongs to: the request, and on whose behalf it is done."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
REQUEST_ID_HEADER: Final = "x-request-id"
CURRENT_ACTOR: Final[ContextVar[str]] = ContextVar("actor", default="service")
"""A user, an event, or a background loop of the service, as the audit log names it."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool]


@contextmanager
def acting_as(actor: str) -> Generator[None]:
    """Set the current actor within the block."""
    token = CURRENT_ACTOR.set(actor)
    try:
        yield
    finally:
        CURRENT_ACTOR.reset(token)
