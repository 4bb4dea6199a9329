"""Locks as they are heard of, so that they are shown before they are stored here.

An order is committed when its event passes NATS, and its ticket will be locked: some milliseconds
later, when the event is on NATS's disk and the lock on a majority's. Every replica hears the event
in passing too, and shows the ticket locked. Nothing is decided by this but that a seller is refused
sooner: what is missed is shown when it is stored, and what comes late or twice is kept from showing
by the fence.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from common.events import OrderStatus, TicketStatus
from common.web.etags import etag
from tickets.domain import STATUS, Fence, Ticket

MOST: Final = 10_000
"""Orders remembered; an older one is shown when it is stored."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an order's event told of its ticket."""

    order_id: str
    status: OrderStatus
    fence: Fence


@dataclass(frozen=True, slots=True)
class Seen:
    """A ticket as it is shown: as it is stored, or locked by an order whose lock is not stored yet.

    It is of the version that is stored, under a tag that no stored version has: the next version
    may turn out to be something else, if another change comes first.
    """

    stored: Ticket
    lock: Told | None = None

    @property
    def ticket(self) -> Ticket:
        """What is shown of it."""
        if self.lock is None:
            return self.stored
        return replace(self.stored, status=TicketStatus.RESERVED, order_id=self.lock.order_id)

    @property
    def tag(self) -> str:
        """Name what is shown (RFC 9110, 8.8.3)."""
        version = self.stored.version
        if self.lock is None:
            return etag(version)
        return f'"{version}+{self.lock.fence.hold}.{self.lock.fence.version}"'


class Heard:
    """The newest that this process has heard in passing, of each ticket's orders."""

    def __init__(self, most: int = MOST) -> None:
        """Take how many are remembered."""
        self._told: OrderedDict[str, Told] = OrderedDict()
        self._most = most

    def order(self, ticket_id: str, told: Told) -> None:
        """Remember what an order told of its ticket."""
        before = self._told.pop(ticket_id, None)
        self._told[ticket_id] = told if before is None or before.fence < told.fence else before
        if len(self._told) > self._most:
            self._told.popitem(last=False)

    def seen(self, stored: Ticket) -> Seen:
        """Show a stored ticket, locked if a living order was heard of that is not stored yet."""
        told = self._told.get(stored.id)
        if told is None or told.fence <= stored.fence:
            return Seen(stored)
        return Seen(stored, told if STATUS[told.status] is TicketStatus.RESERVED else None)
