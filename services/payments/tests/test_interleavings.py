"""Whatever happens in whatever order: money is taken once at most, and never kept in the wrong.

Stripe, the buyer, the orders service and our processes act independently of one another: answers
are lost, come late or twice, processes die in between, and events are heard again.
"""

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
from common.errors import InProgress, Invalid
from common.events import ChargeStatus, OrderStatus, PaymentCreated, PaymentFailed
from common.values.ids import new_id
from payments.domain import Charge, Order, Outcome, Rules, charge_of
from payments.stripe.models import Card, Decline, Intent, IntentStatus, Refund, RefundStatus

RULES = Rules(attempts=3)
CLOSED = {IntentStatus.SUCCEEDED, IntentStatus.CANCELED}


@dataclass
class AtStripe:
    """The one PaymentIntent, as Stripe keeps it."""

    status: IntentStatus = IntentStatus.OPEN
    decline: Decline | None = None
    taken: int = 0
    declines: int = 0
    refund: Refund | None = None

    def told(self) -> Intent:
        return Intent("pi_1", self.status, Card("visa", "4242"), self.decline)

    def confirm(self, fate: str) -> None:
        if self.status in CLOSED:
            return
        self.decline = None
        if fate == "ok":
            self.status, self.taken = IntentStatus.SUCCEEDED, self.taken + 1
        elif fate == "ask":
            self.status = IntentStatus.ACTION
        else:
            self.declines += 1
            mark = f"ch_{self.declines}"
            self.status, self.decline = IntentStatus.OPEN, Decline("No.", "declined", mark=mark)

    def cancel(self) -> None:
        if self.status not in CLOSED:
            self.status = IntentStatus.CANCELED

    def give_back(self, fate: RefundStatus) -> Refund:
        if self.refund is None:
            assert self.taken == 1, "there is nothing to give back"
            self.refund = Refund("re_1", fate)
        elif self.refund.status is RefundStatus.PENDING:
            self.refund = replace(self.refund, status=fate)
        return self.refund


