"""State-machine test of payouts: several processes, each killed or without an answer at any step.

The code of payments runs as it is; stores and Stripe are models. `MODEL_EXAMPLES` and `MODEL_STEPS`
set the length of the search.
"""

import os
from datetime import timedelta

import hypothesis.strategies as st
import structlog
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.events import ChargeStatus, PayoutState
from payments.domain.charge import Charge
from property.payout_model import ACCOUNT, AMOUNT, SELLER, PayoutModel
from property.payout_stripe import OPEN, Answer, kept

PICK = st.integers(0, 10_000)
MAX_PROCESSES = 3
ANSWERS = st.sampled_from([*[Answer.GIVEN] * 4, *Answer])
ENDED = {PayoutState.SENT, PayoutState.RECALLED, PayoutState.SHORT, PayoutState.VOID}


class PayoutProtocol(RuleBasedStateMachine):
    """Processes, buyers, banks and Stripe, in any order."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(processors=[_drop])
        self.model = PayoutModel()
        self.stripe, self.steps = self.model.stripe, self.model.steps

    @rule(pick=PICK)
    @precondition(lambda self: len(self.steps.waiting) < MAX_PROCESSES)
    def start(self, pick: int) -> None:
        self.steps.start(self.model.sync(self._charge(pick).id))

    @rule(pick=PICK, answer=ANSWERS)
    @precondition(lambda self: self.steps.waiting)
    def resume(self, pick: int, answer: Answer) -> None:
        self._resume(pick, answer)

    @rule(pick=PICK, steps=st.integers(2, 12))
    @precondition(lambda self: self.steps.waiting)
    def resume_often(self, pick: int, steps: int) -> None:
        """Continue one process for a while, so that the search gets far."""
        task = self.steps.waiting[pick % len(self.steps.waiting)].task
        for _ in range(steps):
            for number, step in enumerate(self.steps.waiting):
                if step.task is task:
                    self._resume(number, Answer.GIVEN)
                    break

    @rule(pick=PICK, answer=st.sampled_from(Answer), is_killed=st.booleans())
    def work_until_money_moves(self, pick: int, answer: Answer, *, is_killed: bool) -> None:
        """Run one process until it asks Stripe to move money, and a step further."""
        if len(self.steps.waiting) >= MAX_PROCESSES:
            return
        task = self.steps.start(self.model.sync(self._charge(pick).id))
        while not task.done():
            step = next(step for step in self.steps.waiting if step.task is task)
            moves_money = step.name.startswith("POST")
            self._resume(self.steps.waiting.index(step), answer if moves_money else Answer.GIVEN)
            if moves_money:
                break
        for step in [step for step in self.steps.waiting if step.task is task and is_killed]:
            self.steps.kill(step)

    @rule(pick=PICK, is_executed=st.booleans())
    @precondition(lambda self: self.steps.waiting)
    def kill(self, pick: int, *, is_executed: bool) -> None:
        """Kill a process, also just after Stripe has executed its call."""
        step = self.steps.waiting[pick % len(self.steps.waiting)]
        if is_executed and step.name.startswith("POST"):
            self._resume(self.steps.waiting.index(step), Answer.LOST)
        elif step in self.steps.waiting:
            self.steps.kill(step)

    @rule(hours=st.sampled_from([1, 12, 25, 50]))
    def wait(self, hours: int) -> None:
        """Move the time forward, possibly so far that Stripe has forgotten its keys."""
        self.stripe.now += timedelta(hours=hours)

    @rule(pick=PICK)
    def return_order(self, pick: int) -> None:
        self.model.return_order(self._charge(pick).id)

    @rule(pick=PICK, amount=st.sampled_from([1, 700, 1_950, AMOUNT]), is_inquiry=st.booleans())
    @precondition(lambda self: len(self.stripe.disputes) < 2)
    def dispute(self, pick: int, amount: int, *, is_inquiry: bool) -> None:
        charge = self._charge(pick)
        is_refunded = self.stripe.charges[charge.stripe_id]["amount_refunded"]
        taken = [d for d in self.stripe.disputes if d["payment_intent"] == charge.stripe_id]
        if not is_refunded and not taken:
            self.stripe.dispute(charge.stripe_id, amount, is_inquiry=is_inquiry)

    @rule(pick=PICK, outcome=st.sampled_from(["won", "lost"]))
    @precondition(lambda self: self.stripe.disputes)
    def decide(self, pick: int, outcome: str) -> None:
        self.stripe.decide(self.stripe.disputes[pick % len(self.stripe.disputes)], outcome)

    @rule(state=st.sampled_from(["active", "restricted", "pending"]))
    def change_account(self, state: str) -> None:
        self.stripe.accounts[ACCOUNT] = state

    @rule()
    def empty_account(self) -> None:
        """Pay what the seller has to the bank, so that nothing can be recalled."""
        self.stripe.balances[ACCOUNT] = 0

    @rule(is_short=st.booleans())
    def change_balance(self, *, is_short: bool) -> None:
        self.stripe.is_short_of_balance = is_short

    @rule(is_paused=st.booleans())
    def pause(self, *, is_paused: bool) -> None:
        self.model.pause(is_paused=is_paused)

    @invariant()
    def seller_has_at_most_the_net(self) -> None:
        for charge in self.model.charges.all.values():
            assert self._received(charge) <= charge.net

    @invariant()
    def debts_are_withheld_at_most_once(self) -> None:
        assert self.model.sellers.all[SELLER].owed >= 0

    def teardown(self) -> None:
        """Heal everything, run every process to its end, and check every cent."""
        for step in list(self.steps.waiting):
            self.steps.kill(step)
        for dispute in self.stripe.disputes:
            self.stripe.decide(dispute, "won")
        self.stripe.accounts[ACCOUNT] = "active"
        self.stripe.is_short_of_balance = False
        self.model.pause(is_paused=False)
        for _ in range(20):
            before = (dict(self.model.charges.all), dict(self.model.sellers.all))
            self.stripe.now += timedelta(days=4)
            for charge_id in self.model.charges.all:
                self._run_to_end(charge_id)
            if before == (self.model.charges.all, self.model.sellers.all):
                break
        else:
            raise AssertionError("the payouts do not settle")
        for charge in self.model.charges.all.values():
            self._check(charge)
        charges, seller = self.model.charges.all.values(), self.model.sellers.all[SELLER]
        short = {c.debt_key for c in charges if c.payout.state is PayoutState.SHORT}
        assert set(seller.debts) == short
        assert sum(seller.withheld.values()) == sum(c.payout.withheld for c in charges)
        self.steps.close()

    def _check(self, charge: Charge) -> None:
        payout, received = charge.payout, self._received(charge)
        assert payout is not None
        assert payout.state in ENDED
        lost = self._lost(charge)
        refunded = self.stripe.charges[charge.stripe_id]["amount_refunded"]
        assert refunded + lost <= AMOUNT
        is_returned = charge.status is not ChargeStatus.SUCCEEDED
        payable = 0 if is_returned or charge.net is None else max(charge.net - lost, 0)
        due = max(payable - payout.withheld, 0)
        seller = self.model.sellers.all[SELLER]
        if payout.state is PayoutState.SHORT:
            assert received - due == seller.debts[charge.debt_key] > 0
        else:
            assert received == due
        if charge.status is ChargeStatus.REFUNDED:
            assert refunded + lost == AMOUNT
        elif charge.status is ChargeStatus.REFUND_FAILED:
            assert self.stripe.disputes  # Stripe refunds nothing that was disputed
        else:
            assert charge.status is ChargeStatus.SUCCEEDED
            assert not refunded

    def _run_to_end(self, charge_id: str) -> None:
        self.steps.start(self.model.sync(charge_id))
        while self.steps.waiting:
            self._resume(0, Answer.GIVEN)

    def _resume(self, pick: int, answer: Answer) -> None:
        step = self.steps.waiting[pick % len(self.steps.waiting)]
        self.steps.resume(step, answer)
        if step.task.done():
            step.task.result()

    def _received(self, charge: Charge) -> int:
        transfers = self.stripe.transfers
        return sum(kept(t) for t in transfers if t["transfer_group"] == charge.order_id)

    def _lost(self, charge: Charge) -> int:
        disputes = [d for d in self.stripe.disputes if d["payment_intent"] == charge.stripe_id]
        assert not any(dispute["status"] in OPEN for dispute in disputes)
        return sum(dispute["amount"] for dispute in disputes if dispute["status"] == "lost")

    def _charge(self, pick: int) -> Charge:
        charges = list(self.model.charges.all.values())
        return charges[pick % len(charges)]


def _drop(*_: object) -> dict[str, object]:
    """Log nothing."""
    raise structlog.DropEvent


TestPayoutProtocol = PayoutProtocol.TestCase
TestPayoutProtocol.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "150")),
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "50")),
    deadline=None,
)
