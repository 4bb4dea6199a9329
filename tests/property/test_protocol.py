"""State-machine test of orders, ticket locks and payments in random interleavings.

The rules are the services' own; stores, bus and Stripe are models. `MODEL_EXAMPLES` and
`MODEL_STEPS` set the length of the search.
"""

import os
from collections.abc import Mapping
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from common.events import (
    ChargeStatus,
    OrderCancelled,
    OrderCreated,
    OrderStatus,
    Outcome,
    PaymentCreated,
    TicketStatus,
)
from expiration.domain import Status
from orders.domain.order import UNPAID_STATUSES
from payments.domain.charge import Charge, charge_id_of
from property.fake_stripe import CardKind
from property.model import WINDOW, Model

PICK = st.integers(0, 10_000)
PRICE = st.integers(50, 60)
ORDER_LIMIT = 2
SLOT = st.integers(0, ORDER_LIMIT - 1)
SETTLE_TIME = WINDOW + timedelta(seconds=120)
ALLOWED_TRANSITIONS = {
    ChargeStatus.SUCCEEDED: {
        ChargeStatus.REFUND_PENDING,
        ChargeStatus.REFUNDED,
        ChargeStatus.REFUND_FAILED,
    },
    ChargeStatus.CANCELED: set[ChargeStatus](),
}
"""The statuses that may follow a status in which a payment has ended."""


