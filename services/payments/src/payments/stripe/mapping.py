"""Stripe's answers, read into the domain's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from payments.stripe.models import Card, Decline, Intent, IntentStatus, Refund, RefundStatus

Told = Mapping[str, Any]
"""An object of Stripe's, as it tells of it."""

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
    paid: bool = False
    """Whether it says that the money was taken; nothing new for who knows it already."""


def hint_of(event: Told) -> Hint:
    """Read which PaymentIntent an event is about."""
    kind: str = event["type"]
    if kind not in HEARD:
        return Hint(event["id"], None)
    subject: Told = event["data"]["object"]
    of_intent = kind.startswith("payment_intent.")
    intent_id: str | None = subject["id"] if of_intent else subject.get("payment_intent")
    return Hint(event["id"], intent_id, paid=kind == "payment_intent.succeeded")


def intent_of(told: Told) -> Intent:
    """Read a PaymentIntent; its card, where it was asked for."""
    status = _INTENT[told["status"]]
    decline = None
    if status is IntentStatus.OPEN and told["last_payment_error"] is not None:
        decline = decline_of(told["last_payment_error"])
    method: Told | str | None = told["payment_method"]
    card: Told | None = None if method is None or isinstance(method, str) else method.get("card")
    return Intent(
        told["id"],
        status,
        None if card is None else Card(card["brand"], card["last4"]),
        decline,
        told["client_secret"] or "",
    )


def decline_of(error: Told) -> Decline:
    """Read why; the failed charge's id tells it from others, or else the card's, made anew."""
    method: Told = error.get("payment_method") or {}
    return Decline(
        message=error.get("message") or "Your card was declined.",
        code=error.get("code"),
        decline_code=error.get("decline_code"),
        mark=error.get("charge") or method.get("id"),
    )


def refund_of(told: Told) -> Refund:
    """Read a refund; whatever is neither done nor failed is on its way."""
    status = _REFUND.get(told["status"] or "", RefundStatus.PENDING)
    return Refund(told["id"], status, told.get("failure_reason"))
