"""Tokens: card details for one use; test ids such as `tok_visa` always exist."""

import hashlib

from stripe_local.cards.published import find_by_number, find_by_test_id
from stripe_local.cards.validation import details_for_test_id, validate_card
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.resources.call import Call
from stripe_local.store import Store

_BRAND_NAMES = {
    "visa": "Visa",
    "mastercard": "MasterCard",
    "amex": "American Express",
    "discover": "Discover",
    "jcb": "JCB",
}


def create(call: Call) -> Document:
    """POST /v1/tokens."""
    card = call.params.get("card")
    if not isinstance(card, dict):
        raise invalid("Missing required param: card.", "card", "parameter_missing")
    details = validate_card(card, is_browser=call.is_browser)  # pyright: ignore[reportUnknownArgumentType]  # JSON-like
    return call.store.upsert(
        {
            "id": new_id("tok_1"),
            "object": "token",
            "card": _card(details),
            "client_ip": "127.0.0.1",
            "created": now(),
            "livemode": False,
            "type": "card",
            "used": False,
            PRIVATE: details,
        }
    )


def consume(store: Store, token_id: str, param: str) -> Document:
    """Use a token, and return its card details.

    Raises:
        StripeError: there is no such token, or it has been used.
    """
    card = find_by_test_id(token_id) if token_id.startswith("tok_") else None
    if card:
        return details_for_test_id(card.number)
    token = store.get(token_id, "token")
    if token is None:
        raise missing("token", token_id, param, 400)
    if token["used"]:
        raise StripeError(
            400,
            f"You cannot use a Stripe token more than once: {token_id}.",
            code="token_already_used",
            param=param,
        )
    store.upsert({**token, "used": True})
    return token[PRIVATE]


def fingerprint(number: str) -> str:
    """Return a stable fingerprint of a card number."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]


def _card(details: Document) -> Document:
    card = find_by_number(details["number"])
    brand, funding = (card.brand, card.funding) if card else ("visa", "credit")
    postal_code = details["postal_code"]
    return {
        "id": new_id("card_1"),
        "object": "card",
        "address_zip": postal_code,
        "address_zip_check": "unchecked" if postal_code else None,
        "brand": _BRAND_NAMES[brand],
        "country": "US",
        "cvc_check": "unchecked",
        "exp_month": details["exp_month"],
        "exp_year": details["exp_year"],
        "fingerprint": fingerprint(details["number"]),
        "funding": funding,
        "last4": details["number"][-4:],
        "metadata": {},
        "name": details["name"],
        "regulated_status": "unregulated",
        **nulls("address_city", "address_country", "address_line1", "address_line1_check"),
        **nulls("address_line2", "address_state", "dynamic_last4", "tokenization_method", "wallet"),
    }
