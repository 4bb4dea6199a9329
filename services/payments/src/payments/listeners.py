"""The events that payments consumes: the orders to be paid, and changed and deleted accounts."""

from common.events import OrderEvent, OrderStatus, OrderUpdated, UserDeleted, UserUpdated
from common.messaging.bus import Handlers, handlers
from payments.domain.order import Order
from payments.sellers import Sellers
from payments.sync import ChargeSync
from payments.user_deletion import UserDeletion


def listeners(sync: ChargeSync, sellers: Sellers, deletion: UserDeletion) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_order(event: OrderEvent) -> None:
        order = Order(
            id=event.id,
            user_id=event.user_id,
            price=event.ticket.price,
            status=event.status,
            expires_at=event.expires_at,
            seller_id=event.ticket.seller_id,
            release_at=event.release_at,
            outcome=event.outcome,
            title=event.ticket.title,
            show=event.ticket.show,
            seat=event.ticket.seat,
            created_at=event.created_at,
            revealed_at=event.revealed_at,
            received_at=event.received_at,
            refund_offered_at=event.refund_offered_at,
        )
        await sync.apply_order(order, event.version)
        if isinstance(event, OrderUpdated) and order.status is OrderStatus.COMPLETE:
            await sync.apply_amended_order(order)

    async def on_user_updated(event: UserUpdated) -> None:
        await sellers.apply_removal(event.id, event.version, event.second_factor_removal_at)

    async def on_user_deleted(event: UserDeleted) -> None:
        await deletion.erase(event)

    return handlers(on_order, on_user_updated, on_user_deleted)
