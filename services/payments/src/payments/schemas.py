"""The JSON of requests and responses."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints

from common.events import ChargeStatus
from common.values.camel_model import CamelModel
from common.values.ids import Id
from common.values.money import Dollars
from common.web.schemas import ErrorItem
from payments.domain.charge import Charge
from payments.domain.order import PaymentPolicy

Token = Annotated[
    str,
    StringConstraints(max_length=255, pattern=r"^(tok|pm|ctoken)_[A-Za-z0-9_]+$"),
]


class PaymentIn(CamelModel):
    """A Stripe.js token and the order to pay."""

    token: Annotated[Token, Field(examples=["ctoken_1abc", "pm_card_visa", "tok_visa"])]
    order_id: Id


class CardOut(CamelModel):
    """The brand and last four digits of a card."""

    brand: str
    last4: str


class ErrorOut(CamelModel):
    """Why the last attempt failed."""

    message: str
    code: str | None
    decline_code: str | None
    retryable: bool
    attempts_left: int | None = None
    """How often a card may still be declined before the order is cancelled."""


class PaymentOut(CamelModel):
    """The payment of an order."""

    id: str
    order_id: str
    status: ChargeStatus
    amount: Dollars
    currency: str
    stripe_id: str
    stripe_refund_id: str | None
    refund_reason: str | None
    card: CardOut | None
    last_error: ErrorOut | None
    version: int
    created_at: datetime
    paid_at: datetime | None
    refunded_at: datetime | None

    @classmethod
    def from_domain(cls, charge: Charge, policy: PaymentPolicy) -> Self:
        fields: dict[str, Any] = {name: getattr(charge, name) for name in cls.model_fields}
        if charge.last_error is not None:
            fields["last_error"] = {
                **asdict(charge.last_error),
                "retryable": not charge.no_more_attempts,
                "attempts_left": charge.attempts_left(policy),
            }
        return cls.from_attributes(fields)


class PaymentErrorItem(ErrorItem, CamelModel):
    """A payment error: Stripe's codes, and whether another card may be tried."""

    code: str | None = None
    decline_code: str | None = None
    retryable: bool | None = None
    attempts_left: int | None = None


class PaymentErrorResponse(BaseModel):
    """The 400 and 402 response of a payment: the error shape with payment details."""

    errors: list[PaymentErrorItem]


class ActionOut(CamelModel):
    """A payment that requires 3-D Secure authentication in the browser."""

    id: str
    status: ChargeStatus
    client_secret: str


class ConfigOut(CamelModel):
    """The settings that the card form needs."""

    publishable_key: str | None
    stripe_js_url: str | None
    margin_seconds: float | None = None
    """How long before its order expires a payment can no longer be started."""
    fee_basis_points: int = 0
    """The platform's share of a price, which the seller pays, in hundredths of a percent."""


class WebhookAck(CamelModel):
    """The acknowledgement that stops Stripe from retrying."""

    received: bool = True
