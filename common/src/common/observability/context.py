"""What the current work belongs to: the request, and on whose behalf it is done."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Final, Literal

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
REQUEST_ID_HEADER: Final = "x-request-id"
CURRENT_ACTOR: Final[ContextVar[str]] = ContextVar("actor", default="service")
"""A user, an event, or a background loop of the service, as the audit log names it."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool]


class SetWithin(AbstractContextManager[None]):
    """Sets a variable within the block. Each event does so twice, and a generator costs more."""

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[str], value: str) -> None:
        self._variable = variable
        self._value = value

    def __enter__(self) -> None:
        self._token = self._variable.set(self._value)

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._token)


def acting_as(actor: str) -> AbstractContextManager[None]:
    """Set the current actor within the block."""
    return SetWithin(CURRENT_ACTOR, actor)
