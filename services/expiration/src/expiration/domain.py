"""What is allowed with a deadline.

waiting --its time is up--> fired
   |
   +--order completed or cancelled--> cleared

Fired and cleared are final. Orders tell of themselves in events that may come twice, late or in
the wrong order; all orders of arrival end in the same state, unless the time is up in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from common.change import Change
from common.events import ExpirationCompleted, OrderStatus


class Status(StrEnum):
    """Whether a deadline is still to come."""

    WAITING = "waiting"
    EXPIRED = "fired"
    CLEARED = "cleared"


STATUS_FOR_ORDER: Final = {
    OrderStatus.CREATED: Status.WAITING,
    OrderStatus.AWAITING_PAYMENT: Status.WAITING,
    OrderStatus.COMPLETE: Status.CLEARED,
    OrderStatus.CANCELLED: Status.CLEARED,
}
"""What an order's status makes of its deadline."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment an order runs out; its id is the order's."""

    id: str
    version: int
    expires_at: datetime
    status: Status
    order_version: int
    """How far it has followed its order; a smaller or equal version is old news."""
    trace_headers: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    """The request and the trace that placed the order; its end belongs to them, too."""

    def apply_order(
        self, status: OrderStatus, *, expires_at: datetime, order_version: int
    ) -> Change["Deadline"]:
        """Be cleared or moved by its order; total, for events may not refuse."""
        if self.status is not Status.WAITING or order_version <= self.order_version:
            return Change(self)
        return Change(
            replace(
                self,
                version=self.version + 1,
                expires_at=expires_at,
                status=STATUS_FOR_ORDER[status],
                order_version=order_version,
            )
        )

    def expire(self, now: datetime) -> Change["Deadline"]:
        """Tell that the time is up, if it is and nobody has told yet."""
        if self.status is not Status.WAITING or now < self.expires_at:
            return Change(self)
        after = replace(self, version=self.version + 1, status=Status.EXPIRED)
        return Change(after, (ExpirationCompleted(order_id=self.id),))

    def to_event(self) -> ExpirationCompleted | None:
        """Tell again what was told, if anything."""
        return ExpirationCompleted(order_id=self.id) if self.status is Status.EXPIRED else None


def new_deadline(
    order_id: str,
    status: OrderStatus,
    *,
    expires_at: datetime,
    order_version: int,
    trace_headers: Mapping[str, str] | None = None,
) -> Change[Deadline]:
    """Note the deadline of an order that was not known, whatever is heard of it first."""
    return Change(
        Deadline(
            order_id, 0, expires_at, STATUS_FOR_ORDER[status], order_version, trace_headers or {}
        )
    )