class Interleavings(RuleBasedStateMachine):
    """One order, and everything that can happen to its money."""

    attempts = Bundle("attempts")
    answers = Bundle("answers")
    snapshots = Bundle("snapshots")

    @initialize()
    def order_is_placed(self) -> None:
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC)
        expires_at = self.now + timedelta(hours=1)
        self.order = Order(new_id(), new_id(), 1999, OrderStatus.CREATED, expires_at)
        self.known = self.order
        self.stripe = AtStripe()
        self.charge: Charge | None = None
        self.told: list[Any] = []

    def _apply(self, change: Change[Charge]) -> None:
        before, after = self.charge, change.after
        if after == before:
            assert not change.events
            return
        assert change.events == (after.told(),)
        assert after.version == (before.version if before else -1) + 1
        self.told += change.events
        self.charge = after

    def _have(self) -> Charge:
        assert self.charge is not None
        return self.charge

    @rule(target=attempts)
    def the_buyer_tries(self) -> object:
        charge = self.charge or charge_of(self.order, intent_id="pi_1", now=self.now)
        try:
            change = charge.claim(self.known, digest="d", by="me", now=self.now, rules=RULES)
        except (Invalid, InProgress):
            return multiple()  # pyright: ignore[reportUnknownVariableType]
        self._apply(change)
        return len(change.after.attempts)

    @rule(
        target=answers, attempt=consumes(attempts), fate=st.sampled_from(["ok", "no", "ask", "no"])
    )
    def stripe_carries_it_out(self, attempt: int, fate: str) -> object:
        self.stripe.confirm(fate)
        return attempt, self.stripe.told()

    @rule(answer=consumes(answers))
    def the_answer_arrives(self, answer: tuple[int, Intent]) -> None:
        attempt, told = answer
        self._follow_replica()
        self._apply(
            self._have().observe(told, asked_at=attempt, own=True, now=self.now, rules=RULES)
        )

    @rule(answer=consumes(answers))
    def the_answer_is_lost(self, answer: tuple[int, Intent]) -> None:
        self._apply(self._have().let_go(answer[0], self.now))

    @rule(answer=consumes(answers))
    def the_process_dies(self, answer: tuple[int, Intent]) -> None:
        """Nobody hears the answer."""

    @rule()
    def an_attempt_outlives_its_lease(self) -> None:
        self.now += RULES.lease

    @precondition(lambda self: self.stripe.status is IntentStatus.ACTION)
    @rule(fate=st.sampled_from(["ok", "no"]))
    def the_buyer_answers_the_bank(self, fate: str) -> None:
        self.stripe.confirm(fate)

    @precondition(lambda self: self.charge is not None)
    @rule(target=snapshots)
    def somebody_asks_stripe(self) -> tuple[int, Intent]:
        return len(self._have().attempts), self.stripe.told()

    @rule(snapshot=snapshots)
    def what_stripe_said_is_applied_perhaps_late_or_again(
        self, snapshot: tuple[int, Intent]
    ) -> None:
        asked_at, told = snapshot
        self._follow_replica()
        self._apply(self._have().observe(told, asked_at=asked_at, now=self.now, rules=RULES))

    @precondition(lambda self: self.order.status is OrderStatus.CREATED)
    @rule()
    def the_order_is_cancelled(self) -> None:
        self.order = replace(self.order, status=OrderStatus.CANCELLED)

    @precondition(lambda self: any(isinstance(event, PaymentCreated) for event in self.told))
    @rule()
    def orders_hears_of_the_payment(self) -> None:
        if self.order.status is OrderStatus.CREATED:
            self.order = replace(self.order, status=OrderStatus.COMPLETE)

    @precondition(lambda self: self.order.status is not self.known.status)
    @rule()
    def payments_hears_of_the_order(self) -> None:
        self.known = self.order

    @precondition(lambda self: self.known.status is OrderStatus.CANCELLED and self.charge)
    @rule()
    def the_listener_marks_the_charge(self) -> None:
        self._apply(self._have().cancel_order(self.now))

    @precondition(lambda self: self._due())
    @rule(fate=st.sampled_from(RefundStatus))
    def the_reconciler_looks(self, fate: RefundStatus) -> None:
        self.charge = replace(self._have(), look_at=self.now + RULES.lease)
        self._follow_replica()
        charge = self._have()
        if charge.unsettled:
            if charge.order_cancelled:
                self.stripe.cancel()
            asked_at = len(charge.attempts)
            told = self.stripe.told()
            self._apply(charge.observe(told, asked_at=asked_at, now=self.now, rules=RULES))
        if self._have().giving_back:
            self._apply(self._have().observe_refund(self.stripe.give_back(fate), self.now))

    def _due(self) -> bool:
        """Whether the reconciler would take the charge; what it does not take, nobody looks at."""
        charge = self.charge
        return charge is not None and charge.look_at is not None and charge.look_at <= self.now

    def _follow_replica(self) -> None:
        """As the service does: whoever learns something looks at the order as well."""
        if self.known.status is OrderStatus.CANCELLED:
            self._apply(self._have().cancel_order(self.now))

    @invariant()
    def money_is_taken_once_at_most(self) -> None:
        if hasattr(self, "stripe"):
            assert self.stripe.taken <= 1

    @invariant()
    def nothing_is_claimed_that_is_not_so(self) -> None:
        charge = getattr(self, "charge", None)
        if charge is None:
            return
        if charge.status is ChargeStatus.SUCCEEDED:
            assert self.stripe.taken == 1
            assert not charge.order_cancelled
        if charge.status is ChargeStatus.CANCELED:
            assert self.stripe.taken == 0
        if charge.status is ChargeStatus.REFUNDED:
            assert self.stripe.refund is not None
        answered = [one for one in charge.attempts if one.outcome is not Outcome.NOTHING]
        assert len(answered) <= RULES.attempts

    @invariant()
    def only_a_decline_is_final(self) -> None:
        if getattr(self, "told", None) and isinstance(self.told[-1], PaymentFailed):
            charge = self._have()
            if self.told[-1].final:
                assert Outcome.DECLINED in {attempt.outcome for attempt in charge.attempts}

    def teardown(self) -> None:
        """When all have been heard and the reconciler has gone its rounds, the money is right."""
        if getattr(self, "charge", None) is None:
            return
        self.known = self.order
        self._follow_replica()
        for _ in range(3):
            self.now += RULES.lease
            if self._due():
                self.the_reconciler_looks(RefundStatus.SUCCEEDED)
        charge = self._have()
        if self.order.status is not OrderStatus.CANCELLED:
            assert (charge.status is ChargeStatus.SUCCEEDED) == (self.stripe.taken == 1)
        if self.order.status is OrderStatus.CANCELLED:
            assert not charge.unsettled
            assert self.stripe.taken == 0 or self.stripe.refund is not None
            assert charge.status in {
                ChargeStatus.CANCELED,
                ChargeStatus.REFUNDED,
                ChargeStatus.REFUND_FAILED,
            }
        else:
            paid = charge.status is ChargeStatus.SUCCEEDED
            assert paid == (self.stripe.taken == 1)
            assert self.stripe.refund is None


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
