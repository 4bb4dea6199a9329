"""Stripe's answers, read into the domain's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from payments.stripe.models import Card, Decline, Intent, IntentStatus, Refund, RefundStatus

StripeObject = Mapping[str, Any]
"""An object of Stripe's, as it tells of it."""

WEBHOOK_EVENT_TYPES: Final = frozenset(
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

_INTENT_STATUS: Final = {
    "requires_payment_method": IntentStatus.OPEN,
    "requires_confirmation": IntentStatus.OPEN,
    "requires_action": IntentStatus.ACTION,
    "processing": IntentStatus.PROCESSING,
    "requires_capture": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELED,
}
_REFUND_STATUS: Final = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook event: which PaymentIntent to look at. What it says itself is not believed."""

    id: str
    intent_id: str | None
    paid: bool = False
    """Whether it says that the money was taken; nothing new for who knows it already."""


def parse_webhook_event(event: StripeObject) -> WebhookEvent:
    """Read which PaymentIntent an event is about."""
    event_type: str = event["type"]
    if event_type not in WEBHOOK_EVENT_TYPES:
        return WebhookEvent(event["id"], None)
    subject: StripeObject = event["data"]["object"]
    is_intent_event = event_type.startswith("payment_intent.")
    intent_id: str | None = subject["id"] if is_intent_event else subject.get("payment_intent")
    return WebhookEvent(event["id"], intent_id, paid=event_type == "payment_intent.succeeded")


def parse_intent(data: StripeObject) -> Intent:
    """Read a PaymentIntent; its card, where it was asked for."""
    status = _INTENT_STATUS[data["status"]]
    decline = None
    if status is IntentStatus.OPEN and data["last_payment_error"] is not None:
        decline = parse_decline(data["last_payment_error"])
    method: StripeObject | str | None = data["payment_method"]
    card: StripeObject | None = (
        None if method is None or isinstance(method, str) else method.get("card")
    )
    return Intent(
        data["id"],
        status,
        None if card is None else Card(card["brand"], card["last4"]),
        decline,
        data["client_secret"] or "",
    )


def parse_decline(error: StripeObject) -> Decline:
    """Read why; the failed charge's id tells it from others, or else the card's, made anew."""
    method: StripeObject = error.get("payment_method") or {}
    return Decline(
        message=error.get("message") or "Your card was declined.",
        code=error.get("code"),
        decline_code=error.get("decline_code"),
        decline_id=error.get("charge") or method.get("id"),
    )


def parse_refund(data: StripeObject) -> Refund:
    """Read a refund; whatever is neither done nor failed is on its way."""
    status = _REFUND_STATUS.get(data["status"] or "", RefundStatus.PENDING)
    return Refund(data["id"], status, data.get("failure_reason"))
