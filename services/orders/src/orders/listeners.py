"""What orders hears: tickets to be ordered, time that ran out, money that came or did not."""

from common.bus import Handlers, handlers
from common.events import (
    ChargeStatus,
    ExpirationCompleted,
    PaymentCreated,
    PaymentFailed,
    PaymentUpdated,
    TicketCreated,
    TicketUpdated,
)
from orders.domain import ForSale
from orders.service import Orders


def listeners(orders: Orders) -> Handlers:
    """Say what is done about each event."""

    async def keep(event: TicketCreated | TicketUpdated) -> None:
        ticket = ForSale(event.id, event.title, event.price, event.user_id)
        await orders.keep_ticket(ticket, event.version)

    async def on_ticket_created(event: TicketCreated) -> None:
        await keep(event)

    async def on_ticket_updated(event: TicketUpdated) -> None:
        await keep(event)

    async def on_expiration_completed(event: ExpirationCompleted) -> None:
        await orders.expire(event.order_id)

    async def on_payment_created(event: PaymentCreated) -> None:
        await orders.complete(event.order_id)

    async def on_payment_failed(event: PaymentFailed) -> None:
        if event.final:
            await orders.fail(event.order_id)
        else:
            await orders.await_payment(event.order_id)

    async def on_payment_updated(event: PaymentUpdated) -> None:
        if event.status is ChargeStatus.REQUIRES_ACTION:
            await orders.await_payment(event.order_id)

    return handlers(
        on_ticket_created,
        on_ticket_updated,
        on_expiration_completed,
        on_payment_created,
        on_payment_failed,
        on_payment_updated,
    )
