"""What payments can do: the one door for HTTP, for events, for webhooks and for the reconciler."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import structlog

from common.change import Change
from common.errors import InProgress, Invalid, NotAuthorized, NotFound
from common.events import ChargeStatus, OrderStatus
from common.messaging.envelope import Message
from common.values.clock import Clock
from payments.domain import (
    CURRENCY,
    Charge,
    Order,
    Outcome,
    Rules,
    charge_id_of,
    charge_of,
    digest_of,
)
from payments.news import News
from payments.results import (
    Payment,
    declined,
    in_progress,
    refused,
    refused_token,
    settled,
    unknown,
)
from payments.store import ChargeStore, OrderReplicas, StripeEvents
from payments.stripe.gateway import Gateway, StripeAway, TokenRefused
from payments.stripe.mapping import Hint
from payments.stripe.models import Decline, Intent, IntentStatus

log = structlog.get_logger("payments")

WAIT_SECONDS: Final = 5.0
"""How long a second click waits for what comes of the first."""
POLL_SECONDS: Final = 0.05


class Payments:
    """Everything that can be done with the money of orders."""

    def __init__(
        self,
        store: ChargeStore,
        orders: OrderReplicas,
        webhooks: StripeEvents,
        gateway: Gateway,
        clock: Clock,
        rules: Rules,
        *,
        owner: str,
    ) -> None:
        self._store = store
        self._orders = orders
        self._webhooks = webhooks
        self._gateway = gateway
        self._clock = clock
        self._rules = rules
        self._owner = owner
        self._news = News()

    async def pay(self, order_id: str, *, token: str, by: str) -> Payment:
        """Pay for an order; asked again, give the same answer again.

        Raises:
            NotFound: there is no such order.
            NotAuthorized: it is somebody else's.
            Invalid: its state does not allow it, or Stripe does not take the token.
            PaymentDeclined: the card said no.
            InProgress: another attempt is running, and takes its time.
            Unavailable: nobody knows yet whether the money was taken.
        """
        digest = digest_of(token)
        new = self._orders.take_new(order_id)
        order = new or await self._orders.find_soon(order_id)
        if order is None:
            raise NotFound
        if order.user_id != by:
            raise NotAuthorized
        new = new or self._orders.take_new(order_id)
        if new is not None:
            claimed = await self._claim(new, None, digest)
            if claimed is not None:
                return await self._attempt(claimed, token)
            order = await self._orders.find(order_id) or order
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        awaited = None if new is None else 1
        while True:
            charge = await self._store.find(charge_id_of(order_id))
            if charge is not None and charge.running(self._clock()):
                awaited = awaited or len(charge.attempts)
            else:
                answer = None if charge is None else await self._answer(charge, digest, awaited)
                if answer is not None:
                    return answer
                claimed = await self._claim(order, charge, digest)
                if claimed is not None:
                    return await self._attempt(claimed, token)
                awaited = awaited or (0 if charge is None else len(charge.attempts)) + 1
            if asyncio.get_running_loop().time() > deadline:
                raise in_progress()
            await asyncio.sleep(POLL_SECONDS)

    async def receipt(self, order_id: str, *, by: str) -> Charge:
        """Show where the money of an order stands, after asking Stripe if it is on its way.

        Raises:
            NotFound: nobody has tried to pay for this order.
            NotAuthorized: it is somebody else's.
        """
        charge = await self._store.get(charge_id_of(order_id))
        if charge.user_id != by:
            raise NotAuthorized
        try:
            return await self._heal(charge)
        except StripeAway:
            return charge

    async def follow_order(self, order: Order, version: int) -> None:
        """Know an order; when it is cancelled, see to it that its money is not taken or goes back.

        Only remembers it: Stripe may be away, and an event must not wait for it.
        """
        await self._orders.keep(order, version)
        if order.status is OrderStatus.CANCELLED:
            charge = await self._store.find(charge_id_of(order.id))
            if charge is not None:
                await self._cancel_order(charge)

    async def hear(self, hint: Hint) -> None:
        """Take a webhook as a hint to look, once, if it can be news."""
        if await self._news.old(hint):
            return
        if hint.intent_id is None or await self._webhooks.heard(hint.id):
            return
        charge = await self._store.of_intent(hint.intent_id)
        if charge is None or (hint.paid and not charge.unsettled):
            return
        await self.apply(charge)
        await self._webhooks.remember(hint.id)

    async def next_due(self) -> Charge | None:
        """Take one charge that somebody left unfinished; it comes back later if it still is."""
        now = self._clock()
        return await self._store.take_due(now, now + self._rules.lease)

    async def apply(self, charge: Charge) -> Charge:
        """Bring a charge to where its money is, by asking Stripe; for everyone, at any time.

        Raises:
            StripeAway: no answer; it is asked again later.
        """
        charge = await self._follow_replica(charge)
        if charge.unsettled:
            look = self._gateway.cancel if charge.order_cancelled else self._gateway.retrieve
            charge = await self._observe(charge, await look(charge))
        if charge.giving_back:
            refund = await self._gateway.refund(charge)
            now = self._clock()
            charge = await self._store.change(
                charge.id, lambda c: c.observe_refund(refund, now), known=charge
            )
            if charge.status is ChargeStatus.REFUND_FAILED:
                log.error("refund failed: give the money back by hand", charge=charge.id)
        return charge

    def states(self) -> AsyncGenerator[Message]:
        """Go through every charge as an event of its present state."""
        return self._store.states(Charge.told)

    async def _answer(self, charge: Charge, digest: str, awaited: int | None) -> Payment | None:
        """Answer from what is known already; nothing, if it takes a new attempt.

        Args:
            charge: nobody is running an attempt of it.
            digest: the token's.
            awaited: the first attempt that another request has made since this one came.
        """
        charge = await self._heal(charge)
        if charge.status is ChargeStatus.PROCESSING:
            raise in_progress()
        last = charge.attempts[-1]
        same_click = last.digest == digest
        if charge.status is ChargeStatus.REQUIRES_ACTION and same_click:
            intent = await self._gateway.retrieve(charge)
            charge = await self._observe(charge, intent)
            if charge.status is ChargeStatus.REQUIRES_ACTION:
                return Payment(charge, intent.client_secret)
        waited = same_click and awaited is not None and awaited <= last.n
        if charge.status is ChargeStatus.REQUIRES_PAYMENT_METHOD and waited:
            problem = charge.last_error
            if problem is not None and last.outcome is not Outcome.NOTHING:
                raise refused(charge, problem)
        return None if charge.unsettled else settled(charge)

    async def _claim(self, order: Order, charge: Charge | None, digest: str) -> Charge | None:
        """Begin an attempt; nothing, if somebody else was first, and may be done by now.

        The order is looked at again after its charge was stored: a cancellation either finds the
        charge, or is found here.
        """
        now = self._clock()

        def claim(found: Charge) -> Change[Charge]:
            if charge is not None and len(charge.attempts) < len(found.attempts):
                raise InProgress  # or it was, and has ended: what came of it is the answer
            return found.claim(order, digest=digest, by=self._owner, now=now, rules=self._rules)

        if charge is not None:
            try:
                return await self._store.change(charge.id, claim)
            except InProgress:
                return None
        try:
            order.refuse_unless_payable(now, self._rules.margin)
            intent = await self._gateway.create_intent(order, CURRENCY)
        except (Invalid, StripeAway):
            if await self._store.find(charge_id_of(order.id)) is None:
                raise
            return None
        opened = await self._store.open(claim(charge_of(order, intent_id=intent.id, now=now)))
        return None if opened is None else await self._follow_replica(opened)

    async def _attempt(self, charge: Charge, token: str) -> Payment:
        """Try to take the money, and write down what came of it."""
        if charge.order_cancelled:
            return settled(await self.apply(charge))
        n = len(charge.attempts)
        with self._news.awaited(charge.stripe_id):
            try:
                intent = await self._gateway.confirm(charge, token)
            except TokenRefused as error:
                return await self._without_token(charge, error, n)
            except StripeAway:
                now = self._clock()
                await self._store.change(charge.id, lambda c: c.let_go(n, now), known=charge)
                raise unknown() from None
            charge = await self._observe(charge, intent, own=True)
        if charge.order_cancelled and charge.unsettled:
            charge = await self.apply(charge)
        asked = intent.status is IntentStatus.ACTION
        if asked and charge.status is ChargeStatus.REQUIRES_ACTION:
            return Payment(charge, intent.client_secret)
        if charge.unsettled:
            raise declined(charge, intent.decline) if intent.decline else unknown()
        return settled(charge)

    async def _without_token(self, charge: Charge, error: TokenRefused, n: int) -> Payment:
        """End an attempt whose token is no good, unless an earlier one has ended well since."""
        problem = Decline("Invalid payment token", error.code)
        if error.intent.status is IntentStatus.OPEN:
            now = self._clock()
            charge = await self._store.change(
                charge.id,
                lambda c: c.refuse_token(n, problem, now=now, rules=self._rules),
                known=charge,
            )
        else:
            charge = await self._observe(charge, error.intent, own=True)
        if charge.unsettled:
            raise refused_token(problem)
        return settled(charge)

    async def _heal(self, charge: Charge) -> Charge:
        """Ask Stripe about a charge that nobody here is at work on, but that may have moved."""
        left = charge.status is ChargeStatus.PROCESSING and not charge.running(self._clock())
        if left or charge.status is ChargeStatus.REQUIRES_ACTION:
            return await self.apply(charge)
        return charge

    async def _observe(self, charge: Charge, intent: Intent, *, own: bool = False) -> Charge:
        """Write down what Stripe has just said, asked about the charge as it was."""
        now, asked_at = self._clock(), len(charge.attempts)

        def observe(found: Charge) -> Change[Charge]:
            return found.observe(intent, asked_at=asked_at, own=own, now=now, rules=self._rules)

        after = await self._store.follow(charge.id, observe, known=charge)
        if intent.status is IntentStatus.SUCCEEDED:
            self._news.paid(intent.id)
        return after

    async def _follow_replica(self, charge: Charge) -> Charge:
        if charge.order_cancelled:
            return charge
        order = await self._orders.find(charge.order_id)
        if order is None or order.status is not OrderStatus.CANCELLED:
            return charge
        return await self._cancel_order(charge)

    async def _cancel_order(self, charge: Charge) -> Charge:
        now = self._clock()
        return await self._store.change(charge.id, lambda c: c.cancel_order(now), known=charge)
