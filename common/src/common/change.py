"""The result of a domain decision."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from common.events import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """The new state of an aggregate, equal to the old one if nothing changes, and its events."""

    after: T
    events: tuple[Event, ...] = ()
