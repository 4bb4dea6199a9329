"""Attempts to pay: claim an attempt, confirm it at Stripe, return the result to the buyer."""

import asyncio
from typing import Final

from common.change import Change
from common.errors import BadRequest, Conflict, NotFound, TooManyRequests, Unauthorized
from common.values.clock import Clock
from payments.decline_limits import CardRefused, DeclineLimits
from payments.domain.attempts import Outcome, token_digest
from payments.domain.charge import CURRENCY, Charge, charge_id_of, first_attempt_id, new_charge
from payments.domain.order import Order, PaymentPolicy
from payments.domain.stripe_objects import Decline, Intent, IntentStatus
from payments.domain.suspicious_cards import REFUSED_AGAIN
from payments.domain.transitions import PROCESSING, REQUIRES_ACTION, REQUIRES_PAYMENT_METHOD
from payments.results import (
    CARD_LIMIT_REACHED,
    PaymentResult,
    attempt_error,
    attempt_in_progress,
    card_declined,
    final_result,
    outcome_unknown,
    payments_unavailable,
    token_rejected,
)
from payments.store.charges import ChargeStore
from payments.store.order_replicas import OrderReplicas
from payments.stripe.gateway import (
    Gateway,
    PaymentMethod,
    StripeRefused,
    StripeUnavailable,
    TokenRejected,
)
from payments.sync import ChargeSync

MAX_CLAIMS: Final = 10
"""How often a click may lose the race for the next attempt before it is rejected."""

DECLINE_SECONDS: Final = 0.5
"""How long Stripe takes to decline a card, until this process has seen it do so."""
MAX_DECLINE_SECONDS: Final = 5.0


