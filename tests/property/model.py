"""A model of the system: the services' own rules, with a fake store, bus, clock and Stripe.

Every committed change adds its events to `in_flight_events`. They are delivered in any order, never
lost, and possibly more than once, as the outbox and JetStream guarantee.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from common.change import Change
from common.errors import ApiError
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
from common.protection import Protection, ProtectionGrade
from common.shows import ShowCategory, ShowFacts, Venue
from expiration.domain import Deadline, new_deadline
from orders.domain.order import UNPAID_STATUSES, Order, place_order
from orders.domain.ticket import ListedTicket, SeenTicket
from payments.domain.charge import Charge, charge_id_of, new_charge
from payments.domain.order import Order as PayableOrder
from payments.domain.order import PaymentPolicy
from payments.domain.stripe_objects import Intent
from property.fake_stripe import CardKind, FakeStripe
from tickets.domain.listing_again import clear, freeze
from tickets.domain.ticket import (
    MAX_REPLACED,
    Fence,
    Listing,
    Ticket,
    VaultCopy,
    list_ticket,
)

SHOW: Final = ShowFacts(
    id="9" * 24,
    version=0,
    name="Nina Simone",
    starts_at=datetime(2031, 1, 1, tzinfo=UTC),
    ends_at=datetime(2031, 1, 2, tzinfo=UTC),
    time_zone="UTC",
    venue=Venue(name="Tempodrom", city="Berlin", country="DE"),
    category=ShowCategory.CONCERT,
)
WINDOW: Final = timedelta(seconds=60)
FREEZE: Final = timedelta(seconds=90)
"""Longer than the window, and short enough to end within a search."""
SELLER: Final = "5" * 24
BUYER: Final = "b" * 24
POLICY: Final = PaymentPolicy(max_attempts=3)
OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


@dataclass(frozen=True)
class Attempt:
    """A claimed attempt whose confirm call has not reached Stripe."""

    order_id: str
    number: int
    card: CardKind


@dataclass(frozen=True)
class StripeResponse:
    """A response of Stripe that has not arrived: to a confirm call or to a read."""

    order_id: str
    intent: Intent
    attempts_when_read: int
    is_own_confirm: bool


class Model:
    """The state of the five services, and the messages in flight."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.stripe = FakeStripe()
        self.tickets: dict[str, Ticket] = {}
        self.offered_prices: dict[str, int] = {}
        """The price of each ticket in its seller's last accepted edit."""
        self.originals: dict[str, list[VaultCopy]] = {}
        """The originals of each ticket that its seller has uploaded, the latest last."""
        self.withdrawn_tickets: set[str] = set()
        """The tickets whose withdrawal was accepted."""
        self.orders: dict[str, Order] = {}
        self.listed_tickets: dict[str, ListedTicket] = {}
        self.deadlines: dict[str, Deadline] = {}
        self.order_replicas: dict[str, tuple[int, PayableOrder]] = {}
        self.charges: dict[str, Charge] = {}
        self.in_flight_events: list[Event] = []
        self.attempts: list[Attempt] = []
        self.stripe_responses: list[StripeResponse] = []
        self.published: Counter[tuple[str, str, int]] = Counter()
        self.deferred: dict[str, Event] = {}
        """The event of each charge whose first state is brief and not over."""
        self._ids = 0

    def new_id(self) -> str:
        """Return a new id."""
        self._ids += 1
        return f"{self._ids:024x}"

    def _commit(self, collection: dict[str, Any], change: Change[Any]) -> None:
        """Store a change and publish its events."""
        after = change.after
        before = collection.get(after.id)
        if after == before:
            assert not change.events, "an event without a change"
            return
        assert after.version == (0 if before is None else before.version + 1)
        collection[after.id] = after
        self.deferred.pop(after.id, None)  # the update replaces it, if the sweep has not been there
        if isinstance(after, Charge) and after.is_brief:
            (self.deferred[after.id],) = change.events
            return
        for event in change.events:
            self._publish(event, after.id, after.version)

    def _publish(self, event: Event, aggregate_id: str, version: int) -> None:
        self.in_flight_events.append(event)
        stream = event.subject.partition(".")[0]
        self.published[stream, aggregate_id, version] += 1

    # Actions of users.

    def sell(self, price: int) -> None:
        """List a ticket."""
        ticket = list_ticket(
            ticket_id=self.new_id(),
            title="Row 1",
            price=price,
            seller_id=SELLER,
            now=self.now,
            show=SHOW,
        )
        self._commit(self.tickets, ticket)
        self.offered_prices[ticket.after.id] = price

    def edit(self, ticket_id: str, price: int) -> None:
        """Change a ticket's price if that is allowed."""
        try:
            change = self.tickets[ticket_id].edit(user_id=SELLER, title="Row 1", price=price)
        except ApiError:
            return
        self._commit(self.tickets, change)
        self.offered_prices[ticket_id] = price

    def upload(self, ticket_id: str) -> None:
        """Add the original of a ticket, or replace it, if that is allowed."""
        originals = self.originals.setdefault(ticket_id, [])
        if len(originals) > MAX_REPLACED:
            return
        entry_id = self.new_id()
        digest = entry_id.rjust(64, "0")
        vault = VaultCopy(entry_id, Protection(grade=ProtectionGrade.VAULT, digest=digest))
        try:
            change = self.tickets[ticket_id].protect(user_id=SELLER, vault=vault)
        except ApiError:
            return
        self._commit(self.tickets, change)
        originals.append(vault)

    def freeze(self, ticket_id: str) -> None:
        """Freeze a ticket, because another person uploaded its code."""
        until = self.now + FREEZE
        self._commit(self.tickets, freeze(self.tickets[ticket_id], until))

    def clear(self, ticket_id: str) -> None:
        """Clear a ticket, as an operator does."""
        self._commit(self.tickets, clear(self.tickets[ticket_id]))

    def withdraw(self, ticket_id: str) -> None:
        """Withdraw a ticket if that is allowed."""
        try:
            change = self.tickets[ticket_id].withdraw(user_id=SELLER, now=self.now)
        except ApiError:
            return
        self._commit(self.tickets, change)
        self.withdrawn_tickets.add(ticket_id)

    def cancel_show(self, ticket_id: str) -> None:
        """Copy the cancellation of its show to a ticket."""
        cancelled = SHOW.model_copy(update={"version": 1, "cancelled_at": self.now})
        self._commit(self.tickets, self.tickets[ticket_id].refresh_show(cancelled))

    def latest_order_for(self, ticket_id: str) -> Order | None:
        """Return the latest order of a ticket."""
        orders = [order for order in self.orders.values() if order.ticket.id == ticket_id]
        return max(orders, key=lambda order: order.ticket.hold, default=None)

    def decide_order(
        self, ticket_id: str, *, price: int | None = None, slot: int = 0
    ) -> Change[Order] | None:
        """Return the change of a new order, based on the current state."""
        if ticket_id not in self.listed_tickets:
            return None
        try:
            return place_order(
                order_id=self.new_id(),
                ticket=self.listed_tickets[ticket_id],
                latest_order=self.latest_order_for(ticket_id),
                buyer_id=BUYER,
                seen=SeenTicket(price=price),
                slot=slot,
                now=self.now,
                window=WINDOW,
            )
        except ApiError:
            return None

    def insert_order(self, change: Change[Order]) -> None:
        """Insert the order unless one of the three unique indexes rejects it."""
        ticket = change.after.ticket
        for order in self.orders.values():
            if order.status in UNPAID_STATUSES and order.slot == change.after.slot:
                return
            if order.ticket.id == ticket.id and (order.is_live or order.ticket.hold == ticket.hold):
                return
        self._commit(self.orders, change)

    def cancel(self, order_id: str) -> None:
        """Cancel an order if that is allowed."""
        try:
            self._commit(self.orders, self.orders[order_id].cancel(buyer_id=BUYER))
        except ApiError:
            return

    def pay(self, order_id: str, card: CardKind) -> None:
        """Claim an attempt if that is allowed."""
        if order_id not in self.order_replicas:
            return
        order = self.order_replicas[order_id][1]
        charge = self._find_charge(order_id)
        try:
            if charge is None:
                order.ensure_payable(self.now, POLICY.margin)
                intent = self.stripe.create(order_id)
                charge = new_charge(order, intent_id=intent.id, now=self.now)
            claim = charge.claim(order, digest="", owner="me", now=self.now, policy=POLICY)
        except ApiError:
            return
        self._commit(self.charges, claim)
        self.attempts.append(Attempt(order_id, len(claim.after.attempts), card))

    # Actions of the services.

    def confirm(self, attempt: Attempt) -> None:
        """Execute the confirm call of an attempt at Stripe."""
        intent = self.stripe.confirm(attempt.order_id, attempt.number, attempt.card)
        self.stripe_responses.append(
            StripeResponse(attempt.order_id, intent, attempt.number, is_own_confirm=True)
        )

    def sweep(self) -> None:
        """Publish the deferred events."""
        for charge_id, event in self.deferred.items():
            self._publish(event, charge_id, 0)
        self.deferred.clear()

    def release_attempt(self, attempt: Attempt) -> None:
        """Release an attempt after a timeout."""
        charge = self._charge_for(attempt.order_id)
        self._commit(self.charges, charge.release_attempt(attempt.number, self.now))

    def reconcile(self, order_id: str) -> None:
        """Sync a charge, as webhooks and the reconciler do."""
        charge = self._sync_order_cancellation(self._charge_for(order_id))
        if charge.is_open:
            call = self.stripe.cancel if charge.order_cancelled else self.stripe.intents.__getitem__
            attempts_when_read = len(charge.attempts)
            self.stripe_responses.append(
                StripeResponse(order_id, call(order_id), attempts_when_read, is_own_confirm=False)
            )
        if charge.has_refund:
            refund = self.stripe.refund(order_id)
            self._commit(self.charges, charge.apply_refund(refund, self.now))

    def apply_response(self, response: StripeResponse) -> None:
        """Apply a response of Stripe, which may be old."""
        charge = self._charge_for(response.order_id)
        observed = charge.apply_intent(
            response.intent,
            attempts_when_read=response.attempts_when_read,
            is_own_confirm=response.is_own_confirm,
            now=self.now,
            policy=POLICY,
        )
        self._commit(self.charges, observed)

    def run_timer(self, order_id: str) -> None:
        """Expire a deadline if it is due."""
        self._commit(self.deadlines, self.deadlines[order_id].expire(self.now))

    def crash_payments(self) -> None:
        """Lose all attempts and responses in flight."""
        self.attempts.clear()
        self.stripe_responses.clear()

    def deliver(self, event: Event) -> None:
        """Handle an event in every service that consumes it."""
        match event:
            case TicketCreated() | TicketUpdated():
                self._upsert_listed_ticket(event)
            case OrderCreated() | OrderUpdated() | OrderCancelled() | OrderCompleted():
                self._apply_order_to_ticket(event)
                self._apply_order_to_deadline(event)
                self._apply_order_to_payments(event)
            case ExpirationCompleted():
                self._commit(self.orders, self.orders[event.order_id].expire_if_due(self.now))
            case PaymentCreated():
                self._commit(self.orders, self.orders[event.order_id].complete())
            case PaymentFailed():
                order = self.orders[event.order_id]
                self._commit(
                    self.orders,
                    order.fail_payment() if event.final else order.mark_awaiting_payment(),
                )
            case PaymentUpdated():
                if event.status == ChargeStatus.REQUIRES_ACTION:
                    self._commit(self.orders, self.orders[event.order_id].mark_awaiting_payment())
            case _:
                pass

    def _upsert_listed_ticket(self, event: TicketCreated | TicketUpdated) -> None:
        existing = self.listed_tickets.get(event.id)
        if existing is None or existing.version < event.version:
            offered = event.late_edit or event
            self.listed_tickets[event.id] = ListedTicket(
                event.id,
                event.version,
                offered.title,
                offered.price,
                event.user_id,
                withdrawn=bool(event.withdrawn or event.withdrawing),
                show_cancelled=_is_show_cancelled(event),
                protection=event.protection,
                frozen_until=event.frozen_until,
            )
        order = self.latest_order_for(event.id)
        if _is_show_cancelled(event) and order is not None and order.is_live:
            self._commit(self.orders, order.end_for_cancelled_show())

    def _apply_order_to_ticket(self, event: OrderEvent) -> None:
        fence = Fence(event.ticket.hold, event.version)
        ticket = self.tickets[event.ticket.id]
        ordered = Listing(event.ticket.title, event.ticket.price)
        self._commit(
            self.tickets,
            ticket.apply_order(
                event.id,
                event.status,
                fence,
                ordered,
                pinned=event.ticket.protection,
                buyer_id=event.user_id,
                now=self.now,
            ),
        )

    def _apply_order_to_deadline(self, event: OrderEvent) -> None:
        expires_at, version = event.expires_at, event.version
        existing = self.deadlines.get(event.id)
        self._commit(
            self.deadlines,
            new_deadline(event.id, event.status, expires_at=expires_at, order_version=version)
            if existing is None
            else existing.apply_order(event.status, expires_at=expires_at, order_version=version),
        )

    def _apply_order_to_payments(self, event: OrderEvent) -> None:
        existing = self.order_replicas.get(event.id)
        if existing is None or existing[0] < event.version:
            order = PayableOrder(
                event.id, event.user_id, event.ticket.price, event.status, event.expires_at
            )
            self.order_replicas[event.id] = (event.version, order)
        charge = self._find_charge(event.id)
        if event.status is OrderStatus.CANCELLED and charge is not None:
            self._commit(self.charges, charge.mark_order_cancelled(self.now))

    def _sync_order_cancellation(self, charge: Charge) -> Charge:
        _, order = self.order_replicas[charge.order_id]
        if order.status is OrderStatus.CANCELLED and not charge.order_cancelled:
            self._commit(self.charges, charge.mark_order_cancelled(self.now))
        return self._charge_for(charge.order_id)

    def _find_charge(self, order_id: str) -> Charge | None:
        return self.charges.get(charge_id_of(order_id))

    def _charge_for(self, order_id: str) -> Charge:
        charge = self._find_charge(order_id)
        assert charge is not None
        return charge


def _is_show_cancelled(event: TicketCreated | TicketUpdated) -> bool:
    return event.show is not None and event.show.cancelled_at is not None
