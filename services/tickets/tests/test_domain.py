"""The rules of a ticket: who may edit it when, and whose events it follows."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadRequest, PreconditionFailed, Unauthorized
from common.events import OrderStatus, TicketCreated, TicketStatus, TicketUpdated
from tickets.domain import STATUS_FOR_ORDER, Fence, Ticket, list_ticket

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELLER, STRANGER = "5" * 24, "6" * 24
FIRST, SECOND = "1" * 24, "2" * 24

ORDER_STEPS = {
    FIRST: [(Fence(1, 0), OrderStatus.CREATED), (Fence(1, 1), OrderStatus.CANCELLED)],
    SECOND: [
        (Fence(2, 0), OrderStatus.CREATED),
        (Fence(2, 1), OrderStatus.AWAITING_PAYMENT),
        (Fence(2, 2), OrderStatus.COMPLETE),
    ],
}


def make_ticket() -> Ticket:
    return list_ticket(
        ticket_id="7" * 24, title="Front row", price=1999, seller_id=SELLER, now=NOW
    ).after


def test_a_listed_ticket_is_available_and_told_of() -> None:
    change = list_ticket(
        ticket_id="7" * 24, title="Front row", price=1999, seller_id=SELLER, now=NOW
    )

    assert change.after.status is TicketStatus.AVAILABLE
    assert change.after.version == 0
    assert [type(event) for event in change.events] == [TicketCreated]


def test_its_owner_edits_an_available_ticket() -> None:
    change = make_ticket().edit(user_id=SELLER, title="Back row", price=500)

    assert (change.after.title, change.after.price, change.after.version) == ("Back row", 500, 1)
    assert [type(event) for event in change.events] == [TicketUpdated]


def test_an_edit_that_changes_nothing_is_no_change() -> None:
    change = make_ticket().edit(user_id=SELLER, title="Front row", price=1999)

    assert (change.after, change.events) == (make_ticket(), ())


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_stranger_never_edits(status: OrderStatus) -> None:
    ticket = make_ticket().apply_order(FIRST, status, Fence(1, 0)).after

    with pytest.raises(Unauthorized):
        ticket.edit(user_id=STRANGER, title="x", price=100)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_a_ticket_is_edited_only_while_nobody_holds_it(status: OrderStatus) -> None:
    ticket = make_ticket().apply_order(FIRST, status, Fence(1, 0)).after

    if STATUS_FOR_ORDER[status] is TicketStatus.AVAILABLE:
        assert ticket.edit(user_id=SELLER, title="x", price=100).after.title == "x"
    else:
        with pytest.raises(BadRequest, match="reserved"):
            ticket.edit(user_id=SELLER, title="x", price=100)


def test_an_edit_over_an_unseen_version_is_refused() -> None:
    with pytest.raises(PreconditionFailed):
        make_ticket().edit(user_id=SELLER, title="x", price=100, expected_versions=frozenset({1}))


@pytest.mark.parametrize(
    ("status", "becomes", "holder"),
    [
        (OrderStatus.CREATED, TicketStatus.RESERVED, FIRST),
        (OrderStatus.AWAITING_PAYMENT, TicketStatus.RESERVED, FIRST),
        (OrderStatus.COMPLETE, TicketStatus.SOLD, FIRST),
        (OrderStatus.CANCELLED, TicketStatus.AVAILABLE, None),
    ],
)
def test_a_ticket_becomes_what_its_order_makes_of_it(
    status: OrderStatus, becomes: TicketStatus, holder: str | None
) -> None:
    change = make_ticket().apply_order(FIRST, status, Fence(1, 0))

    assert (change.after.status, change.after.order_id) == (becomes, holder)
    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert (event.status, event.order_id, event.version) == (becomes, holder, 1)


def test_the_same_event_again_changes_nothing() -> None:
    ticket = make_ticket().apply_order(FIRST, OrderStatus.CREATED, Fence(1, 0)).after

    change = ticket.apply_order(FIRST, OrderStatus.CREATED, Fence(1, 0))

    assert (change.after, change.events) == (ticket, ())


def test_a_dead_order_cannot_free_what_a_living_one_holds() -> None:
    ticket = make_ticket().apply_order(SECOND, OrderStatus.CREATED, Fence(2, 0)).after

    late = ticket.apply_order(FIRST, OrderStatus.CANCELLED, Fence(1, 1))

    assert late.after == ticket


@pytest.mark.parametrize(
    "order",
    list(
        permutations(
            [(order_id, *step) for order_id, steps in ORDER_STEPS.items() for step in steps]
        )
    ),
)
def test_two_orders_on_a_ticket_end_the_same_in_whatever_order_they_are_heard(
    order: tuple[tuple[str, Fence, OrderStatus], ...],
) -> None:
    ticket = make_ticket()
    for order_id, fence, status in order:
        ticket = ticket.apply_order(order_id, status, fence).after

    assert (ticket.status, ticket.order_id) == (TicketStatus.SOLD, SECOND)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 3), st.sampled_from(list(OrderStatus))),
        max_size=30,
    )
)
def test_the_fence_never_goes_back_and_every_change_is_told(
    steps: list[tuple[int, int, OrderStatus]],
) -> None:
    ticket = make_ticket()
    for hold, version, status in steps:
        change = ticket.apply_order(str(hold) * 24, status, Fence(hold, version))
        assert change.after.fence >= ticket.fence
        assert len(change.events) == (change.after != ticket)
        assert change.after.version == ticket.version + len(change.events)
        assert (change.after.order_id is None) == (change.after.status is TicketStatus.AVAILABLE)
        ticket = change.after
