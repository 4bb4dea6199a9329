"""The events that auth consumes: each fact that a user should know gets a letter.

Each function can be repeated, and is harmless for an event that comes late.
"""

from auth.domain.letter import LetterKind
from auth.letter_service import LetterService
from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    PaymentRefunded,
    TicketUpdated,
    UserEvent,
)
from common.messaging.bus import Handlers, handlers


def listeners(letters: LetterService) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_user(event: UserEvent) -> None:
        await letters.write_account_letters(event)

    async def on_order_completed(event: OrderCompleted) -> None:
        ticket = event.ticket
        fact = f"order:{event.id}:complete"
        facts = {
            "order_id": event.id,
            "ticket_id": ticket.id,
            "title": ticket.title,
            "amount": ticket.price,
        }
        at = event.expires_at
        await letters.write(fact, LetterKind.RECEIPT, event.user_id, at=at, facts=facts)
        if ticket.seller_id is not None:
            sold = {name: facts[name] for name in ("ticket_id", "title", "amount")}
            await letters.write(fact, LetterKind.TICKET_SOLD, ticket.seller_id, at=at, facts=sold)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        is_expired = event.reason is CancelReason.EXPIRED
        await letters.write(
            f"order:{event.id}:cancelled",
            LetterKind.ORDER_EXPIRED if is_expired else LetterKind.ORDER_CANCELLED,
            event.user_id,
            at=event.expires_at,
            facts={
                "order_id": event.id,
                "ticket_id": event.ticket.id,
                "title": event.ticket.title,
                "amount": event.ticket.price,
            },
        )

    async def on_ticket_updated(event: TicketUpdated) -> None:
        if event.withdrawn_by_operator:
            await letters.write(
                f"ticket:{event.id}:withdrawn_by_operator",
                LetterKind.LISTING_WITHDRAWN,
                event.user_id,
                facts={"ticket_id": event.id, "title": event.title},
            )

    async def on_payment_refunded(event: PaymentRefunded) -> None:
        if event.user_id is not None and event.refunded_at is not None:
            await letters.write(
                f"payment:{event.id}:refunded",
                LetterKind.REFUND,
                event.user_id,
                at=event.refunded_at,
                facts={"order_id": event.order_id, "amount": event.amount},
            )

    return handlers(
        on_user, on_order_completed, on_order_cancelled, on_ticket_updated, on_payment_refunded
    )
