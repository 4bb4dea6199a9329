"""Rules of a deadline: the time at which an unpaid order expires.

waiting --time is up--> expired
   |
   +--order completed or cancelled--> cleared

`expired` and `cleared` are final. Events of orders may arrive twice, late or in any sequence;
all sequences lead to the same state, unless the deadline expires in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from common.change import Change
from common.events import ExpirationCompleted, OrderStatus


class Status(StrEnum):
    """The status of a deadline, with its stored value."""

    WAITING = "waiting"
    EXPIRED = "fired"
    CLEARED = "cleared"


STATUS_FOR_ORDER: Final = {
    OrderStatus.CREATED: Status.WAITING,
    OrderStatus.AWAITING_PAYMENT: Status.WAITING,
    OrderStatus.COMPLETE: Status.CLEARED,
    OrderStatus.CANCELLED: Status.CLEARED,
}
"""The status of a deadline for each status of its order."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time at which an order expires. Its id is the order's."""

    id: str
    version: int
    expires_at: datetime
    status: Status
    order_version: int
    """The version of the last order event applied. An event that is not newer is ignored."""
    trace_headers: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    """The request and the trace that placed the order. Its expiration continues them."""

    def apply_order(
        self, status: OrderStatus, *, expires_at: datetime, order_version: int
    ) -> Change["Deadline"]:
        """Move or clear the deadline, unless it is final or the event is not newer."""
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
        """Mark the deadline as expired if its time is up."""
        if self.status is not Status.WAITING or now < self.expires_at:
            return Change(self)
        after = replace(self, version=self.version + 1, status=Status.EXPIRED)
        return Change(after, (ExpirationCompleted(order_id=self.id),))

    def to_event(self) -> ExpirationCompleted | None:
        """Return the event that was published for the deadline, or None."""
        return ExpirationCompleted(order_id=self.id) if self.status is Status.EXPIRED else None


def new_deadline(
    order_id: str,
    status: OrderStatus,
    *,
    expires_at: datetime,
    order_version: int,
    trace_headers: Mapping[str, str] | None = None,
) -> Change[Deadline]:
    """Create the deadline of an order from the first event received about it."""
    deadline_status = STATUS_FOR_ORDER[status]
    return Change(
        Deadline(order_id, 0, expires_at, deadline_status, order_version, trace_headers or {})
    )
