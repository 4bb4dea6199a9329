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


def cents(price: object, *, name: str = "Price", min_cents: int = MIN_CENTS) -> int:
    """Parse a price, a number or a numeric string, into cents.

    Args:
        price: the price.
        name: what the messages call it.
        min_cents: the least that is accepted.

    Raises:
        ValueError: with a message for the user.
    """
    is_number = isinstance(price, int | float | str | Decimal) and not isinstance(price, bool)
    text = str(price).strip() if is_number else ""
    if len(text) > MAX_TEXT_LENGTH or not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} must be a number")
    amount = Decimal(text)
    if amount < Decimal(min_cents) / 100:
        raise ValueError(f"{name} must be at least {min_cents / 100:.2f}")
    if amount > Decimal(MAX_CENTS) / 100:
        raise ValueError(f"{name} must be at most 999,999.99")
    minor = amount * 100
    if minor != minor.to_integral_value():
        raise ValueError(f"{name} must have at most two decimals")
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


def _face_value(amount: object) -> int:
    return cents(amount, name="Face value", min_cents=1)


FaceValue = Annotated[
    int,
    BeforeValidator(_face_value),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0.01, "maximum": 999999.99, "multipleOf": 0.01},
                {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,2})?$"},
            ]
        }
    ),
]
"""The price printed on a ticket, in a request; parsed into cents like a price."""
