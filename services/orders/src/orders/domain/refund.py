r"""The refund of a paid order: what leads to it, and how it ends.

offered by the seller --accepted by the buyer--+
                                               +--> agreed --> returning --> refunded
                              operator --------+       \----> kept (the buyer has sold it)

Before the money goes, tickets takes the original back from a buyer who has not seen it, and says
so. A show that does not take place needs no agreement. The bank of the buyer may decide otherwise:
an order is `charged_back` if a dispute was lost.
"""

from datetime import datetime
from typing import Final

from common.change import Change
from common.errors import BadRequest, Unauthorized
from common.events import (
    DisputeFacts,
    DisputeStatus,
    OrderStatus,
    Outcome,
    ReturnedOriginal,
    TicketReturn,
)
from orders.domain.order import Order

REFUND_AGREED: Final = "refund agreed"
"""The detail of an order whose money goes back because buyer and seller, or an operator, agreed."""
TICKET_RESOLD: Final = "ticket resold"
"""The detail of an order whose money stays, because its buyer has sold the ticket."""
OPEN_DISPUTES: Final = frozenset({DisputeStatus.INQUIRY, DisputeStatus.OPEN})


def offer_refund(order: Order, *, seller_id: str, now: datetime) -> Change[Order]:
    """Offer the buyer the money back. Repeating it changes nothing.

    Raises:
        Unauthorized: The user did not sell the ticket.
        BadRequest: The order is not paid, or it is decided what becomes of it.
    """
    if seller_id != order.ticket.seller_id:
        raise Unauthorized
    if order.refund_offered_at is not None:
        return Change(order)
    _require_undecided(order)
    return order.amend(refund_offered_at=now)


def accept_refund(order: Order, *, buyer_id: str, now: datetime) -> Change[Order]:
    """Accept the seller's offer. Repeating it changes nothing.

    Raises:
        Unauthorized: The order belongs to another buyer.
        BadRequest: There is no offer, or it is decided what becomes of the order.
    """
    order.require_owner(buyer_id)
    if order.refund_agreed_at is None and order.refund_offered_at is None:
        raise BadRequest("The seller has not offered a refund")
    return agree_to_refund(order, now)


def agree_to_refund(order: Order, now: datetime) -> Change[Order]:
    """Record that the money goes back as soon as tickets has answered. It may be repeated.

    Raises:
        BadRequest: The order is not paid, or it is decided what becomes of it.
    """
    if order.refund_agreed_at is not None:
        return Change(order)
    _require_undecided(order)
    return order.amend(refund_agreed_at=now)


def apply_return(order: Order, returned: TicketReturn) -> Change[Order]:
    """Return the money, now that it is known what became of the original."""
    is_awaited = order.refund_agreed_at is not None and order.outcome is None
    if not is_awaited or returned.hold != order.ticket.hold:
        return Change(order)
    if returned.original is ReturnedOriginal.RESOLD:
        return order.amend(outcome=Outcome.KEPT, detail=TICKET_RESOLD)
    return order.amend(outcome=Outcome.RETURNING, detail=REFUND_AGREED)


def record_refund(order: Order, *, charged_back: bool) -> Change[Order]:
    """Record that the money of a complete order went back to its buyer, perhaps by the bank."""
    outcome = Outcome.CHARGED_BACK if charged_back else Outcome.REFUNDED
    if order.status is not OrderStatus.COMPLETE or order.outcome in {outcome, Outcome.REFUNDED}:
        return Change(order)
    return order.amend(outcome=outcome)


def apply_dispute(order: Order, dispute: DisputeFacts, payment_version: int) -> Change[Order]:
    """Record what the buyer's bank does about the payment, unless something newer is known.

    A refund that has begun is not undone by a lost dispute: payments says how it ended.
    """
    is_known = order.dispute_version is not None and payment_version <= order.dispute_version
    if order.status is not OrderStatus.COMPLETE or is_known:
        return Change(order)
    is_lost = dispute.status is DisputeStatus.LOST and order.outcome in {None, Outcome.KEPT}
    disputed = dispute.status in OPEN_DISPUTES
    outcome = Outcome.CHARGED_BACK if is_lost else order.outcome
    return order.amend(disputed=disputed, outcome=outcome, dispute_version=payment_version)


def _require_undecided(order: Order) -> None:
    if order.status is not OrderStatus.COMPLETE:
        raise BadRequest("Order is not paid")
    if order.outcome is not None:
        raise BadRequest("It is decided already what becomes of this order")
