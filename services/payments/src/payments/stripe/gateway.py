"""The operations of Stripe that payments uses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self
from uuid import uuid4

import stripe
import structlog
from pydantic import SecretStr
from stripe.params import (
    PaymentIntentCancelParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentRetrieveParams,
    PaymentMethodCreateParams,
    RefundCreateParams,
    RefundListParams,
)

from payments.domain.charge import Charge, charge_id_of
from payments.domain.order import Order
from payments.domain.stripe_objects import Intent, IntentStatus, Refund, RefundStatus
from payments.stripe.balance import StripeBalance
from payments.stripe.client import (
    StripeClient,
    StripeRefused,
    StripeUnavailable,
    is_server_error,
    translate_stripe_errors,
)
from payments.stripe.connect import Connect
from payments.stripe.disputes import DisputeApi
from payments.stripe.mapping import (
    StripeObject,
    WebhookEvent,
    parse_decline,
    parse_fingerprint,
    parse_intent,
    parse_refund,
    parse_webhook_event,
)

__all__ = ["Gateway", "PaymentMethod", "StripeRefused", "StripeUnavailable", "TokenRejected"]

log = structlog.get_logger("stripe-gateway")

EXPAND: Final = ["payment_method"]
INTENTS_PATH: Final = "/v1/payment_intents"
PAYMENT_METHODS_PATH: Final = "/v1/payment_methods"
CONFIRMATION_TOKENS_PATH: Final = "/v1/confirmation_tokens"
REFUNDS_PATH: Final = "/v1/refunds"
UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"
ALREADY_REFUNDED: Final = "charge_already_refunded"
DISPUTED: Final = "charge_disputed"


class TokenRejected(Exception):
    """Stripe rejected the token as unknown, used or expired."""

    def __init__(self, code: str | None, intent: Intent) -> None:
        self.code = code
        self.intent = intent
        """The PaymentIntent, which an earlier attempt may have completed late."""
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """What a token stands for."""

    token: str = field(repr=False)
    fingerprint: str | None
    """Stripe's id of the card number."""
    confirm_params: PaymentIntentConfirmParams = field(repr=False)


