"""What orders hears: tickets to be ordered, time that ran out, money that came or did not.

And what it shows of itself.
"""

from common.events import (
    ChargeStatus,
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    PaymentCreated,
    PaymentFailed,
    PaymentUpdated,
    TicketCreated,
    TicketUpdated,
)
from common.messaging.bus import Handlers, handlers
from common.web.sse import Feed
from orders.domain import ForSale
from orders.schemas import OrderEvent, OrderSeen
from orders.service import Orders


def listeners(orders: Orders) -> Handlers:
    """Say what is done about each event."""

    async def keep(event: TicketCreated | TicketUpdated) -> None:
        await orders.keep_ticket(
            ForSale(
                id=event.id,
                version=event.version,
                title=event.title,
                price=event.price,
                seller_id=event.user_id,
            )
        )

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


def screens(feed: Feed) -> Handlers:
    """Say what is shown of each event of our own: to its buyer, and nobody else."""

    def show(event: OrderEvent, sequence: int) -> None:
        feed.tell("order", OrderSeen.told(event), sequence, audience=event.user_id)

    async def on_order_created(event: OrderCreated, sequence: int) -> None:
        show(event, sequence)

    async def on_order_updated(event: OrderUpdated, sequence: int) -> None:
        show(event, sequence)

    async def on_order_cancelled(event: OrderCancelled, sequence: int) -> None:
        show(event, sequence)

    async def on_order_completed(event: OrderCompleted, sequence: int) -> None:
        show(event, sequence)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)
