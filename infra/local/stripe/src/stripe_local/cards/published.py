"""The test cards that Stripe publishes; no other card is accepted."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Decline:
    """The reason of a decline."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class Card:
    """A test card and its behaviour."""

    number: str
    brand: str = "visa"
    funding: str = "credit"
    decline: Decline | None = None
    requires_challenge: bool = False
    refund: Literal["succeeds", "pends", "fails"] = "succeeds"
    bypasses_pending: bool = False
    dispute: Literal["fraudulent", "product_not_received", "inquiry", "multiple"] | None = None


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


GENERIC = _declined("generic_decline")
INSUFFICIENT = _declined("insufficient_funds", "Your card has insufficient funds.")
FRAUDULENT = _declined("fraudulent")
VELOCITY = _declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
)
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
AUTHENTICATION = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)

# By the part of its test id after `tok_` or `pm_card_`.
_CARDS_BY_NAME = {
    "visa": Card("4242424242424242"),
    "visa_debit": Card("4000056655665556", funding="debit"),
    "mastercard": Card("5555555555554444", "mastercard"),
    "mastercard_debit": Card("5200828282828210", "mastercard", "debit"),
    "amex": Card("378282246310005", "amex"),
    "discover": Card("6011111111111117", "discover"),
    "jcb": Card("3566002020360505", "jcb"),
    "bypassPending": Card("4000000000000077", bypasses_pending=True),
    "createDispute": Card("4000000000000259", dispute="fraudulent"),
    "createDisputeProductNotReceived": Card("4000000000002685", dispute="product_not_received"),
    "createDisputeInquiry": Card("4000000000001976", dispute="inquiry"),
    "createMultipleDisputes": Card("4000000404000079", dispute="multiple"),
    "createIssuerFraudRecord": Card("4000000000005423"),
    "pendingRefund": Card("4000000000007726", refund="pends"),
    "refundFail": Card("4000000000005126", refund="fails"),
    "chargeDeclined": Card("4000000000000002", decline=GENERIC),
    "chargeDeclinedInsufficientFunds": Card("4000000000009995", decline=INSUFFICIENT),
    "chargeDeclinedLostCard": Card("4000000000009987", decline=_declined("lost_card")),
    "chargeDeclinedStolenCard": Card("4000000000009979", decline=_declined("stolen_card")),
    "chargeDeclinedVelocityLimitExceeded": Card("4000000000006975", decline=VELOCITY),
    "chargeDeclinedFraudulent": Card("4100000000000019", decline=FRAUDULENT),
    "chargeDeclinedExpiredCard": Card("4000000000000069", decline=EXPIRED),
    "chargeDeclinedIncorrectCvc": Card("4000000000000127", decline=WRONG_CVC),
    "chargeDeclinedProcessingError": Card("4000000000000119", decline=PROCESSING),
    "chargeCustomerFail": Card("4000000000000341", decline=GENERIC),
    "threeDSecure2Required": Card("4000000000003220", requires_challenge=True),
    "threeDSecureRequired": Card("4000000000003063", requires_challenge=True),
    "threeDSecureOptional": Card("4000000000003055"),
    "threeDSecureRequiredChargeDeclined": Card(
        "4000008400001629", decline=GENERIC, requires_challenge=True
    ),
    "authenticationRequired": Card("4000002760003184", requires_challenge=True),
    "authenticationRequiredOnSetup": Card("4000002500003155", requires_challenge=True),
    "authenticationRequiredSetupForOffSession": Card("4000003800000446", requires_challenge=True),
    "authenticationRequiredChargeDeclinedInsufficientFunds": Card(
        "4000008260003178", decline=INSUFFICIENT, requires_challenge=True
    ),
}
_ALIASES = {**_CARDS_BY_NAME, "radarBlock": _CARDS_BY_NAME["chargeDeclinedFraudulent"]}
_CARDS_BY_NUMBER = {card.number: card for card in _CARDS_BY_NAME.values()}
_PREFIXES = ("tok_visa_", "pm_card_visa_", "tok_", "pm_card_")


def find_by_number(number: str) -> Card | None:
    """Return the test card with this number."""
    return _CARDS_BY_NUMBER.get(number)


def find_by_test_id(test_id: str) -> Card | None:
    """Return the test card of an id such as `tok_visa` or `pm_card_chargeDeclined`."""
    for prefix in _PREFIXES:
        card = _ALIASES.get(test_id.removeprefix(prefix)) if test_id.startswith(prefix) else None
        if card:
            return card
    return None


def passes_luhn(number: str) -> bool:
    """Return whether the check digit of a card number is right."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
