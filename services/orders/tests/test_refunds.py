"""Tests of refunds to which seller and buyer agree, and of what the buyer's bank decides."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from common.auth.tokens import User
from common.change import Change
from common.errors import BadRequest, Unauthorized
from common.events import (
    ChargeStatus,
    DisputeFacts,
    DisputeStatus,
    OrderStatus,
    OrderUpdated,
    Outcome,
    PaymentCreated,
    PaymentEvent,
    PaymentRefunded,
    PaymentUpdated,
    ReturnedOriginal,
    TicketCreated,
    TicketReturn,
    TicketStatus,
    TicketUpdated,
)
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.ids import new_id
from orders.domain.order import Order
from orders.domain.refund import (
    REFUND_AGREED,
    TICKET_RESOLD,
    accept_refund,
    agree_to_refund,
    apply_dispute,
    apply_return,
    offer_refund,
    record_refund,
)
from orders.domain.ticket import ReservedTicket

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELLER, BUYER = new_id(), new_id()
PAID = Order(
    id=new_id(),
    version=2,
    status=OrderStatus.COMPLETE,
    user_id=BUYER,
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    ticket=ReservedTicket(new_id(), "Front row", 1999, 1, seller_id=SELLER),
)
OFFERED = replace(PAID, version=3, refund_offered_at=NOW)
AGREED = replace(OFFERED, version=4, refund_agreed_at=NOW)
Step = Callable[[Order], Change[Order]]
STEPS: dict[str, Step] = {
    "offer": lambda order: offer_refund(order, seller_id=SELLER, now=NOW),
    "accept": lambda order: accept_refund(order, buyer_id=BUYER, now=NOW),
    "operator": lambda order: agree_to_refund(order, NOW),
}


def returned(original: ReturnedOriginal = ReturnedOriginal.VOID, hold: int = 1) -> TicketReturn:
    return TicketReturn(hold=hold, original=original)


def dispute(status: DisputeStatus, amount: int = 1999) -> DisputeFacts:
    return DisputeFacts(status=status, amount=amount)


def test_offer_and_acceptance_are_published_with_their_times() -> None:
    offered = STEPS["offer"](PAID)
    accepted = STEPS["accept"](offered.after)

    (event,) = accepted.events
    assert isinstance(event, OrderUpdated)
    assert (event.refund_offered_at, event.refund_agreed_at, event.version) == (NOW, NOW, 4)
    assert event.outcome is None


@pytest.mark.parametrize(("step", "done"), [("offer", OFFERED), ("accept", AGREED)])
def test_repeated_step_changes_nothing(step: str, done: Order) -> None:
    assert STEPS[step](done).after == done
    assert STEPS[step](replace(AGREED, outcome=Outcome.REFUNDED)).events == ()


def test_refund_needs_the_seller_and_the_buyer() -> None:
    with pytest.raises(Unauthorized):
        offer_refund(PAID, seller_id=BUYER, now=NOW)
    with pytest.raises(Unauthorized):
        offer_refund(
            replace(PAID, ticket=replace(PAID.ticket, seller_id=None)), seller_id=SELLER, now=NOW
        )
    with pytest.raises(Unauthorized):
        accept_refund(OFFERED, buyer_id=SELLER, now=NOW)
    with pytest.raises(BadRequest, match="has not offered"):
        STEPS["accept"](PAID)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", [one for one in OrderStatus if one is not OrderStatus.COMPLETE])
def test_refund_of_an_unpaid_order_is_refused(status: OrderStatus, step: str) -> None:
    with pytest.raises(BadRequest):
        STEPS[step](replace(PAID, status=status))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("outcome", Outcome)
def test_refund_of_a_decided_order_is_refused(outcome: Outcome, step: str) -> None:
    order = replace(PAID if step == "offer" else OFFERED, outcome=outcome)

    with pytest.raises(BadRequest, match="decided already"):
        STEPS[step](order)


@pytest.mark.parametrize("original", ReturnedOriginal)
def test_money_goes_back_when_the_original_is_dealt_with(original: ReturnedOriginal) -> None:
    change = apply_return(AGREED, returned(original))

    is_resold = original is ReturnedOriginal.RESOLD
    expected = (Outcome.KEPT, TICKET_RESOLD) if is_resold else (Outcome.RETURNING, REFUND_AGREED)
    assert (change.after.outcome, change.after.detail) == expected
    assert apply_return(change.after, returned(original)).events == ()


@pytest.mark.parametrize(
    ("order", "hold"),
    [
        (PAID, 1),
        (OFFERED, 1),
        (AGREED, 2),
        (replace(AGREED, outcome=Outcome.REFUNDED), 1),
        (replace(AGREED, outcome=Outcome.CHARGED_BACK), 1),
        (replace(PAID, status=OrderStatus.CANCELLED), 1),
    ],
    ids=["no offer", "not accepted", "another order", "refunded", "charged back", "cancelled"],
)
def test_answer_to_what_was_not_asked_changes_nothing(order: Order, hold: int) -> None:
    assert apply_return(order, returned(hold=hold)).after == order


def test_show_that_is_cancelled_returns_the_money_of_a_kept_order() -> None:
    kept = replace(AGREED, outcome=Outcome.KEPT)

    assert kept.end_for_cancelled_show().after.outcome is Outcome.RETURNING


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (DisputeStatus.INQUIRY, (True, None)),
        (DisputeStatus.OPEN, (True, None)),
        (DisputeStatus.WON, (False, None)),
        (DisputeStatus.LOST, (False, Outcome.CHARGED_BACK)),
    ],
)
def test_dispute_is_shown_beside_the_status(
    status: DisputeStatus, shown: tuple[bool, Outcome | None]
) -> None:
    change = apply_dispute(PAID, dispute(status), 7)

    (event,) = change.events
    assert isinstance(event, OrderUpdated)
    assert event.status is OrderStatus.COMPLETE
    assert (event.disputed, event.outcome) == shown
    assert apply_dispute(change.after, dispute(status), 7).events == ()


@pytest.mark.parametrize("arrival", [*permutations(range(3))])
@pytest.mark.parametrize("final", [DisputeStatus.WON, DisputeStatus.LOST])
def test_last_state_of_a_dispute_stays_in_any_order_of_arrival(
    arrival: tuple[int, ...], final: DisputeStatus
) -> None:
    states = (DisputeStatus.INQUIRY, DisputeStatus.OPEN, final)
    order = PAID
    for index in arrival:
        order = apply_dispute(order, dispute(states[index]), 5 + index).after

    expected = Outcome.CHARGED_BACK if final is DisputeStatus.LOST else None
    assert (order.disputed, order.outcome) == (False, expected)


@pytest.mark.parametrize("outcome", [Outcome.RETURNING, Outcome.REFUNDED])
def test_lost_dispute_does_not_undo_a_refund(outcome: Outcome) -> None:
    order = replace(AGREED, outcome=outcome)

    assert apply_dispute(order, dispute(DisputeStatus.LOST), 7).after.outcome is outcome


def test_refund_by_the_bank_is_charged_back_and_stays_so() -> None:
    returning = replace(AGREED, outcome=Outcome.RETURNING)

    lost = record_refund(returning, charged_back=True).after

    assert lost.outcome is Outcome.CHARGED_BACK
    assert record_refund(lost, charged_back=True).events == ()
    refunded = record_refund(returning, charged_back=False).after
    assert record_refund(refunded, charged_back=True).after == refunded


async def pay(orders: Client, published: EventProbe, ticket: TicketCreated) -> dict[str, Any]:
    buyer = orders.sign_in()
    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()
    await publish(published, payment(PaymentCreated, order, version=1))
    return {**order, "buyer": buyer}


def payment(
    kind: type[PaymentEvent],
    order: dict[str, Any],
    *,
    version: int,
    status: ChargeStatus = ChargeStatus.SUCCEEDED,
    dispute: DisputeFacts | None = None,
) -> Any:
    return kind(
        id="c" * 24,
        version=version,
        order_id=order["id"],
        amount=1999,
        status=status,
        dispute=dispute,
    )


async def publish(published: EventProbe, event: Any) -> None:
    await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled(
        "orders-tickets" if isinstance(event, TicketUpdated) else "orders-payments"
    )


def answered(ticket: TicketCreated, original: ReturnedOriginal) -> TicketUpdated:
    sold = {"version": 4, "status": TicketStatus.SOLD, "returned": returned(original)}
    return TicketUpdated.model_validate(ticket.model_dump(by_alias=False) | sold)


def user(user_id: str) -> User:
    return User(id=user_id, email=f"{user_id}@example.com", session_id=new_id())


async def agree(orders: Client, ticket: TicketCreated, order: dict[str, Any]) -> None:
    """Offer the refund as the seller, and accept it as the buyer, who stays signed in."""
    path = f"/api/orders/{order['id']}"
    orders.sign_in(user(ticket.user_id))
    (await orders.post(f"{path}/refund-offer")).raise_for_status()
    orders.sign_in(order["buyer"])
    (await orders.post(f"{path}/refund-accept")).raise_for_status()


async def test_seller_offers_and_buyer_accepts_by_one_click(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)
    path = f"/api/orders/{order['id']}"
    assert (await orders.post(f"{path}/refund-offer")).status_code == 401
    assert (await orders.post(f"{path}/refund-accept")).status_code == 400

    orders.sign_in(user(ticket.user_id))
    offered = await orders.post(f"{path}/refund-offer")
    again = await orders.post(f"{path}/refund-offer")
    assert (offered.status_code, offered.json()) == (200, again.json())
    assert offered.json().keys() == {"id", "refundOfferedAt"}
    assert (await orders.post(f"{path}/refund-accept")).status_code == 401

    orders.sign_in(order["buyer"])
    accepted = await orders.post(f"{path}/refund-accept")
    repeated = await orders.post(f"{path}/refund-accept")
    assert (accepted.status_code, accepted.json()) == (200, repeated.json())
    assert accepted.json()["refundOfferedAt"] == offered.json()["refundOfferedAt"]
    assert "outcome" not in accepted.json()
    events = [await published.next(OrderUpdated, count) for count in (1, 2)]
    assert [event.refund_agreed_at is not None for event in events] == [False, True]


async def test_routes_of_unknown_orders_and_strangers_refuse(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)
    for name in ("refund-offer", "refund-accept"):
        orders.sign_out()
        assert (await orders.post(f"/api/orders/{order['id']}/{name}")).status_code == 401
        orders.sign_in()
        assert (await orders.post(f"/api/orders/{order['id']}/{name}")).status_code == 401
        assert (await orders.post(f"/api/orders/{new_id()}/{name}")).status_code == 404


async def test_answer_of_tickets_lets_the_money_go_once(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)
    await publish(published, answered(ticket, ReturnedOriginal.VOID))  # nobody asked
    await agree(orders, ticket, order)

    for _ in range(2):
        await publish(published, answered(ticket, ReturnedOriginal.VOID))
    refunded = payment(PaymentRefunded, order, version=3, status=ChargeStatus.REFUNDED)
    for _ in range(2):
        await publish(published, refunded)

    assert (await orders.get(f"/api/orders/{order['id']}")).json()["outcome"] == "refunded"
    await published.next(OrderUpdated, 4)
    outcomes = [event.outcome for event in await published.all(OrderUpdated)]
    assert outcomes == [None, None, Outcome.RETURNING, Outcome.REFUNDED]


async def test_operator_refunds_without_an_offer_and_is_recorded(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)

    await orders.app.state.service.orders.refund_as_operator(order["id"])
    await publish(published, answered(ticket, ReturnedOriginal.REVEALED))

    shown = (await orders.get(f"/api/orders/{order['id']}")).json()
    assert (shown["outcome"], shown["detail"]) == ("returning", REFUND_AGREED)
    assert "refundOfferedAt" not in shown


async def test_dispute_is_seen_by_the_buyer_while_it_is_open(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)
    path = f"/api/orders/{order['id']}"

    opened = payment(PaymentUpdated, order, version=5, dispute=dispute(DisputeStatus.OPEN))
    await publish(published, opened)
    assert (await orders.get(path)).json()["disputed"] is True
    lost = payment(PaymentUpdated, order, version=6, dispute=dispute(DisputeStatus.LOST))
    await publish(published, lost)
    await publish(published, opened)  # late

    shown = (await orders.get(path)).json()
    assert ("disputed" in shown, shown["outcome"], shown["status"]) == (
        False,
        "charged_back",
        "complete",
    )


async def test_dispute_that_overtakes_the_payment_is_not_lost(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    orders.sign_in()
    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()

    lost = payment(PaymentUpdated, order, version=6, dispute=dispute(DisputeStatus.LOST))
    await publish(published, lost)
    await publish(published, payment(PaymentCreated, order, version=1))

    shown = (await orders.get(f"/api/orders/{order['id']}")).json()
    assert (shown["status"], shown["outcome"]) == ("complete", "charged_back")


@pytest.mark.parametrize(("amount", "outcome"), [(1999, "charged_back"), (1000, "refunded")])
async def test_refund_of_which_the_bank_returned_all_is_charged_back(
    orders: Client, published: EventProbe, ticket: TicketCreated, amount: int, outcome: str
) -> None:
    order = await pay(orders, published, ticket)
    await agree(orders, ticket, order)
    await publish(published, answered(ticket, ReturnedOriginal.NONE))

    facts = dispute(DisputeStatus.LOST, amount)
    refunded = payment(
        PaymentRefunded, order, version=9, status=ChargeStatus.REFUNDED, dispute=facts
    )
    await publish(published, refunded)

    async def ended() -> bool:
        shown = (await orders.get(f"/api/orders/{order['id']}")).json()
        return shown["outcome"] == outcome

    assert await eventually(ended)
