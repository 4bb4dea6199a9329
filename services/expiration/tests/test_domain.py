"""Tests of the rules of a deadline, over every state and every order of arrival."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import ExpirationCompleted, OrderStatus
from common.values.ids import new_id
from expiration.domain import STATUS_FOR_ORDER, Deadline, Status, new_deadline

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ORDER = new_id()

HISTORIES = [
    [OrderStatus.CREATED, OrderStatus.COMPLETE],
    [OrderStatus.CREATED, OrderStatus.CANCELLED],
    [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT, OrderStatus.COMPLETE],
    [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT, OrderStatus.CANCELLED],
    [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT],
]


def make_deadline(status: Status = Status.WAITING, order_version: int = 1) -> Deadline:
    return Deadline(ORDER, 3, NOON, status, order_version)


def test_every_order_status_has_a_deadline_status() -> None:
    assert set(STATUS_FOR_ORDER) == set(OrderStatus)


@pytest.mark.parametrize(
    ("early", "expires"),
    [(timedelta(milliseconds=1), False), (timedelta(0), True), (timedelta(hours=-9), True)],
)
def test_deadline_expires_at_its_time_and_not_a_ms_earlier(
    early: timedelta, *, expires: bool
) -> None:
    change = make_deadline().expire(NOON - early)

    assert (change.after.status is Status.EXPIRED) is expires
    assert change.events == ((ExpirationCompleted(order_id=ORDER),) if expires else ())
    assert change.after.version == (4 if expires else 3)


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.CLEARED])
def test_final_deadline_never_expires(status: Status) -> None:
    change = make_deadline(status).expire(NOON + timedelta(days=1))

    assert (change.after, change.events) == (make_deadline(status), ())


@pytest.mark.parametrize(
    ("status", "order_status", "order_version"),
    list(itertools.product(Status, OrderStatus, [0, 1, 2])),
)
def test_only_a_newer_event_changes_a_waiting_deadline(
    status: Status, order_status: OrderStatus, order_version: int
) -> None:
    later = NOON + timedelta(minutes=1)
    before = make_deadline(status)

    change = before.apply_order(order_status, expires_at=later, order_version=order_version)

    if status is Status.WAITING and order_version > before.order_version:
        assert change.after == Deadline(
            ORDER, 4, later, STATUS_FOR_ORDER[order_status], order_version
        )
    else:
        assert change.after == before
    assert change.events == ()


@given(st.data())
def test_order_events_in_any_order_end_the_same(data: st.DataObject) -> None:
    history = list(enumerate(data.draw(st.sampled_from(HISTORIES))))
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=4))
    arrival = data.draw(st.permutations(history + repeated))
    known: Deadline | None = None

    for version, status in arrival:
        at = NOON + timedelta(minutes=version)
        if known is None:
            known = new_deadline(ORDER, status, expires_at=at, order_version=version).after
        else:
            known = known.apply_order(status, expires_at=at, order_version=version).after

    last_version, last_status = history[-1]
    assert known is not None
    assert known.status is STATUS_FOR_ORDER[last_status]
    if known.status is Status.WAITING:
        assert known.expires_at == NOON + timedelta(minutes=last_version)


@pytest.mark.parametrize("status", OrderStatus)
def test_first_event_creates_a_deadline_and_publishes_nothing(status: OrderStatus) -> None:
    change = new_deadline(ORDER, status, expires_at=NOON, order_version=7)

    assert change.after == Deadline(ORDER, 0, NOON, STATUS_FOR_ORDER[status], 7)
    assert change.events == ()


@pytest.mark.parametrize("status", Status)
def test_only_an_expired_deadline_has_an_event(status: Status) -> None:
    event = make_deadline(status).to_event()

    assert event == (ExpirationCompleted(order_id=ORDER) if status is Status.EXPIRED else None)
