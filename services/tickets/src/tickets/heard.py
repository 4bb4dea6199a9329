"""Locks as they are heard of, so that they are shown before they are stored here.

An order is committed when its event passes NATS, and its ticket will be locked: some milliseconds
later, when the event is on NATS's disk and the lock on a majority's. Every replica hears the event
in passing too, and shows of the ticket what the same rule will make of it. Nothing is decided by
this but that a seller is refused sooner: what is missed is shown when it is stored, and what comes
late or twice is kept from showing by the fence.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from common.events import OrderStatus
from tickets.domain import Fence, Ticket

MOST: Final = 10_000
"""Locks remembered; an older one has long been stored."""


@dataclass(frozen=True, slots=True)
class _Lock:
    order_id: str
    fence: Fence


class Heard:
    """The newest locks that this process has heard of, by their tickets."""

    def __init__(self, most: int = MOST) -> None:
        """Take how many are remembered."""
        self._locks: OrderedDict[str, _Lock] = OrderedDict()
        self._most = most

    def lock(self, ticket_id: str, *, order_id: str, fence: Fence) -> None:
        """Remember that an order holds a ticket."""
        known = self._locks.pop(ticket_id, None)
        lock = _Lock(order_id, fence)
        self._locks[ticket_id] = lock if known is None or known.fence < fence else known
        if len(self._locks) > self._most:
            self._locks.popitem(last=False)

    def seen(self, ticket: Ticket) -> Ticket:
        """Give a stored ticket as it will be once the lock that was heard of is stored."""
        lock = self._locks.get(ticket.id)
        if lock is None:
            return ticket
        return ticket.follow(lock.order_id, OrderStatus.CREATED, lock.fence).after
