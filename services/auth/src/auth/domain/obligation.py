"""What an account owes or is owed, and which therefore has to end before it can be deleted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from common.events import (
    ChargeStatus,
    OrderEvent,
    OrderStatus,
    Outcome,
    PaymentEvent,
    PayoutState,
)

USE_WITHOUT_SHOW: Final = timedelta(days=14)
"""How long after its sale a ticket without a show is expected to be used."""
FINAL_PAYMENTS: Final = frozenset(
    {
        ChargeStatus.SUCCEEDED,
        ChargeStatus.REFUNDED,
        ChargeStatus.REFUND_FAILED,
        ChargeStatus.CANCELED,
        ChargeStatus.REQUIRES_PAYMENT_METHOD,
    }
)
"""Payments that move no money any more unless somebody acts."""

OPEN_PAYOUTS: Final = frozenset(
    {PayoutState.HELD, PayoutState.FROZEN, PayoutState.SENDING, PayoutState.RECALLING}
)
"""Payouts that may still move money."""


class ObligationKind(StrEnum):
    """Why an account cannot be deleted yet."""

    UNPAID_ORDER = "unpaid_order"
    RESERVED_LISTING = "reserved_listing"
    PAYMENT = "payment"
    BOUGHT_TICKET = "bought_ticket"
    PAYOUT = "payout"


MESSAGES: Final = {
    ObligationKind.UNPAID_ORDER: "You have an unpaid order. Pay for it or cancel it first",
    ObligationKind.RESERVED_LISTING: "Somebody has reserved one of your tickets",
    ObligationKind.PAYMENT: "A payment or a refund of yours is not completed yet",
    ObligationKind.BOUGHT_TICKET: "You bought a ticket whose show has not ended yet",
    ObligationKind.PAYOUT: "You have not been paid for a ticket that you sold",
}


@dataclass(frozen=True, slots=True)
class Obligation:
    """An obligation of one user.

    Attributes:
        until: when it ends without an act of the user, if that is known.
    """

    kind: ObligationKind
    until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Return whether it has not ended. An order that should have expired may yet be paid."""
        is_dated = self.kind is ObligationKind.BOUGHT_TICKET
        return not is_dated or self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Parties:
    """The obligations from one order or payment: of who buys or pays, and of who sells."""

    buyer_id: str
    seller_id: str | None = None
    of_buyer: Obligation | None = None
    of_seller: Obligation | None = None

    @property
    def is_over(self) -> bool:
        return self.of_buyer is None and self.of_seller is None


def from_order(event: OrderEvent) -> Parties:
    """Return the obligations from the state of an order."""
    buyer_id, seller_id = event.user_id, event.ticket.seller_id
    match event.status:
        case OrderStatus.CREATED | OrderStatus.AWAITING_PAYMENT:
            return Parties(
                buyer_id,
                seller_id,
                Obligation(ObligationKind.UNPAID_ORDER, event.expires_at),
                Obligation(ObligationKind.RESERVED_LISTING, event.expires_at),
            )
        case OrderStatus.COMPLETE:
            return Parties(buyer_id, seller_id, _of_paid_order(event))
        case OrderStatus.CANCELLED:
            return Parties(buyer_id, seller_id)


def _of_paid_order(event: OrderEvent) -> Obligation | None:
    """Return the buyer's obligation. An order is paid at the latest when it would expire."""
    if event.outcome is Outcome.RETURNING:
        return Obligation(ObligationKind.PAYMENT)
    if event.outcome in {Outcome.REFUNDED, Outcome.CHARGED_BACK}:
        return None
    show = event.ticket.show
    until = show.ends_at if show else event.expires_at + USE_WITHOUT_SHOW
    return Obligation(ObligationKind.BOUGHT_TICKET, until)


def from_payment(event: PaymentEvent) -> Parties | None:
    """Return the obligations from the state of a payment, or None if it names no user."""
    if event.user_id is None:
        return None
    is_final = event.status in FINAL_PAYMENTS
    is_paid_out = event.payout is None or event.payout.state not in OPEN_PAYOUTS
    return Parties(
        event.user_id,
        event.seller_id,
        None if is_final else Obligation(ObligationKind.PAYMENT),
        None if is_paid_out else Obligation(ObligationKind.PAYOUT, event.release_at),
    )
