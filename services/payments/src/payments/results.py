"""What a buyer is told of a charge."""

from dataclasses import dataclass, field

from common.errors import Failure, InProgress, Invalid, PaymentDeclined, Problem, Unavailable
from common.events import ChargeStatus
from payments.domain import Charge, Outcome
from payments.stripe.models import Decline


@dataclass(frozen=True, slots=True)
class Payment:
    """A charge, and the secret to go on with where the bank wants to hear from the buyer."""

    charge: Charge
    client_secret: str | None = field(default=None, repr=False)


def settled(charge: Charge) -> Payment:
    """Answer from a charge whose PaymentIntent has come to its end.

    Raises:
        Invalid: not with success, or not for long.
    """
    if charge.status is not ChargeStatus.SUCCEEDED:
        raise Invalid("Cannot pay for a cancelled order")
    return Payment(charge)


def refused(charge: Charge, problem: Decline) -> Failure:
    """Say why the last attempt failed."""
    if charge.attempts[-1].outcome is Outcome.INVALID:
        return refused_token(problem)
    return declined(charge, problem)


def declined(charge: Charge, problem: Decline) -> PaymentDeclined:
    """Say why the card was declined, and whether another one may be tried."""
    extra = {**_codes(problem), "retryable": not charge.final}
    return PaymentDeclined(problems=[Problem(problem.message, extra=extra)])


def refused_token(problem: Decline) -> Invalid:
    """Say that Stripe does not take the token."""
    return Invalid(problems=[Problem(problem.message, "token", _codes(problem))])


def _codes(problem: Decline) -> dict[str, str | bool]:
    codes = {"code": problem.code, "declineCode": problem.decline_code}
    return {name: code for name, code in codes.items() if code}


def in_progress() -> InProgress:
    """Say that another attempt is running."""
    return InProgress("A payment for this order is in progress", retry_after=2)


def unknown() -> Unavailable:
    """Say that the money may or may not have been taken."""
    return Unavailable(
        "We do not know yet whether the payment went through, and are finding out. "
        "Please do not pay in another way meanwhile.",
        retry_after=3,
    )
