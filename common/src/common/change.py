"""What a rule answers: the thing as it is now to be, and what to tell the others."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from common.events import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """The thing as it is now to be, and what to tell the others; no events, nothing changed."""

    after: T
    events: tuple[Event, ...] = ()
