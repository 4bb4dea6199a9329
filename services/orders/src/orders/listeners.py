"""The events that orders consumes: tickets, reveals, expirations, payments, deleted accounts.

And the orders' own events, which every replica streams to their buyers.
"""

from common.events import (
    ChargeStatus,
    DisputeStatus,
    ExpirationCompleted,
    ListingsWithdrawn,
    OrderEvent,
    PaymentCreated,
    PaymentEvent,
    PaymentFailed,
    PaymentRefunded,
    PaymentUpdated,
    TicketEvent,
    UserDeleted,
    VaultState,
    VaultUpdated,
)
from common.messaging.bus import Handlers, handlers
from common.messaging.durable_consumer import DeliveryPostponed
from common.messaging.stream_subscription import StoredEvent
from common.shows import OrderedShow
from common.web.sse import EventBroadcaster
from orders.domain.ticket import ListedTicket
from orders.schemas import OrderEventOut
from orders.service import OrderService
from orders.user_deletion import UserDeletion


def listeners(orders: OrderService, deletion: UserDeletion) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_ticket(event: TicketEvent) -> None:
        offered = event.late_edit or event
        show = event.show
        await orders.apply_ticket(
            ListedTicket(
                id=event.id,
                version=event.version,
                title=offered.title,
                price=offered.price,
                seller_id=event.user_id,
                show=OrderedShow.model_validate(show.model_dump()) if show else None,
                show_version=show.version if show else None,
                seat=event.seat,
                withdrawn=bool(event.withdrawn or event.withdrawing),
                show_cancelled=show is not None and show.cancelled_at is not None,
                protection=event.protection,
                frozen_until=event.frozen_until,
            )
        )
        if event.returned is not None:
            await orders.apply_return(event.id, event.returned)

    async def on_vault_updated(event: VaultUpdated) -> None:
        if event.state is VaultState.REVEALED and event.revealed_at is not None:
            await orders.apply_reveal(event.ticket_id, event.revealed_at)

    async def on_expiration_completed(event: ExpirationCompleted) -> None:
        time_left = await orders.expire(event.order_id)
        if time_left:
            raise DeliveryPostponed(time_left.total_seconds())

    return {
        **handlers(on_ticket, on_vault_updated, on_expiration_completed),
        **_payment_listeners(orders),
        **_deletion_listeners(deletion),
    }


def _payment_listeners(orders: OrderService) -> Handlers:
    async def apply_dispute(event: PaymentEvent) -> None:
        if event.dispute is not None:
            await orders.apply_dispute(event.order_id, event.dispute, event.version)

    async def on_payment_created(event: PaymentCreated) -> None:
        await orders.complete(event.order_id)
        await apply_dispute(event)

    async def on_payment_failed(event: PaymentFailed) -> None:
        if event.final:
            await orders.fail_payment(event.order_id)
        else:
            await orders.mark_awaiting_payment(event.order_id)

    async def on_payment_updated(event: PaymentUpdated) -> None:
        if event.status is ChargeStatus.REQUIRES_ACTION:
            await orders.mark_awaiting_payment(event.order_id)
        if event.dispute is not None and event.status is ChargeStatus.SUCCEEDED:
            await orders.complete(event.order_id)  # `payment.created` may arrive later
        await apply_dispute(event)

    async def on_payment_refunded(event: PaymentRefunded) -> None:
        dispute = event.dispute
        charged_back = (
            dispute is not None
            and dispute.status is DisputeStatus.LOST
            and dispute.amount >= event.amount
        )
        await orders.record_refund(event.order_id, charged_back=charged_back)
        await apply_dispute(event)

    return handlers(on_payment_created, on_payment_failed, on_payment_updated, on_payment_refunded)


def _deletion_listeners(deletion: UserDeletion) -> Handlers:
    async def on_listings_withdrawn(event: ListingsWithdrawn) -> None:
        await deletion.close_reservations(event)

    async def on_user_deleted(event: UserDeleted) -> None:
        await deletion.erase(event)

    return handlers(on_listings_withdrawn, on_user_deleted)


def sse_handlers(broadcaster: EventBroadcaster) -> Handlers:
    """Return the handlers that stream each order event to its buyer alone."""

    async def on_order(event: StoredEvent[OrderEvent]) -> None:
        broadcaster.publish(
            "order",
            lambda: OrderEventOut.from_attributes(event.decode()),
            event.sequence,
            audience=lambda: event.parse()["userId"],
        )

    return handlers(on_order)
