"""What a buyer is told of a charge."""

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
from payments.stripe.models import Decline


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A charge, and the secret to go on with where the bank wants to hear from the buyer."""

    charge: Charge
    client_secret: str | None = field(default=None, repr=False)


def final_result(charge: Charge) -> PaymentResult:
    """Answer from a charge whose PaymentIntent has come to its end.

    Raises:
        Invalid: not with success, or not for long.
    """
    if charge.status is not ChargeStatus.SUCCEEDED:
        raise BadRequest("Cannot pay for a cancelled order")
    return PaymentResult(charge)


def attempt_error(charge: Charge, decline: Decline) -> ApiError:
    """Say why the last attempt failed."""
    if charge.attempts[-1].outcome is Outcome.INVALID:
        return token_rejected(decline)
    return card_declined(charge, decline)


def card_declined(charge: Charge, decline: Decline) -> PaymentDeclined:
    """Say why the card was declined, and whether another one may be tried."""
    extra = {**_codes(decline), "retryable": not charge.no_more_attempts}
    return PaymentDeclined(details=[ErrorDetail(decline.message, extra=extra)])


def token_rejected(decline: Decline) -> BadRequest:
    """Say that Stripe does not take the token."""
    return BadRequest(details=[ErrorDetail(decline.message, "token", _codes(decline))])


def _codes(decline: Decline) -> dict[str, str | bool]:
    codes = {"code": decline.code, "declineCode": decline.decline_code}
    return {name: code for name, code in codes.items() if code}


def attempt_in_progress() -> Conflict:
    """Say that another attempt is running."""
    return Conflict("A payment for this order is in progress", retry_after=2)


def outcome_unknown() -> ServiceUnavailable:
    """Say that the money may or may not have been taken."""
    return ServiceUnavailable(
        "We do not know yet whether the payment went through and are checking. "
        "Please do not pay another way in the meantime.",
        retry_after=3,
    )
