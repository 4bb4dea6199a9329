"""Rules of a listing whose original is in the vault: listed again, or checked as a duplicate."""

from dataclasses import replace
from datetime import datetime

from common.change import Change
from common.events import TicketStatus
from common.shows import ShowFacts
from tickets.domain.ticket import Ticket, VaultCopy, list_ticket


def list_bought(
    bought: Ticket,
    *,
    ticket_id: str,
    title: str,
    price: int,
    seller_id: str,
    now: datetime,
    show: ShowFacts | None,
) -> Change[Ticket]:
    """Create a listing of a sold ticket by its buyer, without its original, which follows."""
    listed = list_ticket(
        ticket_id=ticket_id,
        title=title,
        price=price,
        seller_id=seller_id,
        now=now,
        show=show,
        seat=bought.seat,
        face_value=bought.face_value,
    )
    entry_id = bought.vault and bought.vault.entry_id
    after = replace(listed.after, from_order_id=bought.order_id, pending_entry=entry_id)
    return Change(after, listed.events)


def complete_resale(ticket: Ticket, vault: VaultCopy) -> Change[Ticket]:
    """Add the original that the seller bought here, whatever the status by now."""
    if ticket.pending_entry is None:
        return Change(ticket)
    return ticket.next_version(replace(ticket, vault=vault, pending_entry=None))


def abandon_resale(ticket: Ticket, now: datetime) -> Change[Ticket]:
    """Withdraw a listing whose original another listing has."""
    if ticket.pending_entry is None:
        return Change(ticket)
    return ticket.next_version(replace(ticket.as_withdrawn(now), pending_entry=None))


def freeze(ticket: Ticket, until: datetime) -> Change[Ticket]:
    """Refuse orders of a ticket until then, if it is on sale and was never frozen."""
    is_on_sale = ticket.status is TicketStatus.AVAILABLE and not ticket.withdrawn
    if not is_on_sale or ticket.frozen_until is not None:
        return Change(ticket)
    return ticket.next_version(replace(ticket, frozen_until=until))


def clear(ticket: Ticket) -> Change[Ticket]:
    """Allow orders of a ticket again."""
    if ticket.frozen_until is None:
        return Change(ticket)
    return ticket.next_version(replace(ticket, frozen_until=None))


def withdraw_as_operator(ticket: Ticket, now: datetime) -> Change[Ticket]:
    """Withdraw a ticket now, or when the order that holds it is cancelled.

    Raises:
        BadRequest: The ticket is sold.
    """
    after = ticket.withdraw(user_id=ticket.user_id, now=now).after
    if after == ticket:
        return Change(ticket)
    return ticket.next_version(replace(ticket.as_withdrawn(now), withdrawn_by_operator=True))
