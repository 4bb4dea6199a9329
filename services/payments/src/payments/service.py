"""What payments can do: the one door for HTTP, for events, for webhooks and for the reconciler."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import structlog

from common.change import Change
from common.errors import BadRequest, Conflict, NotFound, Unauthorized
from common.events import ChargeStatus, OrderStatus
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from payments.domain import (
    CURRENCY,
    Charge,
    Order,
    Outcome,
    PaymentPolicy,
    charge_id_of,
    new_charge,
    token_digest,
)
from payments.news import News
from payments.results import (
    PaymentResult,
    attempt_error,
    attempt_in_progress,
    card_declined,
    final_result,
    outcome_unknown,
    token_rejected,
)
from payments.store import ChargeStore, OrderReplicas, StripeEvents
from payments.stripe.gateway import Gateway, StripeUnavailable, TokenRejected
from payments.stripe.mapping import WebhookEvent
from payments.stripe.models import Decline, Intent, IntentStatus

log = structlog.get_logger("payments")

ATTEMPT_WAIT_SECONDS: Final = 5.0
"""How long a second click waits for what comes of the first."""
POLL_INTERVAL_SECONDS: Final = 0.05


class PaymentService:
    """Everything that can be done with the money of orders."""

    def __init__(
        self,
        store: ChargeStore,
        orders: OrderReplicas,
        stripe_events: StripeEvents,
        gateway: Gateway,
        clock: Clock,
        policy: PaymentPolicy,
        *,
        owner: str,
    ) -> None:
        self._store = store
        self._orders = orders
        self._stripe_events = stripe_events
        self._gateway = gateway
        self._clock = clock
        self._policy = policy
        self._owner = owner
        self._news = News()

    async def pay(self, order_id: str, *, token: str, user_id: str) -> PaymentResult:
        """Pay for an order; asked again, give the same answer again.

        Raises:
            NotFound: there is no such order.
            NotAuthorized: it is somebody else's.
            Invalid: its state does not allow it, or Stripe does not take the token.
            PaymentDeclined: the card said no.
            InProgress: another attempt is running, and takes its time.
            Unavailable: nobody knows yet whether the money was taken.
        """
        digest = token_digest(token)
        new = self._orders.take_new(order_id)
        order = new or await self._orders.wait_for(order_id)
        if order is None:
            raise NotFound
        if order.user_id != user_id:
            raise Unauthorized
        new = new or self._orders.take_new(order_id)
        if new is not None:
            claimed = await self._claim(new, None, digest)
            if claimed is not None:
                return await self._confirm(claimed, token)
            order = await self._orders.find(order_id) or order
        deadline = asyncio.get_running_loop().time() + ATTEMPT_WAIT_SECONDS
        first_attempt_awaited = None if new is None else 1
        while True:
            charge = await self._store.find(charge_id_of(order_id))
            if charge is not None and charge.is_attempt_running(self._clock()):
                first_attempt_awaited = first_attempt_awaited or len(charge.attempts)
            else:
                result = (
                    None
                    if charge is None
                    else await self._known_result(charge, digest, first_attempt_awaited)
                )
                if result is not None:
                    return result
                claimed = await self._claim(order, charge, digest)
                if claimed is not None:
                    return await self._confirm(claimed, token)
                first_attempt_awaited = (
                    first_attempt_awaited or (0 if charge is None else len(charge.attempts)) + 1
                )
            if asyncio.get_running_loop().time() > deadline:
                raise attempt_in_progress()
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    async def get_payment(self, order_id: str, *, user_id: str) -> Charge:
        """Show where the money of an order stands, after asking Stripe if it is on its way.

        Raises:
            NotFound: nobody has tried to pay for this order.
            NotAuthorized: it is somebody else's.
        """
        charge = await self._store.get(charge_id_of(order_id))
        if charge.user_id != user_id:
            raise Unauthorized
        try:
            return await self._refresh_if_stale(charge)
        except StripeUnavailable:
            return charge

    async def apply_order(self, order: Order, version: int) -> None:
        """Know an order; when it is cancelled, see to it that its money is not taken or goes back.

        Only remembers it: Stripe may be away, and an event must not wait for it.
        """
        await self._orders.upsert(order, version)
        if order.status is OrderStatus.CANCELLED:
            charge = await self._store.find(charge_id_of(order.id))
            if charge is not None:
                await self._mark_order_cancelled(charge)

    async def handle_webhook(self, event: WebhookEvent) -> None:
        """Take a webhook as a hint to look, once, if it can be news."""
        if await self._news.old(event):
            return
        if event.intent_id is None or await self._stripe_events.is_processed(event.id):
            return
        charge = await self._store.find_by_intent(event.intent_id)
        if charge is None or (event.paid and not charge.is_open):
            return
        await self.sync_with_stripe(charge)
        await self._stripe_events.mark_processed(event.id)

    async def claim_due(self) -> Charge | None:
        """Take one charge that somebody left unfinished; it comes back later if it still is."""
        now = self._clock()
        return await self._store.claim_due(now, now + self._policy.lease)

    async def sync_with_stripe(self, charge: Charge) -> Charge:
        """Bring a charge to where its money is, by asking Stripe; for everyone, at any time.

        Raises:
            StripeAway: no answer; it is asked again later.
        """
        charge = await self._apply_order_cancellation(charge)
        if charge.is_open:
            read_intent = self._gateway.cancel if charge.order_cancelled else self._gateway.retrieve
            charge = await self._apply_intent(charge, await read_intent(charge))
        if charge.has_refund:
            refund = await self._gateway.refund(charge)
            now = self._clock()
            charge = await self._store.update(
                charge.id, lambda c: c.apply_refund(refund, now), snapshot=charge
            )
            if charge.status is ChargeStatus.REFUND_FAILED:
                log.error("refund failed, manual refund required", charge=charge.id)
        return charge

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Go through every charge as an event of its present state."""
        return self._store.snapshot_events(Charge.to_event)

    async def _known_result(
        self, charge: Charge, digest: str, first_attempt_awaited: int | None
    ) -> PaymentResult | None:
        """Answer from what is known already; nothing, if it takes a new attempt.

        Args:
            charge: nobody is running an attempt of it.
            digest: the token's.
            first_attempt_awaited: the first attempt, made by another request.
        """
        charge = await self._refresh_if_stale(charge)
        if charge.status is ChargeStatus.PROCESSING:
            raise attempt_in_progress()
        last = charge.attempts[-1]
        same_click = last.digest == digest
        if charge.status is ChargeStatus.REQUIRES_ACTION and same_click:
            intent = await self._gateway.retrieve(charge)
            charge = await self._apply_intent(charge, intent)
            if charge.status is ChargeStatus.REQUIRES_ACTION:
                return PaymentResult(charge, intent.client_secret)
        waited = (
            same_click and first_attempt_awaited is not None and first_attempt_awaited <= last.n
        )
        if charge.status is ChargeStatus.REQUIRES_PAYMENT_METHOD and waited:
            decline = charge.last_error
            if decline is not None and last.outcome is not Outcome.NO_RESULT:
                raise attempt_error(charge, decline)
        return None if charge.is_open else final_result(charge)

    async def _claim(self, order: Order, charge: Charge | None, digest: str) -> Charge | None:
        """Begin an attempt; nothing, if somebody else was first, and may be done by now.

        The order is looked at again after its charge was stored: a cancellation either finds the
        charge, or is found here.
        """
        now = self._clock()

        def claim(found: Charge) -> Change[Charge]:
            if charge is not None and len(charge.attempts) < len(found.attempts):
                raise Conflict  # or it was, and has ended: what came of it is the answer
            return found.claim(
                order, digest=digest, owner=self._owner, now=now, policy=self._policy
            )

        if charge is not None:
            try:
                return await self._store.update(charge.id, claim)
            except Conflict:
                return None
        try:
            order.ensure_payable(now, self._policy.margin)
            intent = await self._gateway.create_intent(order, CURRENCY)
        except (BadRequest, StripeUnavailable):
            if await self._store.find(charge_id_of(order.id)) is None:
                raise
            return None
        inserted = await self._store.insert_first_attempt(
            claim(new_charge(order, intent_id=intent.id, now=now))
        )
        return None if inserted is None else await self._apply_order_cancellation(inserted)

    async def _confirm(self, charge: Charge, token: str) -> PaymentResult:
        """Try to take the money, and write down what came of it."""
        if charge.order_cancelled:
            return final_result(await self.sync_with_stripe(charge))
        attempt_number = len(charge.attempts)
        with self._news.awaited(charge.stripe_id):
            try:
                intent = await self._gateway.confirm(charge, token)
            except TokenRejected as error:
                return await self._handle_rejected_token(charge, error, attempt_number)
            except StripeUnavailable:
                now = self._clock()
                await self._store.update(
                    charge.id, lambda c: c.release_attempt(attempt_number, now), snapshot=charge
                )
                raise outcome_unknown() from None
            charge = await self._apply_intent(charge, intent, is_own_confirm=True)
        if charge.order_cancelled and charge.is_open:
            charge = await self.sync_with_stripe(charge)
        action_required = intent.status is IntentStatus.ACTION
        if action_required and charge.status is ChargeStatus.REQUIRES_ACTION:
            return PaymentResult(charge, intent.client_secret)
        if charge.is_open:
            raise card_declined(charge, intent.decline) if intent.decline else outcome_unknown()
        return final_result(charge)

    async def _handle_rejected_token(
        self, charge: Charge, error: TokenRejected, attempt_number: int
    ) -> PaymentResult:
        """End an attempt whose token is no good, unless an earlier one has ended well since."""
        decline = Decline("Invalid payment token", error.code)
        if error.intent.status is IntentStatus.OPEN:
            now = self._clock()
            charge = await self._store.update(
                charge.id,
                lambda c: c.reject_token(attempt_number, decline, now=now, policy=self._policy),
                snapshot=charge,
            )
        else:
            charge = await self._apply_intent(charge, error.intent, is_own_confirm=True)
        if charge.is_open:
            raise token_rejected(decline)
        return final_result(charge)

    async def _refresh_if_stale(self, charge: Charge) -> Charge:
        """Ask Stripe about a charge that nobody here is at work on, but that may have moved."""
        is_abandoned = charge.status is ChargeStatus.PROCESSING and not charge.is_attempt_running(
            self._clock()
        )
        if is_abandoned or charge.status is ChargeStatus.REQUIRES_ACTION:
            return await self.sync_with_stripe(charge)
        return charge

    async def _apply_intent(
        self, charge: Charge, intent: Intent, *, is_own_confirm: bool = False
    ) -> Charge:
        """Write down what Stripe has just said, asked about the charge as it was."""
        now, attempts_when_read = self._clock(), len(charge.attempts)

        def decide(found: Charge) -> Change[Charge]:
            return found.apply_intent(
                intent,
                attempts_when_read=attempts_when_read,
                is_own_confirm=is_own_confirm,
                now=now,
                policy=self._policy,
            )

        after = await self._store.apply_event(charge.id, decide, snapshot=charge)
        if intent.status is IntentStatus.SUCCEEDED:
            self._news.paid(intent.id)
        return after

    async def _apply_order_cancellation(self, charge: Charge) -> Charge:
        if charge.order_cancelled:
            return charge
        order = await self._orders.find(charge.order_id)
        if order is None or order.status is not OrderStatus.CANCELLED:
            return charge
        return await self._mark_order_cancelled(charge)

    async def _mark_order_cancelled(self, charge: Charge) -> Charge:
        now = self._clock()
        return await self._store.update(
            charge.id, lambda c: c.mark_order_cancelled(now), snapshot=charge
        )
