"""Confirm a PaymentIntent: its card is challenged, declined or charged."""

from typing import NoReturn

from stripe_local.cards.published import AUTHENTICATION, Decline
from stripe_local.documents import PRIVATE, Document, public
from stripe_local.errors import CardError, StripeError, invalid, unexpected_state
from stripe_local.resources import charges, payment_methods
from stripe_local.resources.call import Call

_ERROR_DOCS_URL = "https://docs.stripe.com/error-codes"
_RETRYABLE_DECLINES = frozenset({"insufficient_funds", "processing_error"})
_UNAUTHENTICATED_MESSAGE = (
    "We are unable to authenticate your payment method. Please choose a different payment method "
    "and try again."
)


def confirm(call: Call, intent: Document, return_url: str | None) -> Document:
    """Try to take the money with the PaymentMethod that the intent holds."""
    if not intent["payment_method"]:
        raise unexpected_state(
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
        )
    _require_return_url(call, intent, return_url)
    method = payment_methods.find_or_create(call.store, intent["payment_method"])
    if method[PRIVATE]["paid"]:
        raise StripeError(
            400,
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, shared with a connected account without Customer attachment, or was "
            "detached from a Customer. It may not be used again. To use a PaymentMethod multiple "
            "times, you must attach it to a Customer first.",
        )
    if not payment_methods.published_card(method).requires_challenge:
        return charge_card(call, intent, method, authenticated=False)
    if call.params.get("error_on_requires_action"):
        _raise_decline(call, intent, method, AUTHENTICATION)
    return _challenge(call, intent)


def charge_card(call: Call, intent: Document, method: Document, *, authenticated: bool) -> Document:
    """Charge the card of a PaymentIntent."""
    charge_attempt, decline = charges.attempt_charge(
        call, intent, method, authenticated=authenticated
    )
    intent["latest_charge"] = charge_attempt["id"]
    if decline:
        _raise_decline(call, intent, method, decline, charge_attempt)
    method[PRIVATE]["paid"] = intent["id"]
    call.store.upsert(method)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "last_payment_error": None,
        "next_action": None,
    }
    call.store.upsert(intent)
    call.emit("payment_intent.succeeded", intent)
    return intent


def fail_authentication(call: Call, intent: Document, method: Document) -> Document:
    """Apply a failed challenge to a PaymentIntent."""
    error: Document = {
        "code": "payment_intent_authentication_failure",
        "doc_url": f"{_ERROR_DOCS_URL}/payment-intent-authentication-failure",
        "message": _UNAUTHENTICATED_MESSAGE,
        "payment_method": public(method),
        "type": "invalid_request_error",
    }
    return _require_new_payment_method(call, intent, error)


def _challenge(call: Call, intent: Document) -> Document:
    intent |= {
        "status": "requires_action",
        "last_payment_error": None,
        "next_action": {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "source": "payatt_local",
                "stripe_js": f"{call.settings.public_url}/elements/frame.html",
                "type": "three_d_secure_redirect",
            },
        },
    }
    call.store.upsert(intent)
    call.emit("payment_intent.requires_action", intent)
    return intent


def _raise_decline(
    call: Call,
    intent: Document,
    method: Document,
    decline: Decline,
    failed_charge: Document | None = None,
) -> NoReturn:
    error: Document = {
        "advice_code": "try_again_later" if decline.decline_code in _RETRYABLE_DECLINES else None,
        "charge": failed_charge["id"] if failed_charge else None,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"{_ERROR_DOCS_URL}/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": public(method),
        "type": "card_error",
    }
    details = {name: value for name, value in error.items() if value is not None}
    _require_new_payment_method(call, intent, details)
    fields = {
        name: value for name, value in details.items() if name not in {"message", "type", "code"}
    }
    raise CardError(decline.message, decline.code, payment_intent=public(intent), **fields)


def _require_new_payment_method(call: Call, intent: Document, error: Document) -> Document:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    call.store.upsert(intent)
    call.emit("payment_intent.payment_failed", intent)
    return intent


def _require_return_url(call: Call, intent: Document, return_url: str | None) -> None:
    """Check that there is a return URL if payment methods may redirect."""
    automatic = intent["automatic_payment_methods"]
    inside_sdk = call.is_browser or call.params.get("use_stripe_sdk")
    if automatic and automatic["allow_redirects"] == "always" and not (return_url or inside_sdk):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents "
            "and Payment Intents.",
            "return_url",
        )
