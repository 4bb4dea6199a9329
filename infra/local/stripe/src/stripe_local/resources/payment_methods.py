"""PaymentMethods: cards that can confirm a PaymentIntent."""

from stripe_local.cards.published import Card, find_by_number, find_by_test_id
from stripe_local.cards.validation import details_for_test_id, validate_card
from stripe_local.documents import PRIVATE, Document, new_id, now, nulls
from stripe_local.errors import invalid, missing
from stripe_local.resources import tokens
from stripe_local.resources.call import Call, merge_metadata
from stripe_local.store import Store


def create(call: Call) -> Document:
    """POST /v1/payment_methods."""
    method = merge_metadata(create_from_data(call, call.params), call.params)
    return call.store.upsert(method)


def retrieve(call: Call) -> Document:
    """GET /v1/payment_methods/{id}."""
    return find_or_create(call.store, call.id, "id", 404)


def create_from_data(call: Call, data: Document, path: str = "") -> Document:
    """Create a PaymentMethod from a token, or (browsers only) from a card number."""
    if data.get("type") != "card":
        raise invalid(
            "This local server supports only cards: type must be card.",
            f"{path}[type]" if path else "type",
        )
    card: Document = data.get("card") or {}
    param = f"{path}[card][token]" if path else "card[token]"
    token = card.get("token")
    details = (
        tokens.consume(call.store, token, param)
        if token
        else validate_card(card, is_browser=call.is_browser)
    )
    return call.store.upsert(_new(details, data.get("billing_details")))


def find_or_create(
    store: Store, method_id: str, param: str = "payment_method", status: int = 400
) -> Document:
    """Return the PaymentMethod with this id; test ids such as `pm_card_visa` create one."""
    card = find_by_test_id(method_id) if method_id.startswith("pm_card_") else None
    if card:
        return store.upsert(_new(details_for_test_id(card.number)))
    method = store.get(method_id, "payment_method")
    if method is None:
        raise missing("PaymentMethod", method_id, param, status)
    return method


def published_card(method: Document) -> Card:
    """Return the test card of a PaymentMethod."""
    card = find_by_number(method[PRIVATE]["number"])
    if card is None:
        raise missing("PaymentMethod", method["id"])  # stored by a version with more cards
    return card


def _new(details: Document, billing: Document | None = None) -> Document:
    return {
        "id": new_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": _billing_details(details, billing or {}),
        "card": _card(details),
        "created": now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        PRIVATE: {"number": details["number"], "paid": None},
    }


def _billing_details(details: Document, given: Document) -> Document:
    address = {
        "postal_code": details["postal_code"],
        **nulls("city", "country", "line1", "line2", "state"),
    }
    details_given = {"email": None, "name": details["name"], "phone": None, "tax_id": None, **given}
    return {**details_given, "address": {**address, **(given.get("address") or {})}}


def _card(details: Document) -> Document:
    card = find_by_number(details["number"])
    brand, funding = (card.brand, card.funding) if card else ("visa", "credit")
    return {
        "brand": brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": "pass" if details["postal_code"] else None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": brand,
        "exp_month": details["exp_month"],
        "exp_year": details["exp_year"],
        "fingerprint": tokens.fingerprint(details["number"]),
        "funding": funding,
        "generated_from": None,
        "last4": details["number"][-4:],
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
