"""ConfirmationTokens: the content of a submitted payment form, for one use."""

from stripe_local.documents import PRIVATE, Document, new_id, now, nulls, public
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.resources import payment_methods
from stripe_local.resources.call import Call

_LIFETIME_SECONDS = 12 * 3600


def create(call: Call) -> Document:
    """POST /v1/confirmation_tokens, called by Stripe.js."""
    data = call.params["payment_method_data"]
    method = payment_methods.create_from_data(call, data, "payment_method_data")
    return _store_token(call, method)


def create_for_test(call: Call) -> Document:
    """POST /v1/test_helpers/confirmation_tokens."""
    given = call.params.get("payment_method")
    if not given:
        raise invalid(
            "Missing required param: payment_method.", "payment_method", "parameter_missing"
        )
    return _store_token(call, payment_methods.find_or_create(call.store, given))


def _store_token(call: Call, method: Document) -> Document:
    return call.store.upsert(
        {
            "id": new_id("ctoken_1"),
            "object": "confirmation_token",
            "created": now(),
            "expires_at": now() + _LIFETIME_SECONDS,
            "livemode": False,
            "payment_method_preview": _preview(method),
            "return_url": call.params.get("return_url"),
            **nulls("mandate_data", "payment_intent", "payment_method_options"),
            **nulls("setup_future_usage", "setup_intent", "shipping"),
            "use_stripe_sdk": True,
            PRIVATE: {"payment_method": method["id"]},
        }
    )


def consume(call: Call, token_id: str, intent: Document) -> Document:
    """Use a token for a PaymentIntent.

    Raises:
        StripeError: there is no such token, or it has been used or has expired.
    """
    token = call.store.get(token_id, "confirmation_token")
    if token is None:
        raise missing("confirmation_token", token_id, "confirmation_token", 400)
    if token["payment_intent"]:
        raise StripeError(
            400,
            f"The ConfirmationToken {token_id} has already been used.",
            param="confirmation_token",
        )
    if token["expires_at"] < now():
        raise StripeError(
            400, f"The ConfirmationToken {token_id} has expired.", param="confirmation_token"
        )
    return call.store.upsert({**token, "payment_intent": intent["id"]})


def payment_method(token: Document) -> str:
    """Return the id of the PaymentMethod of a token."""
    return token[PRIVATE]["payment_method"]


def _preview(method: Document) -> Document:
    fields = ("allow_redisplay", "billing_details", "card", "customer", "customer_account", "type")
    return {name: value for name, value in public(method).items() if name in fields}
