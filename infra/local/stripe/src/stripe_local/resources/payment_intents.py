"""PaymentIntents: an amount to be paid, in one or more attempts; it succeeds once."""

from stripe_local.cards.amounts import validate_amount, validate_currency
from stripe_local.documents import Document, new_id, now, nulls
from stripe_local.errors import CardError, StripeError, invalid, missing, unexpected_state
from stripe_local.resources import confirmation_tokens, payment_methods
from stripe_local.resources.call import Call, merge_metadata
from stripe_local.resources.payment_intent_confirmation import charge_card, fail_authentication
from stripe_local.resources.payment_intent_confirmation import confirm as try_to_pay

OPEN_STATUSES = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
TEXT_FIELDS = (
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
# Stripe documents the other fields as retrievable with a publishable key.
_HIDDEN_FROM_BROWSERS = frozenset(
    {
        "amount_capturable",
        "amount_received",
        "application",
        "application_fee_amount",
        "customer",
        "customer_account",
        "excluded_payment_method_types",
        "latest_charge",
        "metadata",
        "on_behalf_of",
        "payment_method_options",
        "payment_record",
        "review",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    }
)


def create(call: Call) -> Document:
    """POST /v1/payment_intents."""
    params = call.params
    if params.get("error_on_requires_action") and not params.get("confirm"):
        raise invalid(
            "error_on_requires_action can only be used with confirm=true.",
            "error_on_requires_action",
        )
    if params.get("confirmation_token") and not params.get("confirm"):
        raise invalid(
            "confirmation_token can only be used with confirm=true.", "confirmation_token"
        )
    intent = merge_metadata(_new(params), params)
    return_url = _attach_payment_method(call, intent)
    call.store.upsert(intent)
    call.emit("payment_intent.created", intent)
    return try_to_pay(call, intent, return_url) if params.get("confirm") else intent


def retrieve(call: Call) -> Document:
    """GET /v1/payment_intents/{id}."""
    return _visible_fields(call, _load(call))


def update(call: Call) -> Document:
    """POST /v1/payment_intents/{id}."""
    intent = _load(call)
    if set(call.params) - {"metadata"} and intent["status"] not in OPEN_STATUSES:
        raise unexpected_state(
            intent,
            "This PaymentIntent could not be updated because it has a status of "
            f"{intent['status']}.",
        )
    if "currency" in call.params:
        intent["currency"] = validate_currency(call.params["currency"])
    if "amount" in call.params or "currency" in call.params:
        amount = call.params.get("amount", intent["amount"])
        intent["amount"] = validate_amount(amount, intent["currency"])
    intent |= {name: call.params[name] or None for name in TEXT_FIELDS if name in call.params}
    _attach_payment_method(call, merge_metadata(intent, call.params))
    return call.store.upsert(intent)


def confirm(call: Call) -> Document:
    """POST /v1/payment_intents/{id}/confirm."""
    intent = _load(call)
    if intent["status"] not in OPEN_STATUSES:
        raise unexpected_state(
            intent,
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
        )
    return_url = _attach_payment_method(call, intent)
    if call.params.get("receipt_email"):
        intent["receipt_email"] = call.params["receipt_email"]
    return _visible_fields(call, try_to_pay(call, intent, return_url))


def cancel(call: Call) -> Document:
    """POST /v1/payment_intents/{id}/cancel."""
    intent = _load(call)
    if intent["status"] not in OPEN_STATUSES:
        raise unexpected_state(
            intent,
            "You cannot cancel this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            f"canceled: {', '.join(sorted(OPEN_STATUSES))}.",
        )
    intent |= {
        "status": "canceled",
        "canceled_at": now(),
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
    }
    call.store.upsert(intent)
    call.emit("payment_intent.canceled", intent)
    return intent


def authenticate(call: Call) -> Document:
    """POST /_local/payment_intents/{id}/authenticate: pass or fail the challenge."""
    intent = _load(call)
    if intent["status"] != "requires_action":
        raise unexpected_state(
            intent,
            f"This PaymentIntent cannot be authenticated: it has a status of {intent['status']}.",
        )
    method = payment_methods.find_or_create(call.store, intent["payment_method"])
    if call.params["outcome"] != "success":
        return _visible_fields(call, fail_authentication(call, intent, method))
    try:
        return _visible_fields(call, charge_card(call, intent, method, authenticated=True))
    except CardError:
        # The challenge itself succeeded; the intent shows the decline.
        return _visible_fields(call, call.load_object("payment_intent"))


def _load(call: Call) -> Document:
    """Return the intent in the path; a browser must send its client secret."""
    intent = call.load_object("payment_intent")
    secret = call.params.get("client_secret")
    if (call.is_browser or secret) and secret != intent["client_secret"]:
        raise missing("payment_intent", call.id)
    return intent


def _visible_fields(call: Call, intent: Document) -> Document:
    if not call.is_browser:
        return intent
    return {name: value for name, value in intent.items() if name not in _HIDDEN_FROM_BROWSERS}


def _attach_payment_method(call: Call, intent: Document) -> str | None:
    """Attach the PaymentMethod of a call to an intent, and return the return URL."""
    given = [name for name in ("confirmation_token", "payment_method") if call.params.get(name)]
    if len(given) > 1:
        raise invalid(f"You may only specify one of these parameters: {', '.join(given)}.")
    return_url: str | None = call.params.get("return_url")
    match given:
        case ["confirmation_token"]:
            token = confirmation_tokens.consume(call, call.params["confirmation_token"], intent)
            intent["payment_method"] = confirmation_tokens.payment_method(token)
            return_url = return_url or token["return_url"]
        case ["payment_method"]:
            method = payment_methods.find_or_create(call.store, call.params["payment_method"])
            intent["payment_method"] = method["id"]
        case _:
            pass
    if intent["payment_method"] and intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"
    return return_url


def _new(params: Document) -> Document:
    currency = validate_currency(params["currency"])
    intent_id = new_id("pi_3")
    types = _types(params)
    return {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": types,
        "amount": validate_amount(params["amount"], currency),
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": None if types else _automatic(params),
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": now(),
        "currency": currency,
        **{name: params.get(name) for name in TEXT_FIELDS},
        "livemode": False,
        "metadata": {},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        **nulls("application", "application_fee_amount", "canceled_at", "cancellation_reason"),
        **nulls("customer", "customer_account", "excluded_payment_method_types"),
        **nulls("last_payment_error", "latest_charge", "next_action", "on_behalf_of"),
        **nulls("payment_method", "payment_method_configuration_details", "payment_record"),
        **nulls("processing", "review", "setup_future_usage", "shipping", "source"),
        "transfer_data": None,
    }


def _types(params: Document) -> list[str] | None:
    types: list[str] | None = params.get("allowed_payment_method_types") or None
    if types and params.get("automatic_payment_methods"):
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, "
            "allowed_payment_method_types."
        )
    if types and "card" not in types:
        raise StripeError(
            400,
            "This server supports only cards: allowed_payment_method_types must include card.",
            param="allowed_payment_method_types",
        )
    return types


def _automatic(params: Document) -> Document:
    given: Document = params.get("automatic_payment_methods") or {}
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": True}
