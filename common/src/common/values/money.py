"""Prices: integer cents inside, a decimal number outside, converted once and exactly."""

from decimal import Decimal, InvalidOperation

MIN_CENTS = 50
"""The card processor's minimum in USD: a cheaper ticket could never be paid."""

MAX_CENTS = 99_999_999
"""The card processor's maximum, 999,999.99."""


def cents(price: object) -> int:
    """Read a price, a number or a numeric string, as whole cents.

    Raises:
        ValueError: with the words for the person who typed it.
    """
    if isinstance(price, bool) or not isinstance(price, int | float | str | Decimal):
        raise ValueError("Price must be a number")  # noqa: TRY004 - pydantic wants a ValueError
    text = str(price).strip()
    if len(text) > 32:  # noqa: PLR2004 - longer than any price; keeps Decimal's work bounded
        raise ValueError("Price must be a number")
    if not text.isascii() or "_" in text:  # Decimal reads more than other languages call a number
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
    """Turn an amount that is known to have two decimals at most into cents."""
    return None if amount is None else int(amount * 100)


def price(minor: int) -> float:
    """Show whole cents as the number that clients know; exact to the cent in JSON."""
    return minor / 100
