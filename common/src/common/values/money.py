"""Prices: integer cents internally, decimal numbers in JSON, converted exactly."""

from decimal import Decimal, InvalidOperation

MIN_CENTS = 50
"""The card processor's minimum in USD: a cheaper ticket could never be paid."""

MAX_CENTS = 99_999_999
"""The card processor's maximum, 999,999.99."""


def cents(price: object) -> int:
    """Parse a price, a number or a numeric string, into cents.

    Raises:
        ValueError: with a message for the user.
    """
    if isinstance(price, bool) or not isinstance(price, int | float | str | Decimal):
        raise ValueError("Price must be a number")  # noqa: TRY004 - for pydantic
    text = str(price).strip()
    if len(text) > 32:  # noqa: PLR2004 - bounds Decimal's work
        raise ValueError("Price must be a number")
    if not text.isascii() or "_" in text:  # Decimal would accept these
        raise ValueError("Price must be a number")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError("Price must be a number") from None
    if not amount.is_finite():
        raise ValueError("Price must be a number")
    if amount < Decimal(MIN_CENTS) / 100:
        raise ValueError("Price must be at least 0.50")
    if amount > Decimal(MAX_CENTS) / 100:
        raise ValueError("Price must be at most 999,999.99")
    minor = amount * 100
    if minor != minor.to_integral_value():
        raise ValueError("Price must have at most two decimals")
    return int(minor)


def whole_cents(amount: Decimal | None) -> int | None:
    """Convert an amount with at most two decimals into cents."""
    return None if amount is None else int(amount * 100)


def price(minor: int) -> float:
    """Return the amount of cents as the number that clients see; exact in JSON."""
    return minor / 100
