"""What the wire sees of a payment."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from common.events import ChargeStatus
from common.values import money
from common.values.ids import Id
from common.web.schemas import ErrorItem, Wire
from payments.domain import Charge

Token = Annotated[
    str,
    StringConstraints(max_length=255, pattern=r"^(tok|pm|ctoken)_[A-Za-z0-9_]+$"),
]


class PaymentIn(Wire):
    """What a buyer sends: what Stripe.js made of the card, and what it is to pay for."""

    token: Annotated[Token, Field(examples=["ctoken_1abc", "pm_card_visa", "tok_visa"])]
    order_id: Id


class CardOut(Wire):
    """What may be shown of a card."""

    brand: str
    last4: str


class ErrorOut(Wire):
    """Why the last attempt failed."""

    message: str
    code: str | None
    decline_code: str | None
    retryable: bool


class PaymentOut(Wire):
    """What a buyer sees of the money of an order."""

    id: str
    order_id: str
    status: ChargeStatus
    amount: Annotated[float, Field(examples=[19.99])]
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
    def of(cls, charge: Charge) -> Self:
        """Show a charge."""
        card, error = charge.card, charge.last_error
        return cls(
            id=charge.id,
            order_id=charge.order_id,
            status=charge.status,
            amount=money.price(charge.amount),
            currency=charge.currency,
            stripe_id=charge.stripe_id,
            stripe_refund_id=charge.stripe_refund_id,
            refund_reason=charge.refund_reason,
            card=CardOut(brand=card.brand, last4=card.last4) if card else None,
            last_error=ErrorOut(
                message=error.message,
                code=error.code,
                decline_code=error.decline_code,
                retryable=not charge.final,
            )
            if error
            else None,
            version=charge.version,
            created_at=charge.created_at,
            paid_at=charge.paid_at,
            refunded_at=charge.refunded_at,
        )


class RefusalItem(ErrorItem, Wire):
    """Why a payment was refused: Stripe's codes, and whether another card may be tried."""

    code: str | None = None
    decline_code: str | None = None
    retryable: bool | None = None


class Refused(BaseModel):
    """The shape of every error, with what programs want to know of a payment's."""

    errors: list[RefusalItem]


class ActionOut(Wire):
    """What a browser needs so that the bank can ask the buyer (3-D Secure)."""

    id: str
    status: ChargeStatus
    client_secret: str


class ConfigOut(Wire):
    """What the web client needs to show a card form."""

    publishable_key: str | None
    stripe_js_url: str | None
