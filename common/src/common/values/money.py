"""Prices: integer cents internally, decimal numbers in JSON, converted exactly."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

MIN_CENTS = 50
"""The card processor's minimum in USD: a cheaper ticket could never be paid."""

MAX_CENTS = 99_999_999
"""The card processor's maximum, 999,999.99."""

MAX_TEXT_LENGTH: Final = 32
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,9})?", re.ASCII | re.IGNORECASE)
"""A subset of what Decimal accepts, which includes underscores, other digits and NaN."""


def cents(price: object) -> int:
    """Parse a price, a number or a numeric string, into cents.

    Raises:
        ValueError: with a message for the user.
    """
    is_number = isinstance(price, int | float | str | Decimal) and not isinstance(price, bool)
    text = str(price).strip() if is_number else ""
    if len(text) > MAX_TEXT_LENGTH or not _NUMBER.fullmatch(text):
        raise ValueError("Price must be a number")
    amount = Decimal(text)
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


Price = Annotated[
    int,
    BeforeValidator(cents),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0.5, "maximum": 999999.99, "multipleOf": 0.01},
                {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,2})?$"},
            ]
        }
    ),
]
"""A price in a request: dollars, as a number or a numeric string, parsed into cents."""

Dollars = Annotated[float, BeforeValidator(price), Field(examples=[19.99])]
"""A price in a response, created from cents."""
