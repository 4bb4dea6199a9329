"""The order to pay for, and the operator's payment policy."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.errors import BadRequest
from common.events import OrderStatus


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """The limits that the operator sets."""

    max_attempts: int = 5
    cancel_on_decline: bool = False
    """Whether the first decline cancels the order, so that the buyer cannot try again."""
    lease: timedelta = timedelta(seconds=30)
    """How long an attempt may run; longer than the slowest call to Stripe."""
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
