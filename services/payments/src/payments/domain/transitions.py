"""The statuses of a charge and the transitions between them.

created -> processing -> succeeded -> refund_pending -> refunded | refund_failed
              |  ^
              |  +-- requires_payment_method   declined, or without a result: try again
              |  +-- requires_action           3-D Secure authentication
              +----> refund_pending            succeeded after the order was cancelled
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
    """What may happen to a charge."""

    ATTEMPT = "attempt_started"
    UNKNOWN = "outcome_unknown"
    ACTION = "action_required"
    DECLINE = "card_declined"
    NO_RESULT = "no_result"
    SUCCESS = "payment_succeeded"
    LATE_SUCCESS = "payment_succeeded_after_cancellation"
    CANCELLATION = "intent_canceled"
    ORDER_CANCELLED = "order_cancelled"
    RETURN = "order_returned"
    REFUND_STARTED = "refund_started"
    REFUND = "refund_succeeded"
    REFUND_FAILURE = "refund_failed"


OPEN_STATUSES: Final = frozenset({PROCESSING, REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION})
"""The PaymentIntent may still succeed."""
REFUND_STATUSES: Final = frozenset({REFUND_PENDING, REFUNDED})
"""There is a refund whose status may still change."""

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
        (status, trigger): new_status
        for status in sorted(OPEN_STATUSES)
        for trigger, new_status in _FROM_OPEN_STATUS.items()
    },
    # The status stays: only Stripe knows whether the payment can still be stopped.
    **{(status, Trigger.ORDER_CANCELLED): status for status in sorted(OPEN_STATUSES)},
    (SUCCEEDED, Trigger.ORDER_CANCELLED): REFUND_PENDING,
    (SUCCEEDED, Trigger.RETURN): REFUND_PENDING,
    (REFUND_PENDING, Trigger.REFUND_STARTED): REFUND_PENDING,
    (REFUND_PENDING, Trigger.REFUND): REFUNDED,
    (REFUND_PENDING, Trigger.REFUND_FAILURE): REFUND_FAILED,
    # A bank may send a refund back days after it was accepted.
    (REFUNDED, Trigger.REFUND_FAILURE): REFUND_FAILED,
}
"""A trigger without an entry changes nothing."""
