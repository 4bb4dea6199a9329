"""Synchronisation of charges with Stripe, for reads, events, webhooks and the reconciler."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import structlog

from common.change import Change
from common.errors import Unauthorized
from common.events import ChargeStatus, OrderStatus, Outcome
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from payments.decline_limits import DeclineLimits
from payments.domain.charge import Charge, charge_id_of
from payments.domain.order import Order, PaymentPolicy
from payments.domain.stripe_objects import Intent, IntentStatus, Refund, RefundStatus
from payments.payouts import Payouts
from payments.store.charges import ChargeStore
from payments.store.order_replicas import OrderReplicas
from payments.store.stripe_events import StripeEvents
from payments.stripe.gateway import DISPUTED, Gateway, StripeUnavailable
from payments.stripe.mapping import WebhookEvent

log = structlog.get_logger("payments")

ATTEMPT_WAIT_SECONDS: Final = 5.0
"""How long a click or a webhook waits for the attempt that is running."""
POLL_INTERVAL_SECONDS: Final = 0.05


class ChargeSync:
    """Moves charges to the state that Stripe and the order are in."""

    def __init__(
        self,
        store: ChargeStore,
        orders: OrderReplicas,
        stripe_events: StripeEvents,
        gateway: Gateway,
        limits: DeclineLimits,
        clock: Clock,
        policy: PaymentPolicy,
        payouts: Payouts,
    ) -> None:
        self._payouts = payouts
        self._disputes = payouts.disputes
        self._store = store
        self._orders = orders
        self._stripe_events = stripe_events
        self._gateway = gateway
        self._limits = limits
        self._clock = clock
        self._policy = policy

    async def get_payment(self, order_id: str, *, user_id: str) -> Charge:
        """Return the charge of an order, refreshed from Stripe if it is pending there.

        Raises:
            NotFound: there is no such order, or there was no attempt to pay for it.
            Unauthorized: the order belongs to another user, whether or not a payment was tried.
        """
        order = await self._orders.find(order_id)
        if order is not None and order.user_id != user_id:
            raise Unauthorized
        charge = await self._store.get(charge_id_of(order_id))
        if charge.user_id != user_id:
            raise Unauthorized
        try:
            return await self.refresh_if_stale(charge)
        except StripeUnavailable:
            return charge

    async def apply_order(self, order: Order, version: int) -> None:
        """Store the order, and mark its charge if it is cancelled.

        Stripe is not called, because an event must not wait for it: the reconciler does that.
        """
        await self._orders.upsert(order, version)
        if order.status is OrderStatus.CANCELLED:
            charge = await self._store.find(charge_id_of(order.id))
            if charge is not None:
                await self._mark_order_cancelled(charge)

    async def apply_amended_order(self, order: Order) -> None:
        """Apply what became known of an order after it was paid.

        It has events of its own, so that the event of a purchase needs no read of the charge.
        """
        charge = await self._store.find(charge_id_of(order.id))
        if charge is None:
            return
        now = self._clock()
        await self._store.update(charge.id, lambda c: c.adopt_order(order, now))
        if order.outcome is Outcome.RETURNING:
            await self._store.update(charge.id, lambda c: c.mark_order_returned(now))

    async def handle_webhook(self, event: WebhookEvent) -> None:
        """Sync the charge that a webhook event names, once, unless it carries nothing new."""
        if event.intent_id is None:
            return
        charge = await self._store.find_by_intent(event.intent_id)
        if charge is None:
            return
        charge = await self.wait_for_attempt(charge)  # it usually stores what the event is about
        if event.paid and not charge.is_open:
            return
        if await self._stripe_events.is_processed(event.id):
            return
        if event.disputed:
            charge = await self._disputes.refresh(charge)
        await self.sync_with_stripe(charge)
        await self._stripe_events.mark_processed(event.id)

    async def claim_due(self) -> Charge | None:
        """Claim a charge that needs reconciliation, for as long as a lease lasts."""
        now = self._clock()
        return await self._store.claim_due(now, now + self._policy.lease)

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Yield the current state of every charge as an event.

        Payments of earlier versions of this service get their payout first, if orders has
        republished who sold the ticket.
        """
        return self._store.snapshot_events(Charge.to_event, self._complete)

    async def _complete(self, charge: Charge) -> Charge:
        """Return a charge, with a payout if it is a payment of an earlier version."""
        if charge.status is not ChargeStatus.SUCCEEDED or charge.payout is not None:
            return charge
        order = await self._orders.find(charge.order_id)
        if order is None:
            return charge
        now = self._clock()
        return await self._store.update(charge.id, lambda c: c.adopt_order(order, now))

    def iter_of_user(self, user_id: str) -> AsyncGenerator[Charge]:
        """Yield the charges of a user, newest first."""
        return self._store.iter_of_user(user_id)

    async def wait_for_attempt(self, charge: Charge) -> Charge:
        """Poll until no attempt is running, for at most `ATTEMPT_WAIT_SECONDS`."""
        deadline = asyncio.get_running_loop().time() + ATTEMPT_WAIT_SECONDS
        while charge.is_attempt_running(self._clock()):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            charge = await self._store.get(charge.id)
        return charge

    async def refresh_if_stale(self, charge: Charge) -> Charge:
        """Sync a charge that has no running attempt but may have changed at Stripe.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        is_abandoned = charge.status is ChargeStatus.PROCESSING and not charge.is_attempt_running(
            self._clock()
        )
        if is_abandoned or charge.status is ChargeStatus.REQUIRES_ACTION:
            return await self.sync_with_stripe(charge)
        return charge

    async def sync_with_stripe(self, charge: Charge) -> Charge:
        """Apply the state of the PaymentIntent, its refund and its payout; do what is due.

        Safe to call by anyone at any time, also concurrently.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        charge = await self.apply_order_cancellation(charge)
        if charge.is_open:
            read_intent = self._gateway.cancel if charge.order_cancelled else self._gateway.retrieve
            charge = await self.apply_intent(charge, await read_intent(charge))
        charge = await self._disputes.settle(charge)
        if charge.has_refund:
            charge = await self._refund(charge)
        return await self._payouts.settle(charge)

    async def _refund(self, charge: Charge) -> Charge:
        if charge.payout is not None and charge.stripe_refund_id is None:
            charge = await self._disputes.refresh(charge)
        if charge.dispute is not None and charge.dispute.is_open:
            return charge  # the bank decides whether the buyer gets the money
        if charge.is_charged_back:
            refund = Refund(None, RefundStatus.SUCCEEDED)
        else:
            refund = await self._gateway.refund(charge)
        if refund.failure_reason == DISPUTED:
            known = charge.dispute
            charge = await self._disputes.refresh(charge)
            if charge.dispute != known:  # it began while Stripe was asked
                return charge
        now = self._clock()
        charge = await self._store.update(charge.id, lambda c: c.apply_refund(refund, now))
        if charge.status is ChargeStatus.REFUND_FAILED:
            log.error("refund failed, manual refund required", charge=charge.id)
        return charge

    async def apply_intent(
        self, charge: Charge, intent: Intent, *, is_own_confirm: bool = False
    ) -> Charge:
        """Store what Stripe returned for a charge as it was when the request was sent.

        Args:
            charge: the charge.
            intent: what Stripe returned.
            is_own_confirm: whether it is the response to a confirm call of this process.
        """
        now, attempts_when_read = self._clock(), len(charge.attempts)

        def decide(found: Charge) -> Change[Charge]:
            return found.apply_intent(
                intent,
                attempts_when_read=attempts_when_read,
                is_own_confirm=is_own_confirm,
                now=now,
                policy=self._policy,
            )

        if intent.decline is not None:  # first, because reconciliation repeats only the second
            await self._limits.refuse_reported_card(charge, intent.decline)
        update = self._store.update_batched(charge.id, decide, snapshot=charge)
        if intent.status is not IntentStatus.SUCCEEDED:
            return await update
        if is_own_confirm:
            after, _ = await asyncio.gather(update, self._limits.release(charge))
            return after
        after = await update  # `charge` may not know the attempt that succeeded
        await self._limits.release(after)
        return after

    async def apply_order_cancellation(self, charge: Charge) -> Charge:
        """Read the order again, and mark the charge if it was cancelled."""
        if charge.order_cancelled:
            return charge
        order = await self._orders.find(charge.order_id)
        if order is None or order.status is not OrderStatus.CANCELLED:
            return charge
        return await self._mark_order_cancelled(charge)

    async def _mark_order_cancelled(self, charge: Charge) -> Charge:
        now = self._clock()
        return await self._store.update(charge.id, lambda c: c.mark_order_cancelled(now))