class Protocol(RuleBasedStateMachine):
    """Actions of users and services, and failures, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self._previous_charges: dict[str, Charge] = {}
        self._final_statuses: dict[str, OrderStatus] = {}

    @initialize(price=PRICE)
    def begin(self, price: int) -> None:
        self.model.sell(price)
        self.model.deliver(self.model.in_flight_events[0])

    @rule(price=PRICE)
    @precondition(lambda self: len(self.model.tickets) < 2)
    def sell(self, price: int) -> None:
        self.model.sell(price)

    @rule(pick=PICK, price=PRICE)
    def edit(self, pick: int, price: int) -> None:
        self.model.edit(self._pick_key(self.model.tickets, pick), price)

    @rule(pick=PICK)
    def upload(self, pick: int) -> None:
        self.model.upload(self._pick_key(self.model.tickets, pick))

    @rule(pick=PICK)
    def freeze(self, pick: int) -> None:
        self.model.freeze(self._pick_key(self.model.tickets, pick))

    @rule(pick=PICK)
    def clear(self, pick: int) -> None:
        self.model.clear(self._pick_key(self.model.tickets, pick))

    @rule()
    @precondition(lambda self: len(self.model.tickets) > 1)
    def withdraw(self) -> None:
        """Withdraw the second ticket. The first stays on sale, so that orders continue."""
        self.model.withdraw(list(self.model.tickets)[1])

    @rule()
    @precondition(lambda self: len(self.model.tickets) > 1)
    def cancel_show(self) -> None:
        self.model.cancel_show(list(self.model.tickets)[1])

    @rule(pick=PICK, price=st.none() | PRICE, slot=SLOT)
    def order(self, pick: int, price: int | None = None, slot: int = 0) -> None:
        ticket_id = self._pick_key(self.model.tickets, pick)
        change = self.model.decide_order(ticket_id, price=price, slot=slot)
        if change is not None:
            assert price in {None, change.after.ticket.price}
            listed = self.model.listed_tickets[ticket_id]
            assert not listed.withdrawn
            assert not listed.show_cancelled
            assert not (listed.frozen_until and listed.frozen_until > self.model.now)
            self.model.insert_order(change)

    @rule(pick=PICK, cancel_first=st.booleans())
    def order_concurrently(self, pick: int, *, cancel_first: bool) -> None:
        """Order twice from the same state; the first order may be cancelled before the second."""
        ticket_id = self._pick_key(self.model.tickets, pick)
        for change in [self.model.decide_order(ticket_id, slot=slot) for slot in (0, 1)]:
            if change is not None:
                self.model.insert_order(change)
                if cancel_first and change.after.id in self.model.orders:
                    self.model.cancel(change.after.id)

    @rule(pick=PICK)
    @precondition(lambda self: self.model.orders)
    def cancel(self, pick: int) -> None:
        self.model.cancel(self._pick_key(self.model.orders, pick))

    @rule(pick=PICK, card=st.sampled_from(CardKind))
    @precondition(lambda self: self.model.order_replicas)
    def pay(self, pick: int, card: CardKind) -> None:
        self.model.pay(self._pick_key(self.model.order_replicas, pick), card)

    @rule(pick=PICK, redeliver=st.booleans())
    @precondition(lambda self: self.model.attempts)
    def confirm(self, pick: int, *, redeliver: bool) -> None:
        attempt = self.model.attempts[pick % len(self.model.attempts)]
        self.model.confirm(attempt)
        if not redeliver:
            self.model.attempts.remove(attempt)

    @rule()
    @precondition(lambda self: self.model.deferred)
    def sweep(self) -> None:
        self.model.sweep()

    @rule(pick=PICK)
    @precondition(lambda self: self.model.attempts)
    def release_attempt(self, pick: int) -> None:
        """Time out; the confirm call may still reach Stripe."""
        self.model.release_attempt(self.model.attempts[pick % len(self.model.attempts)])

    @rule(pick=PICK, approved=st.booleans())
    @precondition(lambda self: self.model.stripe.intents)
    def answer_challenge(self, pick: int, *, approved: bool) -> None:
        self.model.stripe.authenticate(
            self._pick_key(self.model.stripe.intents, pick), approved=approved
        )

    @rule(pick=PICK, redeliver=st.booleans())
    @precondition(lambda self: self.model.stripe_responses)
    def apply_response(self, pick: int, *, redeliver: bool) -> None:
        response = self.model.stripe_responses[pick % len(self.model.stripe_responses)]
        self.model.apply_response(response)
        if not redeliver:
            self.model.stripe_responses.remove(response)

    @rule(pick=PICK)
    @precondition(lambda self: self.model.charges)
    def reconcile(self, pick: int) -> None:
        self.model.reconcile(self._charge(pick).order_id)

    @rule()
    def crash_payments(self) -> None:
        self.model.crash_payments()

    @rule(pick=PICK, redeliver=st.booleans())
    @precondition(lambda self: self.model.in_flight_events)
    def deliver(self, pick: int, *, redeliver: bool) -> None:
        event = self.model.in_flight_events[pick % len(self.model.in_flight_events)]
        self.model.deliver(event)
        if not redeliver:
            self.model.in_flight_events.remove(event)

    @rule(seconds=st.sampled_from([1, 20, 31, 61]))
    def wait(self, seconds: int) -> None:
        self.model.now += timedelta(seconds=seconds)

    @rule(pick=PICK)
    @precondition(lambda self: self.model.deadlines)
    def run_timer(self, pick: int) -> None:
        self.model.run_timer(self._pick_key(self.model.deadlines, pick))

    # Common sequences in one step each, so that the search reaches what may follow them.

    @rule(pick=PICK, slot=SLOT)
    def order_and_deliver(self, pick: int, slot: int = 0) -> None:
        self.order(pick, slot=slot)
        for event in list(self.model.in_flight_events):
            if isinstance(event, OrderCreated):
                self.model.deliver(event)

    @rule(pick=PICK, card=st.sampled_from(CardKind))
    @precondition(lambda self: self.model.order_replicas)
    def pay_and_apply_response(self, pick: int, card: CardKind) -> None:
        self.pay(pick, card)
        if self.model.attempts:
            self.model.confirm(self.model.attempts.pop())
            self.model.apply_response(self.model.stripe_responses.pop())

    @rule(pick=PICK)
    def buy(self, pick: int) -> None:
        self.order_and_deliver(pick)
        if self.model.order_replicas:
            self.pay_and_apply_response(-1, CardKind.GOOD)
            for event in list(self.model.in_flight_events):
                if isinstance(event, PaymentCreated):
                    self.model.deliver(event)

    @rule(pick=PICK, early=st.booleans())
    def cancel_while_paying(self, pick: int, *, early: bool) -> None:
        """Deliver the cancellation before the confirm response, whichever was first."""
        self.order_and_deliver(pick)
        if not self.model.order_replicas:
            return
        self.pay(-1, CardKind.GOOD)
        if early and self.model.attempts:
            self.confirm(-1, redeliver=False)
        self.model.cancel(list(self.model.orders)[-1])
        for event in list(self.model.in_flight_events):
            if isinstance(event, OrderCancelled):
                self.model.deliver(event)

    @rule(pick=PICK)
    @precondition(lambda self: self.model.deadlines)
    def expire_order(self, pick: int) -> None:
        deadline = self.model.deadlines[self._pick_key(self.model.deadlines, pick)]
        self.model.now = max(self.model.now, deadline.expires_at)
        self.model.run_timer(deadline.id)

    @rule(last=st.booleans())
    @precondition(lambda self: self.model.in_flight_events)
    def deliver_first_or_last(self, *, last: bool) -> None:
        self.model.deliver(self.model.in_flight_events.pop(-1 if last else 0))

    @invariant()
    def one_live_order_per_ticket(self) -> None:
        for ticket_id in self.model.tickets:
            orders = [o for o in self.model.orders.values() if o.ticket.id == ticket_id]
            assert sum(order.is_live for order in orders) <= 1
            assert len({order.ticket.hold for order in orders}) == len(orders)

    @invariant()
    def no_buyer_has_more_unpaid_orders_than_the_limit(self) -> None:
        unpaid = [o for o in self.model.orders.values() if o.status in UNPAID_STATUSES]
        assert len(unpaid) <= ORDER_LIMIT

    @invariant()
    def ticket_has_the_price_of_its_order_or_of_the_last_edit(self) -> None:
        for ticket in self.model.tickets.values():
            offered = self.model.offered_prices[ticket.id]
            if ticket.order_id is None:
                assert ticket.price == offered
            else:
                assert ticket.price == self.model.orders[ticket.order_id].ticket.price
                assert (ticket.late_edit or ticket).price == offered

    @invariant()
    def held_ticket_has_the_original_that_its_order_pinned(self) -> None:
        for ticket in self.model.tickets.values():
            originals = self.model.originals.get(ticket.id)
            if not originals:
                assert ticket.vault is None
                continue
            order = self.model.orders.get(ticket.order_id or "")
            pinned = order and order.ticket.protection
            expected = pinned or originals[-1].protection
            assert ticket.protection == expected
            assert (ticket.late_vault or ticket.vault) == originals[-1]

    @invariant()
    def accepted_withdrawal_stands_unless_the_ticket_is_sold(self) -> None:
        for ticket_id, ticket in self.model.tickets.items():
            is_withdrawn = ticket_id in self.model.withdrawn_tickets
            assert ticket.withdrawn == (is_withdrawn and ticket.status is TicketStatus.AVAILABLE)
            assert ticket.withdrawing == (is_withdrawn and ticket.status is TicketStatus.RESERVED)

    @invariant()
    def complete_order_is_charged_once_and_never_refunded(self) -> None:
        assert all(times == 1 for times in self.model.stripe.charge_counts.values())
        for order in self.model.orders.values():
            if order.status is OrderStatus.COMPLETE:
                assert self.model.stripe.charge_counts.get(order.id) == 1
                assert order.id not in self.model.stripe.refunds

    @invariant()
    def final_status_never_changes(self) -> None:
        for order in self.model.orders.values():
            if order.status in {OrderStatus.COMPLETE, OrderStatus.CANCELLED}:
                assert self._final_statuses.setdefault(order.id, order.status) is order.status

    @invariant()
    def charge_status_never_regresses(self) -> None:
        for charge in self.model.charges.values():
            previous = self._previous_charges.get(charge.id, charge)
            if previous.status in ALLOWED_TRANSITIONS and previous.status is not charge.status:
                assert charge.status in ALLOWED_TRANSITIONS[previous.status]
            self._previous_charges[charge.id] = charge

    @invariant()
    def every_version_is_published_once(self) -> None:
        """The first version of a charge is, unless another one followed while it was brief."""
        model = self.model
        aggregates = {
            "ticket": model.tickets,
            "order": model.orders,
            "payment": model.charges,
        }
        for stream, by_id in aggregates.items():
            for aggregate in by_id.values():
                for version in range(stream == "payment", aggregate.version + 1):
                    assert model.published[stream, aggregate.id, version] == 1
        for charge in model.charges.values():
            times = model.published["payment", charge.id, 0]
            is_deferred = charge.id in model.deferred
            assert times + is_deferred == 1 if charge.version == 0 else times <= 1

    def teardown(self) -> None:
        """Deliver every message, wait until every deadline has passed, and check the result."""
        self.model.now += SETTLE_TIME
        for _ in range(60):
            if not self._deliver_everything():
                break
        else:
            raise AssertionError("the system does not settle")
        for order in self.model.orders.values():
            self._check_payment(order.id, order.status)
            deadline = self.model.deadlines[order.id]
            assert deadline.status is not Status.WAITING
        for ticket in self.model.tickets.values():
            last = self.model.latest_order_for(ticket.id)
            sold = last is not None and last.status is OrderStatus.COMPLETE
            assert ticket.status is (TicketStatus.SOLD if sold else TicketStatus.AVAILABLE)
            assert ticket.order_id == (last.id if sold and last else None)
            listed = self.model.listed_tickets[ticket.id]
            assert listed.version == ticket.version
            assert listed.price == self.model.offered_prices[ticket.id]
            assert listed.withdrawn == ticket.withdrawn
            assert listed.protection == ticket.protection
            assert listed.frozen_until == ticket.frozen_until
            is_returning = sold and last is not None and last.outcome is Outcome.RETURNING
            assert is_returning == (sold and listed.show_cancelled)

    def _deliver_everything(self) -> bool:
        """Deliver everything, last first, and sync all charges. Return whether anything changed."""
        model = self.model
        before = (dict(model.tickets), dict(model.orders), dict(model.charges))
        model.sweep()
        while model.in_flight_events:
            model.deliver(model.in_flight_events.pop())
        for deadline in list(model.deadlines):
            model.run_timer(deadline)
        for attempt in model.attempts:
            model.confirm(attempt)
        model.attempts.clear()
        while model.stripe_responses:
            model.apply_response(model.stripe_responses.pop())
        for charge in list(model.charges.values()):
            model.reconcile(charge.order_id)
        after = (model.tickets, model.orders, model.charges)
        return before != after or bool(model.in_flight_events or model.stripe_responses)

    def _check_payment(self, order_id: str, status: OrderStatus) -> None:
        charge = self.model.charges.get(charge_id_of(order_id))
        charge_count = self.model.stripe.charge_counts.get(order_id, 0)
        if status is OrderStatus.COMPLETE:
            assert charge is not None
            assert charge.status is ChargeStatus.SUCCEEDED
            assert charge.amount == self.model.orders[order_id].ticket.price
            return
        assert status is OrderStatus.CANCELLED
        if charge_count:
            assert charge is not None
            assert charge.status is ChargeStatus.REFUNDED
            assert charge.stripe_refund_id == self.model.stripe.refunds[order_id].id
        elif charge is not None:
            assert charge.status is ChargeStatus.CANCELED

    @staticmethod
    def _pick_key(collection: Mapping[str, object], pick: int) -> str:
        return list(collection)[pick % len(collection)]

    def _charge(self, pick: int) -> Charge:
        charges = list(self.model.charges.values())
        return charges[pick % len(charges)]


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "150")),
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "50")),
)
