"""Validate the card details that a buyer typed, as Stripe does before it asks the bank."""

import re
import time
from typing import Any

from stripe_local.cards.published import find_by_number, passes_luhn
from stripe_local.documents import Document
from stripe_local.errors import CardError, StripeError

_MAX_YEARS_AHEAD = 50
_TEST_CARD_VALID_YEARS = 2


def details_for_test_id(number: str) -> Document:
    """Return the card details of a test id such as `tok_visa`, by its card number."""
    return _details(number, 12, time.gmtime().tm_year + _TEST_CARD_VALID_YEARS)


def validate_card(card: Document, *, is_browser: bool) -> Document:
    """Check card details that contain a number; only a browser may send one."""
    if not is_browser:
        raise StripeError(
            402,
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We "
            "suggest you use test tokens that map to the test card you are using, see "
            "https://stripe.com/docs/testing.",
        )
    number = _validate_number(card.get("number"))
    month, year = _validate_expiry(card.get("exp_month"), card.get("exp_year"))
    cvc = card.get("cvc")
    if cvc is not None and not re.fullmatch(r"\d{3,4}", str(cvc)):
        raise CardError("Your card's security code is invalid.", "invalid_cvc", param="cvc")
    return _details(number, month, year, card)


def _details(number: str, month: int, year: int, card: Document | None = None) -> Document:
    return {
        "number": number,
        "exp_month": month,
        "exp_year": year,
        "name": (card or {}).get("name"),
        "postal_code": (card or {}).get("address_zip"),
    }


def _validate_number(value: Any) -> str:
    number = re.sub(r"\s", "", str(value or ""))
    if not number.isdigit() or not passes_luhn(number):
        raise CardError("Your card number is incorrect.", "incorrect_number", param="number")
    if not find_by_number(number):
        raise CardError(
            "Your card was declined. This local test server accepts only the test cards "
            "that Stripe publishes.",
            "card_declined",
            decline_code="test_mode_live_card",
            param="number",
        )
    return number


def _validate_expiry(month: Any, year: Any) -> tuple[int, int]:
    month, year = _parse_int(month), _parse_int(year)
    if not 1 <= month <= 12:  # noqa: PLR2004  # the months of a year
        raise CardError(
            "Your card's expiration month is invalid.", "invalid_expiry_month", param="exp_month"
        )
    century = time.gmtime().tm_year // 100 * 100
    full = year + century if year < 100 else year  # noqa: PLR2004  # two digits
    today = time.gmtime()
    past = (full, month) < (today.tm_year, today.tm_mon)
    if past or full > today.tm_year + _MAX_YEARS_AHEAD:
        raise CardError(
            "Your card's expiration year is invalid.", "invalid_expiry_year", param="exp_year"
        )
    return month, full


def _parse_int(value: Any) -> int:
    return int(value) if str(value).isdigit() else 0
