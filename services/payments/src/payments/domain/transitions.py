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


class Trigger(StrEnum):
    """What can be learned about a charge."""

    ATTEMPT = "attempt_started"
    UNKNOWN = "outcome_unknown"
    ACTION = "action_required"
    DECLINE = "card_declined"
    NO_RESULT = "no_result"
    SUCCESS = "payment_succeeded"
    LATE_SUCCESS = "payment_succeeded_after_cancellation"
    CANCELLATION = "intent_canceled"
    ORDER_CANCELLED = "order_cancelled"
    REFUND_STARTED = "refund_started"
    REFUND = "refund_succeeded"
    REFUND_FAILURE = "refund_failed"


OPEN_STATUSES: Final = frozenset({PROCESSING, REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION})
"""The PaymentIntent may still succeed."""

REFUND_STATUSES: Final = frozenset({REFUND_PENDING, REFUNDED})
"""There is a refund, and it can still turn out otherwise."""

_FROM_OPEN_STATUS: Final = {
    Trigger.SUCCESS: SUCCEEDED,
    Trigger.LATE_SUCCESS: REFUND_PENDING,
    Trigger.CANCELLATION: CANCELED,
}

TRANSITIONS: Final[dict[tuple[ChargeStatus, Trigger], ChargeStatus]] = {
    (CREATED, Trigger.ATTEMPT): PROCESSING,
    (REQUIRES_PAYMENT_METHOD, Trigger.ATTEMPT): PROCESSING,
    (REQUIRES_ACTION, Trigger.ATTEMPT): PROCESSING,
    (PROCESSING, Trigger.UNKNOWN): PROCESSING,
    (PROCESSING, Trigger.ACTION): REQUIRES_ACTION,
    (REQUIRES_PAYMENT_METHOD, Trigger.ACTION): REQUIRES_ACTION,
    (PROCESSING, Trigger.DECLINE): REQUIRES_PAYMENT_METHOD,
    (REQUIRES_ACTION, Trigger.DECLINE): REQUIRES_PAYMENT_METHOD,
    (PROCESSING, Trigger.NO_RESULT): REQUIRES_PAYMENT_METHOD,
    (REQUIRES_ACTION, Trigger.NO_RESULT): REQUIRES_PAYMENT_METHOD,
    **{
        (status, signal): becomes
        for status in (PROCESSING, REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION)
        for signal, becomes in _FROM_OPEN_STATUS.items()
    },
    # Stripe decides whether it can still be stopped: the status stays, the charge remembers.
    **{(status, Trigger.ORDER_CANCELLED): status for status in sorted(OPEN_STATUSES)},
    (SUCCEEDED, Trigger.ORDER_CANCELLED): REFUND_PENDING,
    (REFUND_PENDING, Trigger.REFUND_STARTED): REFUND_PENDING,
    (REFUND_PENDING, Trigger.REFUND): REFUNDED,
    (REFUND_PENDING, Trigger.REFUND_FAILURE): REFUND_FAILED,
    # A bank may send a refund back days after it was accepted.
    (REFUNDED, Trigger.REFUND_FAILURE): REFUND_FAILED,
}
"""What is not in here changes nothing."""
