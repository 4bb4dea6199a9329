"""Tests of the rules of a ticket."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadRequest, PreconditionFailed, Unauthorized
from common.events import OrderStatus, TicketCreated, TicketStatus, TicketUpdated
from tickets.domain.ticket import STATUS_FOR_ORDER, Fence, Listing, Ticket, list_ticket

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELLER, OTHER_USER = "5" * 24, "6" * 24
FIRST, SECOND = "1" * 24, "2" * 24
LISTING = Listing("Front row", 1999)
EDITED = Listing("Back row", 500)

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


def make_edited_ticket() -> Ticket:
    """Return a ticket that was edited after an order on it, which tickets does not know yet."""
    return make_ticket().edit(user_id=SELLER, title="Back row", price=500).after


def shown(ticket: Ticket) -> Listing:
    return Listing(ticket.title, ticket.price)


def test_listed_ticket_is_available_and_published() -> None:
    change = list_ticket(
        ticket_id="7" * 24, title="Front row", price=1999, seller_id=SELLER, now=NOW
    )

    assert change.after.status is TicketStatus.AVAILABLE
    assert change.after.version == 0
    assert [type(event) for event in change.events] == [TicketCreated]


def test_owner_edits_an_available_ticket() -> None:
    change = make_ticket().edit(user_id=SELLER, title="Back row", price=500)

    assert (change.after.title, change.after.price, change.after.version) == ("Back row", 500, 1)
    assert [type(event) for event in change.events] == [TicketUpdated]


def test_edit_to_the_same_values_changes_nothing() -> None:
    change = make_ticket().edit(user_id=SELLER, title="Front row", price=1999)

    assert (change.after, change.events) == (make_ticket(), ())


@pytest.mark.parametrize("status", list(OrderStatus))
def test_edit_by_another_user_is_unauthorized_in_any_status(status: OrderStatus) -> None:
    ticket = (
        make_ticket()
        .apply_order(FIRST, status, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW)
        .after
    )

    with pytest.raises(Unauthorized):
        ticket.edit(user_id=OTHER_USER, title="x", price=100)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_ticket_is_edited_only_while_available(status: OrderStatus) -> None:
    ticket = (
        make_ticket()
        .apply_order(FIRST, status, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW)
        .after
    )

    if STATUS_FOR_ORDER[status] is TicketStatus.AVAILABLE:
        assert ticket.edit(user_id=SELLER, title="x", price=100).after.title == "x"
    else:
        with pytest.raises(BadRequest, match="reserved"):
            ticket.edit(user_id=SELLER, title="x", price=100)


def test_edit_of_an_unexpected_version_is_rejected() -> None:
    with pytest.raises(PreconditionFailed):
        make_ticket().edit(user_id=SELLER, title="x", price=100, expected_versions=frozenset({1}))


@pytest.mark.parametrize(
    ("status", "expected", "order_id"),
    [
        (OrderStatus.CREATED, TicketStatus.RESERVED, FIRST),
        (OrderStatus.AWAITING_PAYMENT, TicketStatus.RESERVED, FIRST),
        (OrderStatus.COMPLETE, TicketStatus.SOLD, FIRST),
        (OrderStatus.CANCELLED, TicketStatus.AVAILABLE, None),
    ],
)
def test_order_event_sets_the_status_and_the_order(
    status: OrderStatus, expected: TicketStatus, order_id: str | None
) -> None:
    change = make_ticket().apply_order(
        FIRST, status, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW
    )

    assert (change.after.status, change.after.order_id) == (expected, order_id)
    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert (event.status, event.order_id, event.version) == (expected, order_id, 1)


def test_repeated_order_event_changes_nothing() -> None:
    ticket = (
        make_ticket()
        .apply_order(FIRST, OrderStatus.CREATED, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW)
        .after
    )

    change = ticket.apply_order(
        FIRST, OrderStatus.CREATED, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW
    )

    assert (change.after, change.events) == (ticket, ())


def test_event_of_an_earlier_order_does_not_free_the_ticket() -> None:
    ticket = (
        make_ticket()
        .apply_order(
            SECOND, OrderStatus.CREATED, Fence(2, 0), LISTING, buyer_id=OTHER_USER, now=NOW
        )
        .after
    )

    late = ticket.apply_order(
        FIRST, OrderStatus.CANCELLED, Fence(1, 1), LISTING, buyer_id=OTHER_USER, now=NOW
    )

    assert late.after == ticket


@pytest.mark.parametrize(
    "order",
    list(
        permutations(
            [(order_id, *step) for order_id, steps in ORDER_STEPS.items() for step in steps]
        )
    ),
)
def test_events_of_two_orders_in_any_order_end_the_same(
    order: tuple[tuple[str, Fence, OrderStatus], ...],
) -> None:
    ticket = make_ticket()
    for order_id, fence, status in order:
        ticket = ticket.apply_order(
            order_id, status, fence, LISTING, buyer_id=OTHER_USER, now=NOW
        ).after

    assert (ticket.status, ticket.order_id) == (TicketStatus.SOLD, SECOND)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 3), st.sampled_from(list(OrderStatus))),
        max_size=30,
    )
)
def test_fence_never_decreases_and_every_change_is_published(
    steps: list[tuple[int, int, OrderStatus]],
) -> None:
    ticket = make_ticket()
    for hold, version, status in steps:
        change = ticket.apply_order(
            str(hold) * 24, status, Fence(hold, version), LISTING, buyer_id=OTHER_USER, now=NOW
        )
        assert change.after.fence >= ticket.fence
        assert len(change.events) == (change.after != ticket)
        assert change.after.version == ticket.version + len(change.events)
        assert (change.after.order_id is None) == (change.after.status is TicketStatus.AVAILABLE)
        ticket = change.after


@pytest.mark.parametrize("status", [OrderStatus.CREATED, OrderStatus.COMPLETE])
def test_ordered_ticket_has_the_price_of_its_order(status: OrderStatus) -> None:
    change = make_edited_ticket().apply_order(
        FIRST, status, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW
    )

    assert (shown(change.after), change.after.late_edit) == (LISTING, EDITED)
    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert event.late_edit is not None
    assert (event.price, event.late_edit.price, event.late_edit.title) == (1999, 500, "Back row")


def test_ticket_ordered_as_offered_has_no_late_edit() -> None:
    ticket = (
        make_ticket()
        .apply_order(FIRST, OrderStatus.CREATED, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW)
        .after
    )

    assert ticket.late_edit is None


def test_freed_ticket_has_the_latest_edit_again() -> None:
    ticket = make_edited_ticket().apply_order(
        FIRST, OrderStatus.CREATED, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW
    )

    freed = ticket.after.apply_order(
        FIRST, OrderStatus.CANCELLED, Fence(1, 1), LISTING, buyer_id=OTHER_USER, now=NOW
    ).after

    assert (shown(freed), freed.late_edit) == (EDITED, None)


def test_late_edit_survives_the_next_order_on_the_ticket() -> None:
    """The next order's event may arrive before the cancellation of the previous one."""
    first = (
        make_edited_ticket()
        .apply_order(FIRST, OrderStatus.CREATED, Fence(1, 0), LISTING, buyer_id=OTHER_USER, now=NOW)
        .after
    )

    second = first.apply_order(
        SECOND, OrderStatus.CREATED, Fence(2, 0), EDITED, buyer_id=OTHER_USER, now=NOW
    ).after
    late = second.apply_order(
        FIRST, OrderStatus.CANCELLED, Fence(1, 1), LISTING, buyer_id=OTHER_USER, now=NOW
    ).after

    assert (shown(late), late.late_edit, late.order_id) == (EDITED, None, SECOND)


@given(
    st.lists(
        st.one_of(
            st.integers(50, 60),
            st.tuples(st.integers(1, 3), st.integers(0, 2), st.sampled_from(list(OrderStatus))),
        ),
        max_size=30,
    )
)
def test_ticket_has_the_price_of_its_order_or_the_last_accepted_one(
    steps: list[int | tuple[int, int, OrderStatus]],
) -> None:
    ticket = make_ticket()
    accepted = ticket.price
    for step in steps:
        if isinstance(step, int):
            if ticket.status is TicketStatus.AVAILABLE:
                ticket = ticket.edit(user_id=SELLER, title=ticket.title, price=step).after
                accepted = step
        else:
            hold, version, status = step
            ordered = Listing("Front row", 100 * hold)
            ticket = ticket.apply_order(
                str(hold) * 24, status, Fence(hold, version), ordered, buyer_id=OTHER_USER, now=NOW
            ).after
        expected = accepted if ticket.order_id is None else 100 * int(ticket.order_id[0])
        assert ticket.price == expected
        assert (ticket.late_edit or shown(ticket)).price == accepted
