"""Orders, locks and money under every interleaving that hypothesis can think of.

The rules are the services' own; only stores, bus and Stripe are the model's. MODEL_EXAMPLES and
MODEL_STEPS make it look longer.
"""

import os
from collections.abc import Mapping
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from common.events import (
    ChargeStatus,
    OrderCancelled,
    OrderCreated,
    OrderStatus,
    PaymentCreated,
    TicketStatus,
)
from expiration.domain import Status
from payments.domain import Charge, charge_id_of
from property.fake_stripe import CardKind
from property.model import WINDOW, World

PICK = st.integers(0, 10_000)
PRICE = st.integers(50, 60)
LATER = WINDOW + timedelta(seconds=120)
GONE_ON = {
    ChargeStatus.SUCCEEDED: {
        ChargeStatus.REFUND_PENDING,
        ChargeStatus.REFUNDED,
        ChargeStatus.REFUND_FAILED,
    },
    ChargeStatus.CANCELED: set[ChargeStatus](),
}
"""Where a charge may go from a state that it does not simply go on from."""


class Protocol(RuleBasedStateMachine):
    """What users, machines and misfortune do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self._before: dict[str, Charge] = {}
        self._final: dict[str, OrderStatus] = {}

    @initialize(price=PRICE)
    def begin(self, price: int) -> None:
        self.world.sell(price)
        self.world.deliver(self.world.bag[0])

    @rule(price=PRICE)
    @precondition(lambda self: len(self.world.tickets) < 2)
    def sell(self, price: int) -> None:
        self.world.sell(price)

    @rule(pick=PICK, price=PRICE)
    def edit(self, pick: int, price: int) -> None:
        self.world.edit(self._one(self.world.tickets, pick), price)

    @rule(pick=PICK)
    def order(self, pick: int) -> None:
        wanted = self.world.want(self._one(self.world.tickets, pick))
        if wanted is not None:
            self.world.reserve(wanted)

    @rule(pick=PICK, gives_up=st.booleans())
    def order_at_once(self, pick: int, *, gives_up: bool) -> None:
        """Two who have both seen the ticket free; the first may be gone before the second."""
        ticket_id = self._one(self.world.tickets, pick)
        for wanted in [self.world.want(ticket_id), self.world.want(ticket_id)]:
            if wanted is not None:
                self.world.reserve(wanted)
                if gives_up and wanted.after.id in self.world.orders:
                    self.world.cancel(wanted.after.id)

    @rule(pick=PICK)
    @precondition(lambda self: self.world.orders)
    def cancel(self, pick: int) -> None:
        self.world.cancel(self._one(self.world.orders, pick))

    @rule(pick=PICK, card=st.sampled_from(CardKind))
    @precondition(lambda self: self.world.payable)
    def pay(self, pick: int, card: CardKind) -> None:
        self.world.pay(self._one(self.world.payable, pick), card)

    @rule(pick=PICK, again=st.booleans())
    @precondition(lambda self: self.world.attempts)
    def confirm(self, pick: int, *, again: bool) -> None:
        attempt = self.world.attempts[pick % len(self.world.attempts)]
        self.world.confirm(attempt)
        if not again:
            self.world.attempts.remove(attempt)

    @rule(pick=PICK)
    @precondition(lambda self: self.world.attempts)
    def give_an_attempt_up(self, pick: int) -> None:
        """Its answer did not come, whether Stripe got it or not; it may still get it."""
        self.world.let_go(self.world.attempts[pick % len(self.world.attempts)])

    @rule(pick=PICK, well=st.booleans())
    @precondition(lambda self: self.world.bank.intents)
    def ask_the_bank(self, pick: int, *, well: bool) -> None:
        self.world.bank.authenticate(self._one(self.world.bank.intents, pick), well=well)

    @rule(pick=PICK, again=st.booleans())
    @precondition(lambda self: self.world.answers)
    def hear(self, pick: int, *, again: bool) -> None:
        answer = self.world.answers[pick % len(self.world.answers)]
        self.world.hear(answer)
        if not again:
            self.world.answers.remove(answer)

    @rule(pick=PICK)
    @precondition(lambda self: self.world.charges)
    def look(self, pick: int) -> None:
        self.world.look(self._charge(pick).order_id)

    @rule()
    def crash_payments(self) -> None:
        self.world.crash_payments()

    @rule(pick=PICK, again=st.booleans())
    @precondition(lambda self: self.world.bag)
    def deliver(self, pick: int, *, again: bool) -> None:
        event = self.world.bag[pick % len(self.world.bag)]
        self.world.deliver(event)
        if not again:
            self.world.bag.remove(event)

    @rule(seconds=st.sampled_from([1, 20, 31, 61]))
    def wait(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(pick=PICK)
    @precondition(lambda self: self.world.deadlines)
    def ring(self, pick: int) -> None:
        self.world.ring(self._one(self.world.deadlines, pick))

    # The usual ways, each in one step, so that the unusual that comes after them is found.

    @rule(pick=PICK)
    def order_and_be_heard(self, pick: int) -> None:
        self.order(pick)
        for event in list(self.world.bag):
            if isinstance(event, OrderCreated):
                self.world.deliver(event)

    @rule(pick=PICK, card=st.sampled_from(CardKind))
    @precondition(lambda self: self.world.payable)
    def pay_and_be_answered(self, pick: int, card: CardKind) -> None:
        self.pay(pick, card)
        if self.world.attempts:
            self.world.confirm(self.world.attempts.pop())
            self.world.hear(self.world.answers.pop())

    @rule(pick=PICK)
    def buy(self, pick: int) -> None:
        self.order_and_be_heard(pick)
        if self.world.payable:
            self.pay_and_be_answered(-1, CardKind.GOOD)
            for event in list(self.world.bag):
                if isinstance(event, PaymentCreated):
                    self.world.deliver(event)

    @rule(pick=PICK, early=st.booleans())
    def give_up_while_paying(self, pick: int, *, early: bool) -> None:
        """Payments hears of the end before it hears of the money, whichever was first."""
        self.order_and_be_heard(pick)
        if not self.world.payable:
            return
        self.pay(-1, CardKind.GOOD)
        if early and self.world.attempts:
            self.confirm(-1, again=False)
        self.world.cancel(list(self.world.orders)[-1])
        for event in list(self.world.bag):
            if isinstance(event, OrderCancelled):
                self.world.deliver(event)

    @rule(pick=PICK)
    @precondition(lambda self: self.world.deadlines)
    def run_out(self, pick: int) -> None:
        deadline = self.world.deadlines[self._one(self.world.deadlines, pick)]
        self.world.now = max(self.world.now, deadline.expires_at)
        self.world.ring(deadline.id)

    @rule(late=st.booleans())
    @precondition(lambda self: self.world.bag)
    def deliver_one_end_of_the_bag(self, *, late: bool) -> None:
        self.world.deliver(self.world.bag.pop(-1 if late else 0))

    @invariant()
    def one_live_order_per_ticket(self) -> None:
        for ticket_id in self.world.tickets:
            on_it = [o for o in self.world.orders.values() if o.ticket.id == ticket_id]
            assert sum(order.live for order in on_it) <= 1
            assert len({order.ticket.hold for order in on_it}) == len(on_it)

    @invariant()
    def money_is_taken_once_and_never_given_back_for_a_complete_order(self) -> None:
        assert all(times == 1 for times in self.world.bank.taken.values())
        for order in self.world.orders.values():
            if order.status is OrderStatus.COMPLETE:
                assert self.world.bank.taken.get(order.id) == 1
                assert order.id not in self.world.bank.refunds

    @invariant()
    def what_is_final_stays(self) -> None:
        for order in self.world.orders.values():
            if order.status in {OrderStatus.COMPLETE, OrderStatus.CANCELLED}:
                assert self._final.setdefault(order.id, order.status) is order.status

    @invariant()
    def a_charge_never_steps_back(self) -> None:
        for charge in self.world.charges.values():
            before = self._before.get(charge.id, charge)
            if before.status in GONE_ON and before.status is not charge.status:
                assert charge.status in GONE_ON[before.status]
            self._before[charge.id] = charge

    @invariant()
    def every_version_is_told_once(self) -> None:
        world = self.world
        told = {
            "ticket": world.tickets,
            "order": world.orders,
            "payment": world.charges,
        }
        for stream, things in told.items():
            for thing in things.values():
                for version in range(thing.version + 1):
                    assert world.told[stream, thing.id, version] == 1

    def teardown(self) -> None:
        """Let time go by and every message arrive; then everything must fit together."""
        self.world.now += LATER
        for _ in range(60):
            if not self._settle():
                break
        else:
            raise AssertionError("it never comes to rest")
        for order in self.world.orders.values():
            self._money_fits(order.id, order.status)
            deadline = self.world.deadlines[order.id]
            assert deadline.status is not Status.WAITING
        for ticket in self.world.tickets.values():
            last = self.world.last_on(ticket.id)
            sold = last is not None and last.status is OrderStatus.COMPLETE
            assert ticket.status is (TicketStatus.SOLD if sold else TicketStatus.AVAILABLE)
            assert ticket.order_id == (last.id if sold and last else None)
            assert self.world.for_sale[ticket.id].version == ticket.version

    def _settle(self) -> bool:
        """Deliver all, last first, and look at all; tell whether anything changed."""
        world = self.world
        before = (dict(world.tickets), dict(world.orders), dict(world.charges))
        while world.bag:
            world.deliver(world.bag.pop())
        for deadline in list(world.deadlines):
            world.ring(deadline)
        for attempt in world.attempts:
            world.confirm(attempt)
        world.attempts.clear()
        while world.answers:
            world.hear(world.answers.pop())
        for charge in list(world.charges.values()):
            world.look(charge.order_id)
        after = (world.tickets, world.orders, world.charges)
        return before != after or bool(world.bag or world.answers)

    def _money_fits(self, order_id: str, status: OrderStatus) -> None:
        charge = self.world.charges.get(charge_id_of(order_id))
        taken = self.world.bank.taken.get(order_id, 0)
        if status is OrderStatus.COMPLETE:
            assert charge is not None
            assert charge.status is ChargeStatus.SUCCEEDED
            assert charge.amount == self.world.orders[order_id].ticket.price
            return
        assert status is OrderStatus.CANCELLED
        if taken:
            assert charge is not None
            assert charge.status is ChargeStatus.REFUNDED
            assert charge.stripe_refund_id == self.world.bank.refunds[order_id].id
        elif charge is not None:
            assert charge.status is ChargeStatus.CANCELED

    @staticmethod
    def _one(things: Mapping[str, object], pick: int) -> str:
        return list(things)[pick % len(things)]

    def _charge(self, pick: int) -> Charge:
        charges = list(self.world.charges.values())
        return charges[pick % len(charges)]


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "300")),
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
