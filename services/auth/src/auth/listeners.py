"""The events that auth consumes: each fact that a user should know gets a letter.

Orders and payments are also what an account owes or is owed, so that it cannot be deleted yet.
Each function can be repeated, and is harmless for an event that comes late.
"""

from typing import Final
from zoneinfo import ZoneInfo

from auth.deletion import Deletions
from auth.domain.letter import LetterKind
from auth.letter_service import LetterService
from auth.payout_letters import write_payout_letters
from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderedTicket,
    OrderEvent,
    OrderUpdated,
    PaymentEvent,
    PaymentRefunded,
    PaymentUpdated,
    ReservationsClosed,
    TicketUpdated,
    UserEvent,
)
from common.messaging.bus import Handlers, handlers

EVENT_INTERVAL_SECONDS: Final = 0.5
"""How long an event may wait for others. A letter takes longer, and a deletion waits for all."""


def listeners(letters: LetterService, deletions: Deletions) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_user(event: UserEvent) -> None:
        await letters.write_account_letters(event)
        await letters.write_kept_letter(event)

    async def on_order(event: OrderEvent) -> None:
        await deletions.apply_order(event)
        await _write_order_letters(letters, event)

    async def on_ticket_updated(event: TicketUpdated) -> None:
        if event.withdrawn_by_operator:
            await letters.write(
                f"ticket:{event.id}:withdrawn_by_operator",
                LetterKind.LISTING_WITHDRAWN,
                event.user_id,
                facts={"ticket_id": event.id, "title": event.title},
            )

    async def on_payment(event: PaymentEvent) -> None:
        await deletions.apply_payment(event)
        if isinstance(event, PaymentRefunded):
            await _write_refund_letter(letters, event)
        elif isinstance(event, PaymentUpdated):
            await write_payout_letters(letters, event)

    async def on_reservations_closed(event: ReservationsClosed) -> None:
        await deletions.confirm(event)

    return handlers(on_user, on_order, on_ticket_updated, on_payment, on_reservations_closed)


async def _write_order_letters(letters: LetterService, event: OrderEvent) -> None:
    if isinstance(event, OrderCompleted):
        await _write_sale_letters(letters, event)
    elif isinstance(event, OrderCancelled):
        await _write_cancellation_letter(letters, event)
    elif isinstance(event, OrderUpdated):
        await _write_offer_letter(letters, event)


async def _write_sale_letters(letters: LetterService, event: OrderCompleted) -> None:
    ticket = event.ticket
    fact = f"order:{event.id}:complete"
    facts = _facts_of(ticket)
    at = event.expires_at
    bought = {"order_id": event.id, **facts}
    await letters.write(fact, LetterKind.RECEIPT, event.user_id, at=at, facts=bought)
    if ticket.seller_id is not None:
        await letters.write(fact, LetterKind.TICKET_SOLD, ticket.seller_id, at=at, facts=facts)


async def _write_offer_letter(letters: LetterService, event: OrderUpdated) -> None:
    if event.refund_offered_at is not None and event.refund_agreed_at is None:
        await letters.write(
            f"order:{event.id}:refund_offered",
            LetterKind.REFUND_OFFERED,
            event.user_id,
            at=event.refund_offered_at,
            facts={"order_id": event.id, **_facts_of(event.ticket)},
        )


async def _write_cancellation_letter(letters: LetterService, event: OrderCancelled) -> None:
    is_expired = event.reason is CancelReason.EXPIRED
    await letters.write(
        f"order:{event.id}:cancelled",
        LetterKind.ORDER_EXPIRED if is_expired else LetterKind.ORDER_CANCELLED,
        event.user_id,
        at=event.expires_at,
        facts={
            "order_id": event.id,
            "reason": event.detail or event.reason or "",
            **_facts_of(event.ticket),
        },
    )


async def _write_refund_letter(letters: LetterService, event: PaymentRefunded) -> None:
    if event.user_id is not None and event.refunded_at is not None:
        await letters.write(
            f"payment:{event.id}:refunded",
            LetterKind.REFUND,
            event.user_id,
            at=event.refunded_at,
            facts={"order_id": event.order_id, "amount": event.amount},
        )


def _facts_of(ticket: OrderedTicket) -> dict[str, str | int]:
    """Return what letters name of a ticket, as its buyer saw it. Times are those of the venue."""
    facts: dict[str, str | int] = {
        "ticket_id": ticket.id,
        "title": ticket.title,
        "amount": ticket.price,
    }
    if show := ticket.show:
        starts_at = show.starts_at.astimezone(ZoneInfo(show.time_zone)).replace(tzinfo=None)
        facts["show"] = show.name
        facts["starts_at"] = starts_at.isoformat(timespec="minutes")
        facts["venue"] = f"{show.venue.name}, {show.venue.city}"
    seat = ticket.seat.model_dump(exclude_none=True) if ticket.seat else {}
    return facts | {name: part for name, part in seat.items() if part}
