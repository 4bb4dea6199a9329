"""The errors of Stripe's API, as a status and the body's `error` object."""

from typing import Any

from stripe_local.documents import Document, public


class StripeError(Exception):
    """A refusal while a call was being carried out: what the call had changed is taken back."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", **fields: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        non_null = {name: value for name, value in fields.items() if value is not None}
        self.body: Document = {"type": kind, "message": message, **non_null}


class RequestRejected(StripeError):
    """A refusal before the call began: an idempotency key does not remember it."""


class CardError(StripeError):
    """A card that was refused: unlike other refusals, the attempt stays on record."""

    def __init__(self, message: str, code: str, **fields: Any) -> None:
        super().__init__(402, message, "card_error", code=code, **fields)


def invalid(message: str, param: str | None = None, code: str | None = None) -> RequestRejected:
    """A parameter that cannot be accepted, whatever the state of things."""
    return RequestRejected(400, message, code=code, param=param)


def missing(kind: str, object_id: str, param: str = "id", status: int = 404) -> StripeError:
    """An id that names nothing: 404 in a path, 400 in a parameter."""
    message = f"No such {kind}: '{object_id}'"
    return StripeError(status, message, code="resource_missing", param=param)


def unexpected_state(intent: Document, message: str) -> StripeError:
    """A PaymentIntent that is past the point where this could be done."""
    return StripeError(
        400, message, code="payment_intent_unexpected_state", payment_intent=public(intent)
    )
