"""Stripe: the only file that talks to it, in the domain's words.

Every call has a deadline and is repeated by the library under its idempotency key, so that a lost
answer is asked for again instead of being done again. What stays unknown after that is
`StripeAway`, never a failure. Neither a token nor a client secret is ever logged.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Self, TypeVar
from uuid import uuid4

import stripe
import structlog
from pydantic import SecretStr
from stripe.params import PaymentIntentConfirmParams

from common.errors import Unavailable
from payments.answers import Hint, decline_of, hint_of, intent_of, refund_of
from payments.domain import Charge, Order, charge_id_of
from payments.facts import Intent, IntentStatus, Refund, RefundStatus

log = structlog.get_logger("stripe-gateway")

RETRIES: Final = 2
EXPAND: Final = ["payment_method"]
SERVER_ERROR: Final = 500
UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"
ALREADY_REFUNDED: Final = "charge_already_refunded"
for _chatty in ("stripe", "httpx", "httpcore"):  # their details hold tokens
    logging.getLogger(_chatty).setLevel(logging.WARNING)

T = TypeVar("T")


class StripeAway(Unavailable):
    """Stripe did not answer, or not with a result: nobody knows what came of the call."""

    default = "The card processor does not answer. Nothing is lost; try again in a moment."


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
        self._http = stripe.HTTPXClient(timeout=timeout_seconds)
        self._api = stripe.StripeClient(
            key.get_secret_value(),
            http_client=self._http,
            max_network_retries=RETRIES,
            base_addresses={"api": api_base} if api_base else {},
        ).v1
        self._webhook_secret = webhook_secret

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close_async()

    async def create_intent(self, order: Order, currency: str) -> Intent:
        """Make the order's PaymentIntent, or find it: the key makes it one, and it costs nothing.

        Raises:
            StripeAway: no answer.
        """
        charge_id = charge_id_of(order.id)

        async def create(key: str) -> stripe.PaymentIntent:
            return await self._api.payment_intents.create_async(
                {
                    "amount": order.price,
                    "currency": currency,
                    "allowed_payment_method_types": ["card"],
                    "description": f"Order {order.id}",
                    "metadata": {"orderId": order.id, "chargeId": charge_id},
                },
                {"idempotency_key": key},
            )

        async with _answered():
            return intent_of(await _not_stuck(f"{charge_id}:pi", create))

    async def confirm(self, charge: Charge, token: str) -> Intent:
        """Try to take the money with what the token stands for; a decline is an answer like others.

        Raises:
            TokenRefused: nothing was tried, the token is no good.
            StripeAway: no answer; the money may or may not have been taken.
        """
        n = len(charge.attempts)
        async with _answered():
            try:
                how = await self._means(token, f"{charge.id}:pm:{n}")
                return intent_of(
                    await self._api.payment_intents.confirm_async(
                        charge.stripe_id,
                        how,
                        {"idempotency_key": f"{charge.id}:confirm:{n}"},
                    )
                )
            except stripe.CardError as error:
                return Intent(charge.stripe_id, IntentStatus.OPEN, decline=decline_of(error.error))
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
        async with _answered():
            return await self._retrieve(charge)

    async def cancel(self, charge: Charge) -> Intent:
        """Cancel the PaymentIntent unless it is too late; either way, tell where it stands.

        Raises:
            StripeAway: no answer.
        """
        async with _answered():
            try:
                return intent_of(
                    await self._api.payment_intents.cancel_async(
                        charge.stripe_id, {"cancellation_reason": "abandoned"}
                    )
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

        async def create(key: str) -> stripe.Refund:
            return await self._api.refunds.create_async(
                {
                    "payment_intent": charge.stripe_id,
                    "reason": "requested_by_customer",
                    "metadata": {"orderId": charge.order_id, "chargeId": charge.id},
                },
                {"idempotency_key": key},
            )

        async with _answered():
            if charge.stripe_refund_id is not None:
                return refund_of(await self._api.refunds.retrieve_async(charge.stripe_refund_id))
            try:
                return refund_of(await _not_stuck(f"{charge.id}:refund", create))
            except stripe.InvalidRequestError as error:
                if error.code != ALREADY_REFUNDED:
                    log.exception("refund refused", charge=charge.id, code=error.code)
                    return Refund(None, RefundStatus.FAILED, error.code or "refused")
            made = await self._api.refunds.list_async({"payment_intent": charge.stripe_id})
            good = [refund for refund in made.data if refund.status != "failed"]
            return (
                refund_of(good[0]) if good else Refund(None, RefundStatus.FAILED, ALREADY_REFUNDED)
            )

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
            event = stripe.Webhook.construct_event(payload, signature, secret)
        except (ValueError, stripe.SignatureVerificationError):
            return None
        return hint_of(event)

    async def _means(self, token: str, key: str) -> PaymentIntentConfirmParams:
        """Say what to confirm with.

        Who sends a bare `tok_` has no way to ask the buyer anything: where the bank wants to, that
        is a decline and not an unpaid 202.
        """
        if token.startswith("ctoken_"):
            return {"confirmation_token": token, "expand": EXPAND}
        if token.startswith("pm_"):
            return {"payment_method": token, "use_stripe_sdk": True, "expand": EXPAND}
        method = await self._api.payment_methods.create_async(
            {"type": "card", "card": {"token": token}}, {"idempotency_key": key}
        )
        return {
            "payment_method": method.id,
            "error_on_requires_action": True,
            "expand": EXPAND,
        }

    async def _retrieve(self, charge: Charge) -> Intent:
        return intent_of(
            await self._api.payment_intents.retrieve_async(charge.stripe_id, {"expand": EXPAND})
        )


@asynccontextmanager
async def _answered() -> AsyncGenerator[None]:
    try:
        yield
    except stripe.StripeError as error:
        log.warning(
            "no answer from Stripe",
            kind=type(error).__name__,
            status=error.http_status,
            code=error.code,
            request=error.request_id,
        )
        raise StripeAway(retry_after=3) from None  # its words may hold a token


async def _not_stuck(key: str, call: Callable[[str], Awaitable[T]]) -> T:
    """Call under a key; where Stripe holds a failure of its own under it, once under a new one.

    Stripe repeats the first answer for a day, a 500 too; only for calls that are harmless twice.
    """
    try:
        return await call(key)
    except stripe.APIError as error:
        if (error.http_status or 0) < SERVER_ERROR:
            raise
        return await call(f"{key}:{uuid4().hex}")
