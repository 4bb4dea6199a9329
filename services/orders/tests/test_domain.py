"""The rules of an order, over the whole cross product."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.change import Change
from common.errors import Failure, Invalid, NotAuthorized
from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
)
from orders.domain import TRANSITIONS, ForSale, Order, Reserved, placed

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)
BUYER, SELLER = "b" * 24, "5" * 24
TICKET = ForSale("7" * 24, 0, "Front row", 1999, SELLER)

STEPS: dict[str, Callable[[Order], Change[Order]]] = {
    "cancel": lambda order: order.cancel(by=BUYER),
    "expire": Order.expire,
    "await_payment": Order.await_payment,
    "complete": Order.complete,
    "fail": Order.fail,
}
LEADS_TO = {
    "cancel": (OrderStatus.CANCELLED, CancelReason.BUYER, OrderCancelled),
    "expire": (OrderStatus.CANCELLED, CancelReason.EXPIRED, OrderCancelled),
    "await_payment": (OrderStatus.AWAITING_PAYMENT, None, OrderUpdated),
    "complete": (OrderStatus.COMPLETE, None, OrderCompleted),
    "fail": (OrderStatus.CANCELLED, CancelReason.PAYMENT_FAILED, OrderCancelled),
}


def order(status: OrderStatus = OrderStatus.CREATED, *, hold: int = 1) -> Order:
    return Order(
        id="0" * 24,
        version=3,
        status=status,
        user_id=BUYER,
        created_at=NOW,
        expires_at=NOW + WINDOW,
        ticket=Reserved(TICKET.id, TICKET.title, TICKET.price, hold),
    )


def place(last: Order | None = None, by: str = BUYER) -> Order:
    change = placed(order_id="1" * 24, ticket=TICKET, last=last, by=by, now=NOW, window=WINDOW)
    return change.after


@pytest.mark.parametrize(("step", "status"), list(product(STEPS, OrderStatus)))
def test_every_step_from_every_status_follows_the_table(step: str, status: OrderStatus) -> None:
    before = order(status)
    becomes, reason, event = LEADS_TO[step]

    if step == "cancel" and status is OrderStatus.COMPLETE:
        with pytest.raises(Invalid, match="already complete"):
            STEPS[step](before)
        return
    change = STEPS[step](before)

    if becomes in TRANSITIONS[status]:
        assert (change.after.status, change.after.reason) == (becomes, reason)
        assert change.after.version == before.version + 1
        assert [type(told) for told in change.events] == [event]
    else:
        assert change.after == before
        assert change.events == ()


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_stranger_cannot_cancel_whatever_the_status(status: OrderStatus) -> None:
    with pytest.raises(NotAuthorized):
        order(status).cancel(by=SELLER)


def test_complete_and_cancelled_are_final() -> None:
    assert not TRANSITIONS[OrderStatus.COMPLETE]
    assert not TRANSITIONS[OrderStatus.CANCELLED]


def test_an_order_is_placed_with_the_price_of_now_and_a_window() -> None:
    placed_order = place()

    assert placed_order.status is OrderStatus.CREATED
    assert placed_order.version == 0
    assert placed_order.expires_at == NOW + WINDOW
    assert placed_order.ticket == Reserved(TICKET.id, "Front row", 1999, hold=1)


def test_an_event_carries_the_whole_state_of_its_order() -> None:
    told = place().told()

    assert isinstance(told, OrderCreated)
    assert (told.id, told.version, told.user_id, told.expires_at) == (
        "1" * 24,
        0,
        BUYER,
        NOW + WINDOW,
    )
    assert told.ticket.model_dump() == {
        "id": TICKET.id,
        "title": "Front row",
        "price": 1999,
        "hold": 1,
    }


def test_the_seller_cannot_order_their_own_ticket() -> None:
    with pytest.raises(Invalid, match="own ticket"):
        place(by=SELLER)


@pytest.mark.parametrize(
    "status", [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT, OrderStatus.COMPLETE]
)
def test_a_ticket_with_a_live_order_cannot_be_ordered(status: OrderStatus) -> None:
    with pytest.raises(Invalid, match="already reserved"):
        place(last=order(status))


@given(st.integers(min_value=1, max_value=10**9))
def test_the_hold_grows_with_each_order_on_the_ticket(hold: int) -> None:
    last = order(OrderStatus.CANCELLED, hold=hold)

    assert place(last=last).ticket.hold == hold + 1


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_no_history_leaves_a_final_status_or_skips_a_version(history: list[str]) -> None:
    now = place()
    seen = [now]
    for step in history:
        try:
            change = STEPS[step](now)
        except Failure:
            continue
        assert len(change.events) == (change.after != now)
        now = change.after
        seen.append(now)

    versions = [state.version for state in seen]
    assert versions == sorted(versions)
    assert set(versions) == set(range(versions[-1] + 1))
    statuses = [state.status for state in seen]
    for final in (OrderStatus.COMPLETE, OrderStatus.CANCELLED):
        if final in statuses:
            assert set(statuses[statuses.index(final) :]) == {final}
