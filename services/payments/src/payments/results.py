"""The results and errors that a buyer gets for a charge."""

from dataclasses import dataclass, field
from typing import Final

from common.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ErrorDetail,
    PaymentDeclined,
    ServiceUnavailable,
    TooManyRequests,
)
from common.events import ChargeStatus
from payments.domain.attempts import Outcome
from payments.domain.charge import Charge
from payments.domain.order import PaymentPolicy
from payments.domain.stripe_objects import Decline

TOO_MANY_DECLINES: Final = Decline("Too many declined payments", "too_many_declines")
CARD_LIMIT_REACHED: Final = Decline(
    "Too many declined payments with this card", "card_limit_reached"
)
"""How an attempt ends whose card has reached its limit."""
PAYMENTS_UNAVAILABLE: Final = Decline(
    "Card payments are unavailable. This attempt was not charged.", "payments_unavailable"
)
CARD_LIMIT_RETRY_SECONDS: Final = 3600
"""The Retry-After of a second click, which does not know when the card can be used again."""


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


def attempt_error(charge: Charge, decline: Decline, policy: PaymentPolicy) -> ApiError:
    """Return the error of the last attempt."""
    if decline.code == CARD_LIMIT_REACHED.code:
        return card_limit_reached(CARD_LIMIT_RETRY_SECONDS)
    if charge.attempts[-1].outcome is Outcome.INVALID:
        return token_rejected(decline)
    return card_declined(charge, decline, policy)


def card_declined(charge: Charge, decline: Decline, policy: PaymentPolicy) -> PaymentDeclined:
    """Return the error for a declined card."""
    extra = {
        **_codes(decline),
        "retryable": not charge.no_more_attempts,
        "attemptsLeft": charge.attempts_left(policy),
    }
    return PaymentDeclined(details=[ErrorDetail(decline.message, extra=extra)])


def token_rejected(decline: Decline) -> BadRequest:
    """Return the error for a token that Stripe rejected."""
    return BadRequest(details=[ErrorDetail(decline.message, "token", _codes(decline))])


def decline_limit_reached(retry_after: int) -> TooManyRequests:
    """Return the error for an account or an address with too many declined payments."""
    return _too_many(TOO_MANY_DECLINES, retry_after)


def card_limit_reached(retry_after: int) -> TooManyRequests:
    """Return the error for a card with too many declined payments."""
    return _too_many(CARD_LIMIT_REACHED, retry_after)


def _too_many(decline: Decline, retry_after: int) -> TooManyRequests:
    detail = ErrorDetail(decline.message, extra=_codes(decline))
    return TooManyRequests(details=[detail], retry_after=retry_after)


def _codes(decline: Decline) -> dict[str, str | bool]:
    codes = {"code": decline.code, "declineCode": decline.decline_code}
    return {name: code for name, code in codes.items() if code}


def attempt_in_progress() -> Conflict:
    """Return the error for a click while another attempt is running."""
    return Conflict("A payment for this order is in progress", retry_after=2)


def payments_unavailable() -> ServiceUnavailable:
    """Return the error for an attempt that Stripe refused permanently before any confirm.

    It has no Retry-After, because only an operator can change the cause.
    """
    detail = ErrorDetail(PAYMENTS_UNAVAILABLE.message, extra=_codes(PAYMENTS_UNAVAILABLE))
    return ServiceUnavailable(details=[detail])


def outcome_unknown() -> ServiceUnavailable:
    """Return the error for an attempt without a response from Stripe."""
    return ServiceUnavailable(
        "We do not know yet whether the payment went through and are checking. "
        "Please do not pay another way in the meantime.",
        retry_after=3,
    )
