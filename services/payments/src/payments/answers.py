"""Stripe's answers, read into the domain's words."""

from dataclasses import dataclass
from typing import Any, Final

import stripe

from payments.facts import Card, Decline, Intent, IntentStatus, Refund, RefundStatus

HEARD: Final = frozenset(
    {
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)
"""The webhook events that can tell something new about a charge."""

_INTENT: Final = {
    "requires_payment_method": IntentStatus.OPEN,
    "requires_confirmation": IntentStatus.OPEN,
    "requires_action": IntentStatus.ACTION,
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELED,
}
_REFUND: Final = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Hint:
    """A webhook event: which PaymentIntent to look at. What it says itself is not believed."""

    id: str
    intent_id: str | None


def hint_of(event: stripe.Event) -> Hint:
    """Read which PaymentIntent an event is about."""
    if event.type not in HEARD:
        return Hint(event.id, None)
    subject: Any = event.data.object
    of_intent = event.type.startswith("payment_intent.")
    return Hint(event.id, subject.id if of_intent else subject.payment_intent)


def intent_of(told: stripe.PaymentIntent) -> Intent:
    """Read a PaymentIntent; its card, where it was asked for."""
    status = _INTENT[told.status]
    decline = None
    if status is IntentStatus.OPEN and told.last_payment_error is not None:
        decline = decline_of(told.last_payment_error)
    method = told.payment_method
    card = None
    if isinstance(method, stripe.PaymentMethod) and method.card is not None:
        card = Card(method.card.brand, method.card.last4)
    return Intent(told.id, status, card, decline, told.client_secret or "")


def decline_of(error: Any) -> Decline:
    """Read why; the failed charge's id tells it from others, or else the card's, made anew."""
    method = getattr(error, "payment_method", None)
    return Decline(
        message=error.message or "Your card was declined.",
        code=error.code,
        decline_code=getattr(error, "decline_code", None),
        mark=getattr(error, "charge", None) or getattr(method, "id", None),
    )


def refund_of(told: stripe.Refund) -> Refund:
    """Read a refund; whatever is neither done nor failed is on its way."""
    status = _REFUND.get(told.status or "", RefundStatus.PENDING)
    return Refund(told.id, status, getattr(told, "failure_reason", None))
