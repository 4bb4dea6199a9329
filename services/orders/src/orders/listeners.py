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
from common.web.sse import EventBroadcaster
from orders.domain import ListedTicket
from orders.schemas import OrderEvent, OrderEventOut
from orders.service import OrderService


def listeners(orders: OrderService) -> Handlers:
    """Say what is done about each event."""

    async def upsert(event: TicketCreated | TicketUpdated) -> None:
        await orders.upsert_ticket(
            ListedTicket(
                id=event.id,
                version=event.version,
                title=event.title,
                price=event.price,
                seller_id=event.user_id,
            )
        )

    async def on_ticket_created(event: TicketCreated) -> None:
        await upsert(event)

    async def on_ticket_updated(event: TicketUpdated) -> None:
        await upsert(event)

    async def on_expiration_completed(event: ExpirationCompleted) -> None:
        await orders.expire(event.order_id)

    async def on_payment_created(event: PaymentCreated) -> None:
        await orders.complete(event.order_id)

    async def on_payment_failed(event: PaymentFailed) -> None:
        if event.final:
            await orders.fail_payment(event.order_id)
        else:
            await orders.mark_awaiting_payment(event.order_id)

    async def on_payment_updated(event: PaymentUpdated) -> None:
        if event.status is ChargeStatus.REQUIRES_ACTION:
            await orders.mark_awaiting_payment(event.order_id)

    return handlers(
        on_ticket_created,
        on_ticket_updated,
        on_expiration_completed,
        on_payment_created,
        on_payment_failed,
        on_payment_updated,
    )


def sse_handlers(broadcaster: EventBroadcaster) -> Handlers:
    """Say what is shown of each event of our own: to its buyer, and nobody else."""

    def publish(event: OrderEvent, sequence: int) -> None:
        broadcaster.publish(
            "order", OrderEventOut.from_event(event), sequence, audience=event.user_id
        )

    async def on_order_created(event: OrderCreated, sequence: int) -> None:
        publish(event, sequence)

    async def on_order_updated(event: OrderUpdated, sequence: int) -> None:
        publish(event, sequence)

    async def on_order_cancelled(event: OrderCancelled, sequence: int) -> None:
        publish(event, sequence)

    async def on_order_completed(event: OrderCompleted, sequence: int) -> None:
        publish(event, sequence)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)
