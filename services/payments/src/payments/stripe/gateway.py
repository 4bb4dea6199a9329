"""Stripe, in the domain's words: the only file that knows what to ask of it."""

import json
from collections.abc import Awaitable, Callable
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

from payments.domain import Charge, Order, charge_id_of
from payments.stripe.client import Calls, StripeAway, answered
from payments.stripe.mapping import Hint, Told, decline_of, hint_of, intent_of, refund_of
from payments.stripe.models import Intent, IntentStatus, Refund, RefundStatus

__all__ = ["Gateway", "StripeAway", "TokenRefused"]

log = structlog.get_logger("stripe-gateway")

EXPAND: Final = ["payment_method"]
INTENTS: Final = "/v1/payment_intents"
METHODS: Final = "/v1/payment_methods"
REFUNDS: Final = "/v1/refunds"
SERVER_ERROR: Final = 500
UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"
ALREADY_REFUNDED: Final = "charge_already_refunded"


class TokenRefused(Exception):
    """Stripe does not take this token: it is unknown, used up or expired."""

    def __init__(self, code: str | None, intent: Intent) -> None:
        self.code = code
        self.intent = intent
        """Where the PaymentIntent stands nevertheless: an earlier attempt may have ended late."""
        super().__init__(code)


class Gateway:
    """What is asked of Stripe."""

    def __init__(
        self,
        key: SecretStr,
        *,
        api_base: str | None,
        webhook_secret: SecretStr | None,
        timeout_seconds: float,
    ) -> None:
        self._calls = Calls(key, api_base=api_base, timeout_seconds=timeout_seconds)
        self._webhook_secret = webhook_secret

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._calls.close()

    async def create_intent(self, order: Order, currency: str) -> Intent:
        """Make the order's PaymentIntent, or find it: the key makes it one, and it costs nothing.

        Raises:
            StripeAway: no answer.
        """
        charge_id = charge_id_of(order.id)
        wanted: PaymentIntentCreateParams = {
            "amount": order.price,
            "currency": currency,
            "allowed_payment_method_types": ["card"],
            "description": f"Order {order.id}",
            "metadata": {"orderId": order.id, "chargeId": charge_id},
        }

        async def create(key: str) -> Told:
            return await self._calls.post(INTENTS, wanted, {"idempotency_key": key})

        async with answered():
            return intent_of(await _not_stuck(f"{charge_id}:pi", create))

    async def confirm(self, charge: Charge, token: str) -> Intent:
        """Try to take the money with what the token stands for; a decline is an answer like others.

        Raises:
            TokenRefused: nothing was tried, the token is no good.
            StripeAway: no answer; the money may or may not have been taken.
        """
        n = len(charge.attempts)
        async with answered():
            try:
                how = await self._means(token, f"{charge.id}:pm:{n}")
                return intent_of(
                    await self._calls.post(
                        f"{INTENTS}/{charge.stripe_id}/confirm",
                        how,
                        {"idempotency_key": f"{charge.id}:confirm:{n}"},
                    )
                )
            except stripe.CardError as error:
                decline = decline_of(_body(error))
                return Intent(charge.stripe_id, IntentStatus.OPEN, decline=decline)
            except stripe.InvalidRequestError as error:
                intent = await self._retrieve(charge)
                if error.code == UNEXPECTED_STATE:
                    return intent
                raise TokenRefused(error.code, intent) from None

    async def retrieve(self, charge: Charge) -> Intent:
        """Ask where the PaymentIntent stands.

        Raises:
            StripeAway: no answer.
        """
        async with answered():
            return await self._retrieve(charge)

    async def cancel(self, charge: Charge) -> Intent:
        """Cancel the PaymentIntent unless it is too late; either way, tell where it stands.

        Raises:
            StripeAway: no answer.
        """
        why: PaymentIntentCancelParams = {"cancellation_reason": "abandoned"}
        async with answered():
            try:
                return intent_of(
                    await self._calls.post(f"{INTENTS}/{charge.stripe_id}/cancel", why)
                )
            except stripe.InvalidRequestError as error:
                if error.code != UNEXPECTED_STATE:
                    raise
                return await self._retrieve(charge)

    async def refund(self, charge: Charge) -> Refund:
        """Give all of the money back, or tell how far that is; never more than once.

        Stripe gives back a charge's money only once, whatever is asked under whichever key.

        Raises:
            StripeAway: no answer.
        """
        wanted: RefundCreateParams = {
            "payment_intent": charge.stripe_id,
            "reason": "requested_by_customer",
            "metadata": {"orderId": charge.order_id, "chargeId": charge.id},
        }

        async def create(key: str) -> Told:
            return await self._calls.post(REFUNDS, wanted, {"idempotency_key": key})

        async with answered():
            if charge.stripe_refund_id is not None:
                return refund_of(await self._calls.get(f"{REFUNDS}/{charge.stripe_refund_id}"))
            try:
                return refund_of(await _not_stuck(f"{charge.id}:refund", create))
            except stripe.InvalidRequestError as error:
                if error.code != ALREADY_REFUNDED:
                    log.exception("refund refused", charge=charge.id, code=error.code)
                    return Refund(None, RefundStatus.FAILED, error.code or "refused")
            return await self._refund_made(charge)

    @property
    def hears_webhooks(self) -> bool:
        """Whether there is a secret to verify webhooks with."""
        return self._webhook_secret is not None

    def read_webhook(self, payload: bytes, signature: str) -> Hint | None:
        """Verify a webhook and read what it hints at; nothing, if the signature is not Stripe's."""
        if self._webhook_secret is None:
            return None
        secret = self._webhook_secret.get_secret_value()
        try:
            stripe.WebhookSignature.verify_header(
                payload.decode(), signature, secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
            return hint_of(json.loads(payload))
        except (ValueError, stripe.SignatureVerificationError):
            return None

    async def _means(self, token: str, key: str) -> PaymentIntentConfirmParams:
        """Say what to confirm with.

        Who sends a bare `tok_` has no way to ask the buyer anything: where the bank wants to, that
        is a decline and not an unpaid 202.
        """
        if token.startswith("ctoken_"):
            return {"confirmation_token": token, "expand": EXPAND}
        if token.startswith("pm_"):
            return {"payment_method": token, "use_stripe_sdk": True, "expand": EXPAND}
        card: PaymentMethodCreateParams = {"type": "card", "card": {"token": token}}
        method = await self._calls.post(METHODS, card, {"idempotency_key": key})
        return {
            "payment_method": method["id"],
            "error_on_requires_action": True,
            "expand": EXPAND,
        }

    async def _retrieve(self, charge: Charge) -> Intent:
        how: PaymentIntentRetrieveParams = {"expand": EXPAND}
        return intent_of(await self._calls.get(f"{INTENTS}/{charge.stripe_id}", how))

    async def _refund_made(self, charge: Charge) -> Refund:
        which: RefundListParams = {"payment_intent": charge.stripe_id}
        made: list[Told] = (await self._calls.get(REFUNDS, which))["data"]
        good = [refund for refund in made if refund["status"] != "failed"]
        return refund_of(good[0]) if good else Refund(None, RefundStatus.FAILED, ALREADY_REFUNDED)


def _body(error: stripe.StripeError) -> Told:
    body: Any = error.json_body
    return body["error"]


async def _not_stuck(key: str, call: Callable[[str], Awaitable[Told]]) -> Told:
    """Call under a key; where Stripe holds a failure of its own under it, once under a new one.

    Stripe repeats the first answer for a day, a 500 too; only for calls that are harmless twice.
    """
    try:
        return await call(key)
    except stripe.APIError as error:
        if (error.http_status or 0) < SERVER_ERROR:
            raise
        return await call(f"{key}:{uuid4().hex}")
