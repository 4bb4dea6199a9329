"""Who may see the original of a ticket, as a pure function of the entry and its listings.

Only the buyer of the newest listing, once it is sold. While a buyer lists the ticket again, nobody
is shown an original that was sealed, because the listing says that nobody has seen it. The buyer
can still read what was revealed before, until the new listing is sold. A withdrawn listing counts
until no order can arrive any more that was placed before the withdrawal.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from common.events import TicketStatus, VaultState
from tickets.domain.ticket import Ticket
from tickets.domain.vault_entry import VaultEntry


@dataclass(frozen=True, slots=True)
class Access:
    """What a user may do with an original.

    Attributes:
        is_holder: whether it is the user's, although perhaps listed again.
        may_reveal: whether it may be revealed to the user.
        may_read: whether it was revealed to the user, who still may read it.
    """

    is_holder: bool = False
    may_reveal: bool = False
    may_read: bool = False


NO_ACCESS: Final = Access()


def access(
    entry: VaultEntry,
    newest: Ticket,
    previous: Ticket | None,
    *,
    user_id: str,
    ticket_id: str,
    now: datetime,
) -> Access:
    """Return what a user may do with an entry, as the buyer of one of its listings.

    Args:
        entry: the entry.
        newest: the listing to which the entry belongs.
        previous: the last listing that was sold before it.
        user_id: the user.
        ticket_id: the listing that the user names.
        now: the time.
    """
    is_listed_again = newest.status is not TicketStatus.SOLD
    holding = previous if is_listed_again else newest
    if (
        holding is None
        or holding.id != ticket_id
        or holding.status is not TicketStatus.SOLD
        or holding.holder_id != user_id
        or entry.state is VaultState.VOID
    ):
        return NO_ACCESS
    return Access(
        is_holder=True,
        may_reveal=not is_listed_again or newest.is_gone(now),
        may_read=entry.reveal is not None and entry.reveal.ticket_id == holding.id,
    )
