"""Where the money of an order can go from where it stands: the one table.

created -> processing -> succeeded -> refund_pending -> refunded | refund_failed
              |  ^
              |  +-- requires_payment_method   declined, or nothing came of it: try again
              |  +-- requires_action           the bank asks the buyer (3-D Secure)
              +----> refund_pending            it succeeded, but the order was cancelled before
processing | requires_*  -> canceled           the PaymentIntent was cancelled
"""

from enum import StrEnum
from typing import Final

from common.events import ChargeStatus

CREATED = ChargeStatus.CREATED
PROCESSING = ChargeStatus.PROCESSING
REQUIRES_PAYMENT_METHOD = ChargeStatus.REQUIRES_PAYMENT_METHOD
REQUIRES_ACTION = ChargeStatus.REQUIRES_ACTION
SUCCEEDED = ChargeStatus.SUCCEEDED
REFUND_PENDING = ChargeStatus.REFUND_PENDING
REFUNDED = ChargeStatus.REFUNDED
REFUND_FAILED = ChargeStatus.REFUND_FAILED
CANCELED = ChargeStatus.CANCELED


class Signal(StrEnum):
    """What can be learned about a charge."""

    ATTEMPT = "the buyer tries to pay"
    UNKNOWN = "the attempt ended, and Stripe did not tell how"
    ACTION = "the bank wants to hear from the buyer"
    DECLINE = "the card was declined"
    NOTHING = "nothing came of the attempt"
    SUCCESS = "the money was taken"
    LATE_SUCCESS = "the money was taken for an order that is cancelled"
    CANCELLATION = "the PaymentIntent was cancelled"
    ORDER_CANCELLED = "the order was cancelled"
    REFUND_BEGUN = "the money is on its way back"
    REFUND = "the money was given back"
    REFUND_FAILURE = "the money could not be given back"


UNSETTLED: Final = frozenset({PROCESSING, REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION})
"""The PaymentIntent may still succeed."""

GIVING_BACK: Final = frozenset({REFUND_PENDING, REFUNDED})
"""There is a refund, and it can still turn out otherwise."""

_WHILE_UNSETTLED: Final = {
    Signal.SUCCESS: SUCCEEDED,
    Signal.LATE_SUCCESS: REFUND_PENDING,
    Signal.CANCELLATION: CANCELED,
}

NEXT: Final[dict[tuple[ChargeStatus, Signal], ChargeStatus]] = {
    (CREATED, Signal.ATTEMPT): PROCESSING,
    (REQUIRES_PAYMENT_METHOD, Signal.ATTEMPT): PROCESSING,
    (REQUIRES_ACTION, Signal.ATTEMPT): PROCESSING,
    (PROCESSING, Signal.UNKNOWN): PROCESSING,
    (PROCESSING, Signal.ACTION): REQUIRES_ACTION,
    (REQUIRES_PAYMENT_METHOD, Signal.ACTION): REQUIRES_ACTION,
    (PROCESSING, Signal.DECLINE): REQUIRES_PAYMENT_METHOD,
    (REQUIRES_ACTION, Signal.DECLINE): REQUIRES_PAYMENT_METHOD,
    (PROCESSING, Signal.NOTHING): REQUIRES_PAYMENT_METHOD,
    (REQUIRES_ACTION, Signal.NOTHING): REQUIRES_PAYMENT_METHOD,
    **{
        (status, signal): becomes
        for status in (PROCESSING, REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION)
        for signal, becomes in _WHILE_UNSETTLED.items()
    },
    # Stripe decides whether it can still be stopped: the status stays, the charge remembers.
    **{(status, Signal.ORDER_CANCELLED): status for status in sorted(UNSETTLED)},
    (SUCCEEDED, Signal.ORDER_CANCELLED): REFUND_PENDING,
    (REFUND_PENDING, Signal.REFUND_BEGUN): REFUND_PENDING,
    (REFUND_PENDING, Signal.REFUND): REFUNDED,
    (REFUND_PENDING, Signal.REFUND_FAILURE): REFUND_FAILED,
    # A bank may send a refund back days after it was accepted.
    (REFUNDED, Signal.REFUND_FAILURE): REFUND_FAILED,
}
"""What is not in here changes nothing."""