class PaymentAttempts:
    """Handles one click on "Pay" at a time for each order."""

    def __init__(
        self,
        store: ChargeStore,
        orders: OrderReplicas,
        gateway: Gateway,
        sync: ChargeSync,
        limits: DeclineLimits,
        clock: Clock,
        policy: PaymentPolicy,
        *,
        owner: str,
    ) -> None:
        self._store = store
        self._orders = orders
        self._gateway = gateway
        self._sync = sync
        self._limits = limits
        self._clock = clock
        self._policy = policy
        self._owner = owner
        self._decline_seconds = DECLINE_SECONDS

    async def pay(self, order_id: str, *, token: str, user_id: str, address: str) -> PaymentResult:
        """Pay for an order; a repeated click gets the result of the attempt it waited for.

        Raises:
            TooManyRequests: too many payments of the account, from the address or with the card
                were declined.
            NotFound: there is no such order.
            Unauthorized: the order belongs to another user.
            BadRequest: the order cannot be paid, or Stripe rejected the token.
            PaymentDeclined: the card was declined.
            Conflict: another attempt is still running.
            ServiceUnavailable: it is not known whether the payment succeeded, or Stripe refuses
                every payment until an operator has changed something.
        """
        order = await self._orders.wait_for(order_id)
        if order is None:
            raise NotFound
        if order.user_id != user_id:
            raise Unauthorized
        digest = token_digest(token)
        charge = await self._store.find(charge_id_of(order_id))
        ended_attempts = 0 if charge is None else charge.count_ended_attempts(self._clock())
        for lost_claims in range(MAX_CLAIMS):
            if charge is not None:
                charge = await self._sync.wait_for_attempt(charge)
                result = await self._known_result(charge, digest, ended_attempts)
                if result is not None:
                    if lost_claims and not result.charge.is_open:
                        # A lost claim was counted beside the successful one.
                        await self._limits.release(result.charge)
                    return result
                claimed = await self._claim_next(order, charge, digest, address)
            else:
                claimed = await self._claim_first(order, digest, address)
            if claimed is not None:
                return await self._confirm(claimed, token, address)
            charge = await self._store.find(charge_id_of(order_id))
        raise attempt_in_progress()

    async def _known_result(
        self, charge: Charge, digest: str, ended_attempts: int
    ) -> PaymentResult | None:
        """Return the result without a new attempt, or None if one is needed.

        Args:
            charge: the charge, whose running attempt has been waited for.
            digest: identifies the token.
            ended_attempts: how many attempts had ended before this click. Those after it count
                as this click's own if they have the same token.
        """
        charge = await self._sync.refresh_if_stale(charge)
        if charge.status is PROCESSING:
            raise attempt_in_progress()
        last = charge.attempts[-1]
        has_same_token = last.token_digest == digest
        if charge.status is REQUIRES_ACTION and has_same_token:
            intent = await self._gateway.retrieve(charge)
            charge = await self._sync.apply_intent(charge, intent)
            if charge.status is REQUIRES_ACTION:
                return PaymentResult(charge, intent.client_secret)
        if charge.status is REQUIRES_PAYMENT_METHOD:
            has_waited = has_same_token and last.number > ended_attempts
            if has_waited and charge.last_error and last.outcome is not Outcome.NO_RESULT:
                raise attempt_error(charge, charge.last_error, self._policy)
        return None if charge.is_open else final_result(charge)

    async def _claim_first(self, order: Order, digest: str, address: str) -> Charge | None:
        """Create the charge with its first attempt, or return None if the charge exists by now."""
        now = self._clock()
        try:
            order.ensure_payable(now, self._policy.margin)
            await self._limits.count_attempt(
                first_attempt_id(order.id), user_id=order.user_id, address=address
            )
            intent = await self._gateway.create_intent(order, CURRENCY)
        except (BadRequest, StripeUnavailable) as error:
            if await self._store.find(charge_id_of(order.id)) is not None:
                return None
            if isinstance(error, StripeRefused):
                await self._limits.release_attempt(first_attempt_id(order.id))
                raise payments_unavailable() from None
            raise
        charge = new_charge(order, intent_id=intent.id, now=now)
        change = charge.claim(order, digest=digest, owner=self._owner, now=now, policy=self._policy)
        inserted = await self._store.insert_first_attempt(change)
        if inserted is None:
            return None
        # A cancellation that arrived before the insert found no charge to mark.
        return await self._sync.apply_order_cancellation(inserted)

    async def _claim_next(
        self, order: Order, charge: Charge, digest: str, address: str
    ) -> Charge | None:
        """Start an attempt, or return None if another one has started since `charge` was read."""
        now = self._clock()

        def claim(found: Charge) -> Change[Charge]:
            if len(charge.attempts) < len(found.attempts):
                raise Conflict  # a newer attempt exists: `pay` waits for it and uses its result
            return found.claim(
                order, digest=digest, owner=self._owner, now=now, policy=self._policy
            )

        try:
            attempted = claim(charge).after
            await self._limits.count_attempt(
                attempted.attempt_id, user_id=order.user_id, address=address
            )
            return await self._store.update(charge.id, claim)
        except Conflict:
            return None

    async def _confirm(self, charge: Charge, token: str, address: str) -> PaymentResult:
        """Confirm the PaymentIntent, and store and return the result."""
        if charge.order_cancelled:
            return final_result(await self._sync.sync_with_stripe(charge))
        attempt_number = len(charge.attempts)
        try:
            method = await self._find_payment_method(charge, token)
            intent = (
                method if isinstance(method, Intent) else await self._charge_card(charge, method)
            )
        except TokenRejected as error:
            return await self._handle_rejected_token(charge, error)
        except StripeUnavailable:
            now = self._clock()
            await self._store.update(charge.id, lambda c: c.release_attempt(attempt_number, now))
            raise outcome_unknown() from None
        except TooManyRequests:
            await self._reject_token(charge, CARD_LIMIT_REACHED)
            raise
        charge = await self._sync.apply_intent(charge, intent, is_own_confirm=True)
        if intent.status is IntentStatus.ACTION:
            await self._limits.release_address(charge, address)
        if charge.order_cancelled and charge.is_open:
            charge = await self._sync.sync_with_stripe(charge)
        if intent.status is IntentStatus.ACTION and charge.status is REQUIRES_ACTION:
            return PaymentResult(charge, intent.client_secret)
        if charge.is_open:
            if intent.decline is None:
                raise outcome_unknown()
            raise card_declined(charge, intent.decline, self._policy)
        return final_result(charge)

    async def _find_payment_method(self, charge: Charge, token: str) -> PaymentMethod | Intent:
        """Return what the token stands for, or the result if it is invalid."""
        try:
            return await self._gateway.find_payment_method(charge, token)
        except StripeRefused:
            now, attempt_number = self._clock(), len(charge.attempts)
            await self._store.update(charge.id, lambda c: c.withdraw_attempt(attempt_number, now))
            await self._limits.release(charge)
            raise payments_unavailable() from None

    async def _charge_card(self, charge: Charge, method: PaymentMethod) -> Intent:
        """Confirm the PaymentIntent, unless the account cannot use the card."""
        started = asyncio.get_running_loop().time()
        if method.fingerprint is not None:
            try:
                await self._limits.count_card(charge, method.fingerprint)
            except CardRefused:
                await asyncio.sleep(self._decline_seconds)  # the same as Stripe takes
                return Intent(charge.stripe_id, IntentStatus.OPEN, decline=REFUSED_AGAIN)
        intent = await self._gateway.confirm(charge, method)
        if intent.decline is not None:
            elapsed = asyncio.get_running_loop().time() - started
            self._decline_seconds = min(elapsed, MAX_DECLINE_SECONDS)
        return intent

    async def _handle_rejected_token(self, charge: Charge, error: TokenRejected) -> PaymentResult:
        """End the attempt, unless an earlier attempt has succeeded in the meantime."""
        decline = Decline("Invalid payment token", error.code)
        if error.intent.status is IntentStatus.OPEN:
            charge = await self._reject_token(charge, decline)
        else:
            charge = await self._sync.apply_intent(charge, error.intent, is_own_confirm=True)
        if charge.is_open:
            raise token_rejected(decline)
        return final_result(charge)

    async def _reject_token(self, charge: Charge, decline: Decline) -> Charge:
        now, attempt_number = self._clock(), len(charge.attempts)
        return await self._store.update(
            charge.id,
            lambda c: c.reject_token(attempt_number, decline, now=now, policy=self._policy),
        )
