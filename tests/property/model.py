"""The services' own rules around a bag of messages: no store, no bus, no clock but these.

Whatever was committed puts its event in the bag. From there it is delivered in any order, never
lost, and possibly again and again: what the outbox and JetStream promise.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.change import Change
from common.errors import Failure
from common.events import (
    ChargeStatus,
    Event,
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
    PaymentCreated,
    PaymentFailed,
    PaymentUpdated,
    TicketCreated,
    TicketUpdated,
)
from expiration.domain import Deadline, heard_of
from orders.domain import ForSale, Order, placed
from payments import domain as payments
from payments.stripe.models import Intent
from property.fake_stripe import Bank, CardKind
from tickets.domain import Fence, Ticket, listed

WINDOW: Final = timedelta(seconds=60)
SELLER: Final = "5" * 24
BUYER: Final = "b" * 24
RULES: Final = payments.Rules(attempts=3)
OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


@dataclass(frozen=True)
class Attempt:
    """A process that is at work on a payment."""

    order_id: str
    n: int
    card: CardKind


@dataclass(frozen=True)
class Answer:
    """What Stripe has said, on its way to whoever asked: an attempt, or somebody just looking."""

    order_id: str
    intent: Intent
    asked_at: int
    own: bool


class World:
    """All that the five services know, and the messages on their way."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.bank = Bank()
        self.tickets: dict[str, Ticket] = {}
        self.orders: dict[str, Order] = {}
        self.for_sale: dict[str, ForSale] = {}
        self.deadlines: dict[str, Deadline] = {}
        self.payable: dict[str, tuple[int, payments.Order]] = {}
        self.charges: dict[str, payments.Charge] = {}
        self.bag: list[Event] = []
        self.attempts: list[Attempt] = []
        self.answers: list[Answer] = []
        self.told: Counter[tuple[str, str, int]] = Counter()
        self._ids = 0

    def new_id(self) -> str:
        """Make an id."""
        self._ids += 1
        return f"{self._ids:024x}"

    def _commit(self, place: dict[str, Any], change: Change[Any]) -> None:
        """Store what a rule decided, if anything, and its event with it."""
        after = change.after
        before = place.get(after.id)
        if after == before:
            assert not change.events, "an event of nothing"
            return
        assert after.version == (0 if before is None else before.version + 1)
        place[after.id] = after
        self.bag += change.events
        for event in change.events:
            stream = event.subject.partition(".")[0]
            self.told[stream, after.id, after.version] += 1

    # What people do.

    def sell(self, price: int) -> None:
        """List a ticket."""
        ticket = listed(
            ticket_id=self.new_id(), title="Row 1", price=price, by=SELLER, now=self.now
        )
        self._commit(self.tickets, ticket)

    def edit(self, ticket_id: str, price: int) -> None:
        """Change a ticket's price, where that is allowed."""
        try:
            change = self.tickets[ticket_id].edit(by=SELLER, title="Row 1", price=price)
        except Failure:
            return
        self._commit(self.tickets, change)

    def last_on(self, ticket_id: str) -> Order | None:
        """Give the last order placed on a ticket."""
        on_it = [order for order in self.orders.values() if order.ticket.id == ticket_id]
        return max(on_it, key=lambda order: order.ticket.hold, default=None)

    def want(self, ticket_id: str) -> Change[Order] | None:
        """Decide to order, from what is known at this moment."""
        if ticket_id not in self.for_sale:
            return None
        try:
            return placed(
                order_id=self.new_id(),
                ticket=self.for_sale[ticket_id],
                last=self.last_on(ticket_id),
                by=BUYER,
                now=self.now,
                window=WINDOW,
            )
        except Failure:
            return None

    def reserve(self, change: Change[Order]) -> None:
        """Insert the order, as far as the two unique indexes let it in."""
        wanted = change.after.ticket
        for order in self.orders.values():
            if order.ticket.id == wanted.id and (order.live or order.ticket.hold == wanted.hold):
                return
        self._commit(self.orders, change)

    def cancel(self, order_id: str) -> None:
        """Give an order up, where that is allowed."""
        try:
            self._commit(self.orders, self.orders[order_id].cancel(by=BUYER))
        except Failure:
            return

    def pay(self, order_id: str, card: CardKind) -> None:
        """Begin an attempt, where that is allowed."""
        if order_id not in self.payable:
            return
        order = self.payable[order_id][1]
        charge = self._charge_of(order_id)
        try:
            if charge is None:
                order.refuse_unless_payable(self.now, RULES.margin)
                intent = self.bank.create(order_id)
                charge = payments.charge_of(order, intent_id=intent.id, now=self.now)
            claim = charge.claim(order, digest="", by="me", now=self.now, rules=RULES)
        except Failure:
            return
        self._commit(self.charges, claim)
        self.attempts.append(Attempt(order_id, len(claim.after.attempts), card))

    # What machines do.

    def confirm(self, attempt: Attempt) -> None:
        """Let an attempt reach Stripe, and its answer set out."""
        intent = self.bank.confirm(attempt.order_id, attempt.n, attempt.card)
        self.answers.append(Answer(attempt.order_id, intent, attempt.n, own=True))

    def let_go(self, attempt: Attempt) -> None:
        """End an attempt whose answer did not come in time."""
        charge = self._must(attempt.order_id)
        self._commit(self.charges, charge.let_go(attempt.n, self.now))

    def look(self, order_id: str) -> None:
        """Have somebody ask Stripe, for a webhook or in a round of the reconciler."""
        charge = self._follow_replica(self._must(order_id))
        if charge.unsettled:
            ask = self.bank.cancel if charge.order_cancelled else self.bank.intents.__getitem__
            asked_at = len(charge.attempts)
            self.answers.append(Answer(order_id, ask(order_id), asked_at, own=False))
        if charge.giving_back:
            refund = self.bank.refund(order_id)
            self._commit(self.charges, charge.observe_refund(refund, self.now))

    def hear(self, answer: Answer) -> None:
        """Write down what Stripe has said, however long ago."""
        charge = self._must(answer.order_id)
        observed = charge.observe(
            answer.intent, asked_at=answer.asked_at, own=answer.own, now=self.now, rules=RULES
        )
        self._commit(self.charges, observed)

    def ring(self, order_id: str) -> None:
        """Let an alarm or the sweep look at a deadline."""
        self._commit(self.deadlines, self.deadlines[order_id].fire(self.now))

    def crash_payments(self) -> None:
        """Forget every attempt and every answer on its way."""
        self.attempts.clear()
        self.answers.clear()

    def deliver(self, event: Event) -> None:
        """Let every service that hears an event handle it."""
        match event:
            case TicketCreated() | TicketUpdated():
                self._keep_for_sale(event)
            case OrderCreated() | OrderUpdated() | OrderCancelled() | OrderCompleted():
                self._follow_in_tickets(event)
                self._follow_in_expiration(event)
                self._follow_in_payments(event)
            case ExpirationCompleted():
                self._commit(self.orders, self.orders[event.order_id].expire())
            case PaymentCreated():
                self._commit(self.orders, self.orders[event.order_id].complete())
            case PaymentFailed():
                order = self.orders[event.order_id]
                self._commit(self.orders, order.fail() if event.final else order.await_payment())
            case PaymentUpdated():
                if event.status == ChargeStatus.REQUIRES_ACTION:
                    self._commit(self.orders, self.orders[event.order_id].await_payment())
            case _:
                pass

    def _keep_for_sale(self, event: TicketCreated | TicketUpdated) -> None:
        known = self.for_sale.get(event.id)
        if known is None or known.version < event.version:
            self.for_sale[event.id] = ForSale(
                event.id, event.version, event.title, event.price, event.user_id
            )

    def _follow_in_tickets(self, event: OrderEvent) -> None:
        fence = Fence(event.ticket.hold, event.version)
        ticket = self.tickets[event.ticket.id]
        self._commit(self.tickets, ticket.follow(event.id, event.status, fence))

    def _follow_in_expiration(self, event: OrderEvent) -> None:
        at, version = event.expires_at, event.version
        known = self.deadlines.get(event.id)
        self._commit(
            self.deadlines,
            heard_of(event.id, event.status, expires_at=at, order_version=version)
            if known is None
            else known.follow(event.status, expires_at=at, order_version=version),
        )

    def _follow_in_payments(self, event: OrderEvent) -> None:
        known = self.payable.get(event.id)
        if known is None or known[0] < event.version:
            order = payments.Order(
                event.id, event.user_id, event.ticket.price, event.status, event.expires_at
            )
            self.payable[event.id] = (event.version, order)
        charge = self._charge_of(event.id)
        if event.status is OrderStatus.CANCELLED and charge is not None:
            self._commit(self.charges, charge.cancel_order(self.now))

    def _follow_replica(self, charge: payments.Charge) -> payments.Charge:
        _, order = self.payable[charge.order_id]
        if order.status is OrderStatus.CANCELLED and not charge.order_cancelled:
            self._commit(self.charges, charge.cancel_order(self.now))
        return self._must(charge.order_id)

    def _charge_of(self, order_id: str) -> payments.Charge | None:
        return self.charges.get(payments.charge_id_of(order_id))

    def _must(self, order_id: str) -> payments.Charge:
        charge = self._charge_of(order_id)
        assert charge is not None
        return charge
