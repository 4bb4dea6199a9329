"""The errors of Stripe's API, as a status and the body's `error` object."""

from typing import Any

from stripe_local.documents import Document, public


class StripeError(Exception):
    """An error during a call: its changes are rolled back, and its idempotency key stores it."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", **fields: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        non_null = {name: value for name, value in fields.items() if value is not None}
        self.body: Document = {"type": kind, "message": message, **non_null}


class RequestRejected(StripeError):
    """An error before the call began: its idempotency key does not store it."""


class CardError(StripeError):
    """A declined card: unlike for other errors, the changes of the call are kept."""

    def __init__(self, message: str, code: str, **fields: Any) -> None:
        super().__init__(402, message, "card_error", code=code, **fields)


def invalid(message: str, param: str | None = None, code: str | None = None) -> RequestRejected:
    """Return the error for a parameter that is never acceptable."""
    return RequestRejected(400, message, code=code, param=param)


def missing(kind: str, object_id: str, param: str = "id", status: int = 404) -> StripeError:
    """Return the error for an unknown id: 404 in a path, 400 in a parameter."""
    message = f"No such {kind}: '{object_id}'"
    return StripeError(status, message, code="resource_missing", param=param)


def unexpected_state(intent: Document, message: str) -> StripeError:
    """Return the error for an operation that the status of a PaymentIntent does not allow."""
    return StripeError(
        400, message, code="payment_intent_unexpected_state", payment_intent=public(intent)
    )
