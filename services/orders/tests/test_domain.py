"""Tests of the rules of an order, over every pair of step and status."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.change import Change
from common.errors import ApiError, BadRequest, Conflict, TooManyRequests, Unauthorized
from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
)
from orders.domain.fair_use import EarlierOrders, first_slot, free_slot
from orders.domain.order import TRANSITIONS, Order, place_order
from orders.domain.ticket import ListedTicket, ReservedTicket, SeenTicket

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)
BUYER, SELLER = "b" * 24, "5" * 24
TICKET = ListedTicket("7" * 24, 0, "Front row", 1999, SELLER)

STEPS: dict[str, Callable[[Order], Change[Order]]] = {
    "cancel": lambda order: order.cancel(buyer_id=BUYER),
    "expire": Order.expire,
    "mark_awaiting_payment": Order.mark_awaiting_payment,
    "complete": Order.complete,
    "fail_payment": Order.fail_payment,
}
EXPECTED = {
    "cancel": (OrderStatus.CANCELLED, CancelReason.BUYER, OrderCancelled),
    "expire": (OrderStatus.CANCELLED, CancelReason.EXPIRED, OrderCancelled),
    "mark_awaiting_payment": (OrderStatus.AWAITING_PAYMENT, None, OrderUpdated),
    "complete": (OrderStatus.COMPLETE, None, OrderCompleted),
    "fail_payment": (OrderStatus.CANCELLED, CancelReason.PAYMENT_FAILED, OrderCancelled),
}


def make_order(status: OrderStatus = OrderStatus.CREATED, *, hold: int = 1) -> Order:
    return Order(
        id="0" * 24,
        version=3,
        status=status,
        user_id=BUYER,
        created_at=NOW,
        expires_at=NOW + WINDOW,
        ticket=ReservedTicket(TICKET.id, TICKET.title, TICKET.price, hold),
    )


def make_placed_order(
    latest_order: Order | None = None,
    buyer_id: str = BUYER,
    *,
    price: int | None = None,
) -> Order:
    change = place_order(
        order_id="1" * 24,
        ticket=TICKET,
        latest_order=latest_order,
        buyer_id=buyer_id,
        seen=SeenTicket(price=price),
        slot=3,
        now=NOW,
        window=WINDOW,
    )
    return change.after


@pytest.mark.parametrize(("step", "status"), list(product(STEPS, OrderStatus)))
def test_every_step_from_every_status_follows_the_table(step: str, status: OrderStatus) -> None:
    before = make_order(status)
    expected_status, reason, event = EXPECTED[step]

    if step == "cancel" and status is OrderStatus.COMPLETE:
        with pytest.raises(BadRequest, match="already complete"):
            STEPS[step](before)
        return
    change = STEPS[step](before)

    if expected_status in TRANSITIONS[status]:
        assert (change.after.status, change.after.reason) == (expected_status, reason)
        assert change.after.version == before.version + 1
        assert [type(emitted) for emitted in change.events] == [event]
    else:
        assert change.after == before
        assert change.events == ()


@pytest.mark.parametrize("status", list(OrderStatus))
def test_cancel_by_another_user_is_unauthorized_in_any_status(status: OrderStatus) -> None:
    with pytest.raises(Unauthorized):
        make_order(status).cancel(buyer_id=SELLER)


def test_complete_and_cancelled_are_final() -> None:
    assert not TRANSITIONS[OrderStatus.COMPLETE]
    assert not TRANSITIONS[OrderStatus.CANCELLED]


def test_placed_order_has_the_current_price_and_a_window() -> None:
    placed_order = make_placed_order()

    assert placed_order.status is OrderStatus.CREATED
    assert placed_order.version == 0
    assert placed_order.expires_at == NOW + WINDOW
    assert placed_order.ticket == ReservedTicket(
        TICKET.id, "Front row", 1999, hold=1, seller_id=SELLER, version=0
    )


def test_event_contains_the_whole_order() -> None:
    event = make_placed_order().to_event()

    assert isinstance(event, OrderCreated)
    assert (event.id, event.version, event.user_id, event.expires_at) == (
        "1" * 24,
        0,
        BUYER,
        NOW + WINDOW,
    )
    assert event.ticket.model_dump() == {
        "id": TICKET.id,
        "title": "Front row",
        "price": 1999,
        "hold": 1,
        "sellerId": SELLER,
    }


def test_seller_cannot_order_their_own_ticket() -> None:
    with pytest.raises(BadRequest, match="own ticket"):
        make_placed_order(buyer_id=SELLER)


@pytest.mark.parametrize(
    "status", [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT, OrderStatus.COMPLETE]
)
def test_ticket_with_a_live_order_cannot_be_ordered(status: OrderStatus) -> None:
    with pytest.raises(BadRequest, match="already reserved"):
        make_placed_order(latest_order=make_order(status))


@pytest.mark.parametrize("price", [None, TICKET.price])
def test_order_at_the_price_that_the_buyer_saw_is_placed(price: int | None) -> None:
    assert make_placed_order(price=price).ticket.price == TICKET.price


@pytest.mark.parametrize("price", [TICKET.price - 1, TICKET.price + 1])
def test_order_at_another_price_is_refused_with_the_new_one(price: int) -> None:
    with pytest.raises(Conflict) as refused:
        make_placed_order(price=price)

    (detail,) = refused.value.details
    assert (detail.message, detail.field) == ("The price is now 19.99", "price")


@pytest.mark.parametrize(("count", "minutes"), [(1, 0), (2, 1), (3, 5), (4, 15), (5, 15), (99, 15)])
def test_repeats_wait_longer_each_time(count: int, minutes: int) -> None:
    wait = timedelta(minutes=minutes)
    EarlierOrders(count, NOW - wait).require_wait(NOW)
    if not minutes:
        return

    with pytest.raises(TooManyRequests, match="repeatedly") as refused:
        EarlierOrders(count, NOW - wait + timedelta(seconds=1)).require_wait(NOW)

    assert refused.value.retry_after == 1


@given(st.text("0123456789abcdef", min_size=24, max_size=24), st.integers(1, 8))
def test_slots_are_tried_until_all_are_taken(order_id: str, limit: int) -> None:
    assert 0 <= first_slot(order_id, limit) < limit
    taken: dict[int, datetime] = {}
    for number in range(limit):
        slot = free_slot(order_id, limit=limit, taken=taken, now=NOW)
        assert slot not in taken
        taken[slot] = NOW + timedelta(seconds=60 + number)

    with pytest.raises(TooManyRequests, match="unpaid") as refused:
        free_slot(order_id, limit=limit, taken=taken, now=NOW)

    assert set(taken) == set(range(limit))
    assert refused.value.retry_after == 60


def test_slots_beyond_a_lowered_limit_stay_taken_until_they_expire() -> None:
    taken = dict.fromkeys(range(8), NOW - timedelta(seconds=1))

    with pytest.raises(TooManyRequests) as refused:
        free_slot("1" * 24, limit=4, taken=taken, now=NOW)

    assert refused.value.retry_after == 1


@given(st.integers(min_value=1, max_value=10**9))
def test_hold_increases_with_each_order_on_a_ticket(hold: int) -> None:
    last = make_order(OrderStatus.CANCELLED, hold=hold)

    assert make_placed_order(latest_order=last).ticket.hold == hold + 1


@given(st.lists(st.sampled_from([*STEPS.values(), Order.end_for_cancelled_show]), max_size=12))
def test_no_history_leaves_a_final_status_or_skips_a_version(
    history: list[Callable[[Order], Change[Order]]],
) -> None:
    current = make_placed_order()
    seen = [current]
    for step in history:
        try:
            change = step(current)
        except ApiError:
            continue
        assert len(change.events) == (change.after != current)
        current = change.after
        seen.append(current)

    versions = [state.version for state in seen]
    assert versions == sorted(versions)
    assert set(versions) == set(range(versions[-1] + 1))
    statuses = [state.status for state in seen]
    for final in (OrderStatus.COMPLETE, OrderStatus.CANCELLED):
        if final in statuses:
            assert set(statuses[statuses.index(final) :]) == {final}


@pytest.mark.parametrize(
    ("seconds_early", "is_due"), [(900, False), (2.001, False), (2, True), (0, True), (-60, True)]
)
@pytest.mark.parametrize("status", [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT])
def test_order_expires_only_if_it_is_due(
    status: OrderStatus, seconds_early: float, *, is_due: bool
) -> None:
    order = make_order(status)
    now = order.expires_at - timedelta(seconds=seconds_early)

    after = order.expire_if_due(now).after

    assert after == (order.expire().after if is_due else order)
    assert order.time_left(now) == timedelta(seconds=seconds_early)


@pytest.mark.parametrize("status", [OrderStatus.COMPLETE, OrderStatus.CANCELLED])
def test_final_order_has_no_time_left(status: OrderStatus) -> None:
    order = make_order(status)

    assert order.time_left(NOW) == timedelta()
    assert order.expire_if_due(order.expires_at).after == order
