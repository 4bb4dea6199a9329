"""Parsing of Stripe's objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from payments.domain.stripe_objects import Card, Decline, Intent, IntentStatus, Refund, RefundStatus
from payments.domain.suspicious_cards import GENERIC_DECLINE, conceal

StripeObject = Mapping[str, Any]
"""An object of Stripe's API as decoded JSON."""

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
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)
"""The webhook events that may change a charge."""

THIN_EVENT: Final = "v2.core.event"
"""The kind of an event that names an object of the second version of the API, and no more."""
ACCOUNT: Final = "v2.core.account"
ACCOUNT_EVENT_TYPES: Final = frozenset(
    {
        "v2.core.account[configuration.recipient].capability_status_updated",
        "v2.core.account[requirements].updated",
        "v2.core.account.closed",
    }
)
"""The thin events that may change a seller."""

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
    """A webhook event. It only triggers a sync: its contents are not trusted."""

    id: str
    intent_id: str | None
    paid: bool = False
    """Whether it reports a successful payment."""
    disputed: bool = False
    """Whether it is about a dispute."""
    account_id: str | None = None
    """The account that a thin event is about."""


class _EventHead(BaseModel):
    id: str
    type: str
    object: str = ""


class _EventSubject(BaseModel):
    id: str
    payment_intent: str | None = None


class _EventData(BaseModel):
    object: _EventSubject


class _EventBody(BaseModel):
    data: _EventData


class _RelatedObject(BaseModel):
    id: str
    type: str


class _ThinEvent(BaseModel):
    id: str
    related_object: _RelatedObject | None = None


def parse_webhook_event(payload: bytes) -> WebhookEvent:
    """Parse a webhook event; it concerns a PaymentIntent, the account of a seller, or neither.

    Raises:
        ValueError: the payload is no event.
    """
    head = _EventHead.model_validate_json(payload)
    if head.object == THIN_EVENT:
        related = _ThinEvent.model_validate_json(payload).related_object
        account_id = related.id if related is not None and related.type == ACCOUNT else None
        return WebhookEvent(head.id, None, account_id=account_id)
    if head.type not in WEBHOOK_EVENT_TYPES:
        return WebhookEvent(head.id, None)
    subject = _EventBody.model_validate_json(payload).data.object
    is_intent_event = head.type.startswith("payment_intent.")
    intent_id = subject.id if is_intent_event else subject.payment_intent
    return WebhookEvent(
        head.id,
        intent_id,
        paid=head.type == "payment_intent.succeeded",
        disputed=head.type.startswith("charge.dispute."),
    )


def parse_intent(data: StripeObject) -> Intent:
    """Parse a PaymentIntent, with its card if the request expanded it."""
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
        None if card is None else Card(card["brand"], card["last4"], card.get("fingerprint")),
        decline,
        data["client_secret"] or "",
        _id_of(data.get("latest_charge")),
    )


def _id_of(part: StripeObject | str | None) -> str | None:
    """Return the id of an object, which Stripe returns whole if the request expanded it."""
    return part if part is None or isinstance(part, str) else part["id"]


def parse_decline(error: StripeObject) -> Decline:
    """Parse a decline, with a code that the buyer may see.

    Its id is that of Stripe's failed charge, or else of the payment method.
    """
    method: StripeObject = error.get("payment_method") or {}
    return conceal(
        Decline(
            message=error.get("message") or GENERIC_DECLINE.message,
            code=error.get("code"),
            decline_code=error.get("decline_code"),
            decline_id=error.get("charge") or method.get("id"),
            fingerprint=parse_fingerprint(method),
        )
    )


def parse_fingerprint(method: StripeObject) -> str | None:
    """Return the fingerprint of a payment method's card; the same number always has the same."""
    card: StripeObject = method.get("card") or {}
    return card.get("fingerprint")


def parse_refund(data: StripeObject) -> Refund:
    """Parse a refund. A status that is neither final nor known counts as pending."""
    status = _REFUND_STATUS.get(data["status"] or "", RefundStatus.PENDING)
    return Refund(data["id"], status, data.get("failure_reason"))
