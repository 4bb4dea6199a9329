"""A server-sent event that is encoded only if somebody receives it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import structlog
from fastapi.sse import format_sse_event
from pydantic import BaseModel

log = structlog.get_logger("sse")

NOBODY: Final = ""
"""The audience of a private event whose user is unknown."""


@dataclass(eq=False)
class Frame:
    """An event of a stream.

    Attributes:
        sequence: its sequence in the stream.
        name: its name, such as `ticket`.
        make_body: returns its data.
        find_audience: returns the only user who receives it; None for everyone.
    """

    sequence: int
    name: str
    make_body: Callable[[], BaseModel]
    find_audience: Callable[[], str] | None

    @cached_property
    def audience(self) -> str | None:
        """The only user who receives it; None for everyone."""
        if self.find_audience is None:
            return None
        try:
            return self.find_audience()
        except Exception:  # one invalid event does not stop the next
            log.exception("audience of an event is unknown", sequence=self.sequence)
            return NOBODY

    @cached_property
    def data(self) -> bytes:
        """Its encoded form, made at the first use; empty if the event is invalid."""
        try:
            body = self.make_body().model_dump_json()
        except Exception:  # one invalid event does not stop the next
            log.exception("event cannot be sent", sequence=self.sequence)
            return b""
        return format_sse_event(data_str=body, event=self.name, id=str(self.sequence))
