"""The rules that keep a buyer from holding more than their share of the tickets.

An order takes one of the buyer's `limit` slots until it is paid or cancelled, and a buyer who
orders the same ticket repeatedly without paying has to wait.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from common.errors import TooManyRequests

REPEAT_PERIOD: Final = timedelta(hours=24)
REPEAT_WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 5, 15))
"""The waits before the first, second, third, and any further repeat."""


@dataclass(frozen=True, slots=True)
class EarlierOrders:
    """The orders of one buyer on one ticket that were cancelled within `REPEAT_PERIOD`."""

    count: int
    last_cancelled_at: datetime

    def require_wait(self, now: datetime) -> None:
        """Raise `TooManyRequests` if the buyer has to wait before the next order on the ticket."""
        wait = REPEAT_WAITS[min(self.count, len(REPEAT_WAITS)) - 1]
        remaining = self.last_cancelled_at + wait - now
        if remaining > timedelta():
            raise TooManyRequests(
                "You have ordered this ticket repeatedly without paying",
                retry_after=_whole_seconds(remaining),
            )


def first_slot(order_id: str, limit: int) -> int:
    """Return the slot to try first, which is a random one because ids are."""
    return int(order_id, 16) % limit


def free_slot(order_id: str, *, limit: int, taken: Mapping[int, datetime], now: datetime) -> int:
    """Return a slot that no unpaid order of the buyer has.

    `taken` maps the slot of each unpaid order to the time when it expires.

    Raises:
        TooManyRequests: The buyer has as many unpaid orders as the limit allows.
    """
    free = [slot for slot in range(limit) if slot not in taken]
    if not free:
        raise TooManyRequests(
            "You have too many unpaid orders", retry_after=_whole_seconds(min(taken.values()) - now)
        )
    return free[first_slot(order_id, len(free))]


def _whole_seconds(delay: timedelta) -> int:
    return max(1, math.ceil(delay.total_seconds()))
