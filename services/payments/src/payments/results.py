"""The results and errors that a buyer gets for a charge."""

from dataclasses import dataclass, field

from common.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ErrorDetail,
    PaymentDeclined,
    ServiceUnavailable,
)
from common.events import ChargeStatus
from payments.domain.attempts import Outcome
from payments.domain.charge import Charge
from payments.domain.stripe_objects import Decline


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A charge, with a client secret if it requires 3-D Secure authentication."""

    charge: Charge
    client_secret: str | None = field(default=None, repr=False)


def final_result(charge: Charge) -> PaymentResult:
    """Return the result of a charge whose PaymentIntent is no longer open.

    Raises:
        BadRequest: it was cancelled or refunded.
    """
    if charge.status is not ChargeStatus.SUCCEEDED:
        raise BadRequest("Cannot pay for a cancelled order")
    return PaymentResult(charge)


def attempt_error(charge: Charge, decline: Decline) -> ApiError:
    """Return the error of the last attempt."""
    if charge.attempts[-1].outcome is Outcome.INVALID:
        return token_rejected(decline)
    return card_declined(charge, decline)


def card_declined(charge: Charge, decline: Decline) -> PaymentDeclined:
    """Return the error for a declined card."""
    extra = {**_codes(decline), "retryable": not charge.no_more_attempts}
    return PaymentDeclined(details=[ErrorDetail(decline.message, extra=extra)])


def token_rejected(decline: Decline) -> BadRequest:
    """Return the error for a token that Stripe rejected."""
    return BadRequest(details=[ErrorDetail(decline.message, "token", _codes(decline))])


def _codes(decline: Decline) -> dict[str, str | bool]:
    codes = {"code": decline.code, "declineCode": decline.decline_code}
    return {name: code for name, code in codes.items() if code}


def attempt_in_progress() -> Conflict:
    """Return the error for a click while another attempt is running."""
    return Conflict("A payment for this order is in progress", retry_after=2)


def outcome_unknown() -> ServiceUnavailable:
    """Return the error for an attempt without a response from Stripe."""
    return ServiceUnavailable(
        "We do not know yet whether the payment went through and are checking. "
        "Please do not pay another way in the meantime.",
        retry_after=3,
    )
