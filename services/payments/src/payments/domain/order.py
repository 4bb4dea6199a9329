"""The order to pay for, and the operator's payment policy."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.errors import BadRequest
from common.events import OrderStatus, Outcome
from common.shows import OrderedShow, Seat


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """The limits that the operator sets."""

    max_attempts: int = 5
    cancel_on_decline: bool = False
    """Whether the first decline cancels the order, so that the buyer cannot try again."""
    lease: timedelta = timedelta(seconds=30)
    """How long an attempt may run; longer than the slowest call to Stripe."""
    fee_basis_points: int = 0
    """The platform's share of a price, in hundredths of a percent, from the sale on."""
    payout_retry: timedelta = timedelta(hours=1)
    """How long until a payout that could not be made is tried again."""
    margin: timedelta = timedelta(seconds=5)
    """How long before it expires an order can no longer be paid, because Stripe needs time."""


@dataclass(frozen=True, slots=True)
class Order:
    """A copy of an order, with its price in cents."""

    id: str
    user_id: str
    price: int
    status: OrderStatus
    expires_at: datetime
    seller_id: str | None = None
    """Who is paid. None, as the date, if an earlier version of orders published the order."""
    release_at: datetime | None = None
    """When the seller is paid."""
    outcome: Outcome | None = None
    title: str | None = None
    show: OrderedShow | None = None
    seat: Seat | None = None
    created_at: datetime | None = None
    """When it was placed. None, as the times below, if an earlier version published the order."""
    revealed_at: datetime | None = None
    """When its buyer was first shown the original of the ticket."""
    received_at: datetime | None = None
    """When its buyer had the ticket: was shown it, or said that it arrived."""
    refund_offered_at: datetime | None = None
    """When the seller offered the buyer the money back."""

    def ensure_payable(self, now: datetime, margin: timedelta) -> None:
        """Check that a payment may start now.

        Raises:
            BadRequest: the order is cancelled, paid, or about to expire.
        """
        if self.status is OrderStatus.CANCELLED:
            raise BadRequest("Cannot pay for a cancelled order")
        if self.status is OrderStatus.COMPLETE:
            raise BadRequest("This order is already paid")
        if now >= self.expires_at - margin:
            raise BadRequest("Cannot pay for an expired order")