class Gateway:
    """Calls Stripe for one charge at a time; every call may raise `StripeUnavailable`."""

    def __init__(
        self,
        key: SecretStr,
        *,
        api_base: str | None,
        webhook_secret: SecretStr | None,
        timeout_seconds: float,
    ) -> None:
        self._client = StripeClient(key, api_base=api_base, timeout_seconds=timeout_seconds)
        self._webhook_secret = webhook_secret
        self.connect = Connect(self._client)
        self.balance = StripeBalance(self._client)
        self.disputes = DisputeApi(self._client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def create_intent(self, order: Order, currency: str) -> Intent:
        """Create the order's PaymentIntent, or return it if it exists (same idempotency key)."""
        charge_id = charge_id_of(order.id)
        params: PaymentIntentCreateParams = {
            "amount": order.price,
            "currency": currency,
            "allowed_payment_method_types": ["card"],
            "description": f"Order {order.id}",
            "metadata": {"orderId": order.id, "chargeId": charge_id},
            "transfer_group": order.id,
        }

        async def create(key: str) -> StripeObject:
            return await self._client.post(INTENTS_PATH, params, idempotency_key=key)

        async with translate_stripe_errors():
            return parse_intent(await _retry_with_new_key(f"{charge_id}:pi", create))

    async def find_payment_method(self, charge: Charge, token: str) -> PaymentMethod | Intent:
        """Return what the token of the last attempt stands for, or the result if it is invalid.

        Raises:
            TokenRejected: the token is invalid.
        """
        async with translate_stripe_errors():
            try:
                return await self._payment_method(token, f"{charge.id}:pm:{len(charge.attempts)}")
            except (stripe.CardError, stripe.InvalidRequestError) as error:
                return await self._declined(charge, error)

    async def confirm(self, charge: Charge, method: PaymentMethod) -> Intent:
        """Confirm the PaymentIntent and return it, also if the card is declined.

        Raises:
            TokenRejected: nothing was charged, because the token is invalid.
        """
        path = f"{INTENTS_PATH}/{charge.stripe_id}/confirm"
        key = f"{charge.id}:confirm:{len(charge.attempts)}"
        params = method.confirm_params
        async with translate_stripe_errors():
            try:
                return parse_intent(await self._client.post(path, params, idempotency_key=key))
            except (stripe.CardError, stripe.InvalidRequestError) as error:
                return await self._declined(charge, error)

    async def retrieve(self, charge: Charge) -> Intent:
        """Return the PaymentIntent."""
        async with translate_stripe_errors():
            return await self._retrieve(charge)

    async def cancel(self, charge: Charge) -> Intent:
        """Cancel the PaymentIntent if it is still open, and return it."""
        params: PaymentIntentCancelParams = {"cancellation_reason": "abandoned"}
        async with translate_stripe_errors():
            path = f"{INTENTS_PATH}/{charge.stripe_id}/cancel"
            try:
                return parse_intent(await self._client.post(path, params))
            except stripe.InvalidRequestError as error:
                if error.code != UNEXPECTED_STATE:
                    raise
                return await self._retrieve(charge)

    async def refund(self, charge: Charge) -> Refund:
        """Refund the whole payment, or return its refund if there is one.

        Stripe refunds a payment only once, whatever the idempotency key. A refusal because of a
        dispute is repeated under its key, so the key names the last dispute that is known.
        """
        key = f"{charge.id}:refund"
        if charge.dispute is not None:
            key = f"{key}:{charge.dispute.id}"
        params: RefundCreateParams = {
            "payment_intent": charge.stripe_id,
            "reason": "requested_by_customer",
            "metadata": {"orderId": charge.order_id, "chargeId": charge.id},
        }

        async def create(key: str) -> StripeObject:
            return await self._client.post(REFUNDS_PATH, params, idempotency_key=key)

        async with translate_stripe_errors():
            if charge.stripe_refund_id is not None:
                path = f"{REFUNDS_PATH}/{charge.stripe_refund_id}"
                return parse_refund(await self._client.get(path))
            try:
                return parse_refund(await _retry_with_new_key(key, create))
            except stripe.InvalidRequestError as error:
                if error.code != ALREADY_REFUNDED:
                    log.exception("refund rejected by Stripe", charge=charge.id, code=error.code)
                    return Refund(None, RefundStatus.FAILED, error.code or "refused")
            return await self._find_refund(charge)

    @property
    def webhooks_enabled(self) -> bool:
        """Whether there is a secret to verify webhooks with."""
        return self._webhook_secret is not None

    def parse_webhook(self, payload: bytes, signature: str) -> WebhookEvent | None:
        """Parse a webhook event, or return None if it or its signature is invalid."""
        if self._webhook_secret is None:
            return None
        if not signature.isascii():  # Stripe's library would raise TypeError
            return None
        secrets = self._webhook_secret.get_secret_value().split(",")
        try:
            text = payload.decode()
            if not any(_is_signed(text, signature, secret) for secret in secrets):
                return None
            return parse_webhook_event(payload)
        except ValueError:
            return None

    async def _declined(
        self, charge: Charge, error: stripe.CardError | stripe.InvalidRequestError
    ) -> Intent:
        """Return the PaymentIntent after an error that says that nothing was charged now."""
        if isinstance(error, stripe.CardError):
            body: Any = error.json_body
            return Intent(charge.stripe_id, IntentStatus.OPEN, decline=parse_decline(body["error"]))
        intent = await self._retrieve(charge)
        if error.code == UNEXPECTED_STATE:
            return intent
        raise TokenRejected(error.code, intent) from None

    async def _payment_method(self, token: str, key: str) -> PaymentMethod:
        """Read or create the payment method of a token.

        A client that sends a bare `tok_` cannot handle 3-D Secure, so for it required
        authentication is a decline instead of a 202.
        """
        if token.startswith("ctoken_"):
            found = await self._client.get(f"{CONFIRMATION_TOKENS_PATH}/{token}")
            fingerprint = parse_fingerprint(found["payment_method_preview"])
            return PaymentMethod(
                token, fingerprint, {"confirmation_token": token, "expand": EXPAND}
            )
        if token.startswith("pm_"):
            method = await self._client.get(f"{PAYMENT_METHODS_PATH}/{token}")
            return PaymentMethod(
                token,
                parse_fingerprint(method),
                {"payment_method": method["id"], "use_stripe_sdk": True, "expand": EXPAND},
            )
        card: PaymentMethodCreateParams = {"type": "card", "card": {"token": token}}
        method = await self._client.post(PAYMENT_METHODS_PATH, card, idempotency_key=key)
        return PaymentMethod(
            token,
            parse_fingerprint(method),
            {"payment_method": method["id"], "error_on_requires_action": True, "expand": EXPAND},
        )

    async def _retrieve(self, charge: Charge) -> Intent:
        params: PaymentIntentRetrieveParams = {"expand": EXPAND}
        return parse_intent(await self._client.get(f"{INTENTS_PATH}/{charge.stripe_id}", params))

    async def _find_refund(self, charge: Charge) -> Refund:
        params: RefundListParams = {"payment_intent": charge.stripe_id}
        refunds: list[StripeObject] = (await self._client.get(REFUNDS_PATH, params))["data"]
        not_failed = [refund for refund in refunds if refund["status"] != "failed"]
        return (
            parse_refund(not_failed[0])
            if not_failed
            else Refund(None, RefundStatus.FAILED, ALREADY_REFUNDED)
        )


def _is_signed(payload: str, signature: str, secret: str) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(
            payload, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
        )
    except stripe.SignatureVerificationError:
        return False


async def _retry_with_new_key(
    key: str, call: Callable[[str], Awaitable[StripeObject]]
) -> StripeObject:
    """Call with an idempotency key. If Stripe has stored a 5xx under it, retry with a new key.

    Stripe replays a stored response for a day. Only for calls that are harmless when repeated.
    """
    try:
        return await call(key)
    except stripe.APIError as error:
        if not is_server_error(error):
            raise
        return await call(f"{key}:{uuid4().hex}")
