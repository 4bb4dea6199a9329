"""Amounts in the smallest unit of a currency, within Stripe's limits."""

from stripe_local.errors import invalid

_MAX_AMOUNT = 99_999_999
# https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_MIN_AMOUNTS = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
    "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip


def validate_currency(code: str) -> str:
    """Return a supported currency code in lower case."""
    currency = code.lower()
    if currency not in _MIN_AMOUNTS:
        raise invalid(
            f"Invalid currency: {currency}. This local server supports: {', '.join(_MIN_AMOUNTS)}.",
            "currency",
        )
    return currency


def validate_amount(amount: int, currency: str) -> int:
    """Check that a card can be charged this amount."""
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"
        )
    if amount < _MIN_AMOUNTS[currency]:
        raise invalid(
            f"Amount must be at least {_MIN_AMOUNTS[currency]} in {currency}'s smallest unit.",
            "amount",
            "amount_too_small",
        )
    if amount > _MAX_AMOUNT:
        raise invalid(
            f"Amount must be no more than {_MAX_AMOUNT} in the smallest unit.",
            "amount",
            "amount_too_large",
        )
    return amount
