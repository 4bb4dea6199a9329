"""State-machine test of one charge: paid at most once, refunded if the order is cancelled.

Stripe, the buyer, the orders service and our processes act independently: responses are lost,
delayed or repeated, processes die, and events are redelivered.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from common.change import Change
from common.errors import BadRequest, Conflict
from common.events import ChargeStatus, OrderStatus, PaymentCreated, PaymentFailed
from common.values.ids import new_id
from payments.domain.attempts import Outcome
from payments.domain.charge import Charge, new_charge
from payments.domain.order import Order, PaymentPolicy
from payments.domain.stripe_objects import Card, Decline, Intent, IntentStatus, Refund, RefundStatus

POLICY = PaymentPolicy(max_attempts=3)
CLOSED = {IntentStatus.SUCCEEDED, IntentStatus.CANCELED}


@dataclass
class StripeModel:
    """The PaymentIntent in Stripe."""

    status: IntentStatus = IntentStatus.OPEN
    decline: Decline | None = None
    times_charged: int = 0
    declines: int = 0
    refund: Refund | None = None

    def to_intent(self) -> Intent:
        return Intent("pi_1", self.status, Card("visa", "4242"), self.decline)

    def confirm(self, outcome: str) -> None:
        if self.status in CLOSED:
            return
        self.decline = None
        if outcome == "success":
            self.status, self.times_charged = IntentStatus.SUCCEEDED, self.times_charged + 1
        elif outcome == "action":
            self.status = IntentStatus.ACTION
        else:
            self.declines += 1
            self.status = IntentStatus.OPEN
            self.decline = Decline("No.", "declined", decline_id=f"ch_{self.declines}")

    def cancel(self) -> None:
        if self.status not in CLOSED:
            self.status = IntentStatus.CANCELED

    def create_refund(self, outcome: RefundStatus) -> Refund:
        if self.refund is None:
            assert self.times_charged == 1, "there is nothing to refund"
            self.refund = Refund("re_1", outcome)
        elif self.refund.status is RefundStatus.PENDING:
            self.refund = replace(self.refund, status=outcome)
        return self.refund


class Interleavings(RuleBasedStateMachine):
    """One order, and everything that can happen to its payment."""

    attempts = Bundle("attempts")
    responses = Bundle("responses")
    snapshots = Bundle("snapshots")

    @initialize()
    def order_is_placed(self) -> None:
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC)
        expires_at = self.now + timedelta(hours=1)
        self.order = Order(new_id(), new_id(), 1999, OrderStatus.CREATED, expires_at)
        self.known_order = self.order
        self.stripe = StripeModel()
        self.charge: Charge | None = None
        self.events: list[Any] = []

    def _apply(self, change: Change[Charge]) -> None:
        before, after = self.charge, change.after
        if after == before:
            assert not change.events
            return
        assert change.events == (after.to_event(),)
        assert after.version == (before.version if before else -1) + 1
        self.events += change.events
        self.charge = after

    def _require_charge(self) -> Charge:
        assert self.charge is not None
        return self.charge

    @rule(target=attempts)
    def buyer_attempts_to_pay(self) -> object:
        charge = self.charge or new_charge(self.order, intent_id="pi_1", now=self.now)
        try:
            change = charge.claim(
                self.known_order, digest="d", owner="me", now=self.now, policy=POLICY
            )
        except (BadRequest, Conflict):
            return multiple()  # pyright: ignore[reportUnknownVariableType]
        self._apply(change)
        return len(change.after.attempts)

    @rule(
        target=responses,
        attempt=consumes(attempts),
        outcome=st.sampled_from(["success", "decline", "action", "decline"]),
    )
    def stripe_confirms(self, attempt: int, outcome: str) -> object:
        self.stripe.confirm(outcome)
        return attempt, self.stripe.to_intent()

    @rule(response=consumes(responses))
    def response_arrives(self, response: tuple[int, Intent]) -> None:
        attempt, intent = response
        self._apply_order_cancellation()
        self._apply(
            self._require_charge().apply_intent(
                intent, attempts_when_read=attempt, is_own_confirm=True, now=self.now, policy=POLICY
            )
        )

    @rule(response=consumes(responses))
    def response_is_lost(self, response: tuple[int, Intent]) -> None:
        self._apply(self._require_charge().release_attempt(response[0], self.now))

    @rule(response=consumes(responses))
    def process_dies(self, response: tuple[int, Intent]) -> None:
        """The response is lost."""

    @rule()
    def lease_ends(self) -> None:
        self.now += POLICY.lease

    @precondition(lambda self: self.stripe.status is IntentStatus.ACTION)
    @rule(outcome=st.sampled_from(["success", "decline"]))
    def buyer_authenticates(self, outcome: str) -> None:
        self.stripe.confirm(outcome)

    @precondition(lambda self: self.charge is not None)
    @rule(target=snapshots)
    def stripe_is_read(self) -> tuple[int, Intent]:
        return len(self._require_charge().attempts), self.stripe.to_intent()

    @rule(snapshot=snapshots)
    def stripe_state_is_applied_late_or_again(self, snapshot: tuple[int, Intent]) -> None:
        attempts_when_read, intent = snapshot
        self._apply_order_cancellation()
        self._apply(
            self._require_charge().apply_intent(
                intent, attempts_when_read=attempts_when_read, now=self.now, policy=POLICY
            )
        )

    @precondition(lambda self: self.order.status is OrderStatus.CREATED)
    @rule()
    def order_is_cancelled(self) -> None:
        self.order = replace(self.order, status=OrderStatus.CANCELLED)

    @precondition(lambda self: any(isinstance(event, PaymentCreated) for event in self.events))
    @rule()
    def orders_consumes_the_payment(self) -> None:
        if self.order.status is OrderStatus.CREATED:
            self.order = replace(self.order, status=OrderStatus.COMPLETE)

    @precondition(lambda self: self.order.status is not self.known_order.status)
    @rule()
    def payments_consumes_the_order(self) -> None:
        self.known_order = self.order

    @precondition(lambda self: self.known_order.status is OrderStatus.CANCELLED and self.charge)
    @rule()
    def listener_marks_the_charge(self) -> None:
        self._apply(self._require_charge().mark_order_cancelled(self.now))

    @precondition(lambda self: self._is_due())
    @rule(outcome=st.sampled_from(RefundStatus))
    def reconciler_runs(self, outcome: RefundStatus) -> None:
        self.charge = replace(self._require_charge(), reconcile_at=self.now + POLICY.lease)
        self._apply_order_cancellation()
        charge = self._require_charge()
        if charge.is_open:
            if charge.order_cancelled:
                self.stripe.cancel()
            attempts_when_read = len(charge.attempts)
            intent = self.stripe.to_intent()
            self._apply(
                charge.apply_intent(
                    intent, attempts_when_read=attempts_when_read, now=self.now, policy=POLICY
                )
            )
        if self._require_charge().has_refund:
            self._apply(
                self._require_charge().apply_refund(self.stripe.create_refund(outcome), self.now)
            )

    def _is_due(self) -> bool:
        """Return whether the reconciler would claim the charge."""
        charge = self.charge
        return (
            charge is not None
            and charge.reconcile_at is not None
            and charge.reconcile_at <= self.now
        )

    def _apply_order_cancellation(self) -> None:
        """Read the order again, as every sync does."""
        if self.known_order.status is OrderStatus.CANCELLED:
            self._apply(self._require_charge().mark_order_cancelled(self.now))

    @invariant()
    def charged_at_most_once(self) -> None:
        if hasattr(self, "stripe"):
            assert self.stripe.times_charged <= 1

    @invariant()
    def status_matches_stripe(self) -> None:
        charge = getattr(self, "charge", None)
        if charge is None:
            return
        if charge.status is ChargeStatus.SUCCEEDED:
            assert self.stripe.times_charged == 1
            assert not charge.order_cancelled
        if charge.status is ChargeStatus.CANCELED:
            assert self.stripe.times_charged == 0
        if charge.status is ChargeStatus.REFUNDED:
            assert self.stripe.refund is not None
        not_declined = {Outcome.NO_RESULT, Outcome.ACTION}
        counted = [attempt for attempt in charge.attempts if attempt.outcome not in not_declined]
        assert len(counted) <= POLICY.max_attempts

    @invariant()
    def only_a_decline_is_final(self) -> None:
        if getattr(self, "events", None) and isinstance(self.events[-1], PaymentFailed):
            charge = self._require_charge()
            if self.events[-1].final:
                assert Outcome.DECLINED in {attempt.outcome for attempt in charge.attempts}

    def teardown(self) -> None:
        """Check that the payment is right after all events and three runs of the reconciler."""
        if getattr(self, "charge", None) is None:
            return
        self.known_order = self.order
        self._apply_order_cancellation()
        for _ in range(3):
            self.now += POLICY.lease
            if self._is_due():
                self.reconciler_runs(RefundStatus.SUCCEEDED)
        charge = self._require_charge()
        if self.order.status is not OrderStatus.CANCELLED:
            assert (charge.status is ChargeStatus.SUCCEEDED) == (self.stripe.times_charged == 1)
        if self.order.status is OrderStatus.CANCELLED:
            assert not charge.is_open
            assert self.stripe.times_charged == 0 or self.stripe.refund is not None
            assert charge.status in {
                ChargeStatus.CANCELED,
                ChargeStatus.REFUNDED,
                ChargeStatus.REFUND_FAILED,
            }
        else:
            paid = charge.status is ChargeStatus.SUCCEEDED
            assert paid == (self.stripe.times_charged == 1)
            assert self.stripe.refund is None


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "150")), stateful_step_count=40
)
