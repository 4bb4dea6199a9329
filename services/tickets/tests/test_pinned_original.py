"""Tests of the original that a ticket has while an order holds it, and of listings with one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import BadRequest
from common.events import OrderStatus, TicketStatus, TicketUpdated
from common.protection import Protection, ProtectionGrade
from common.values.ids import new_id
from tickets.domain.listing_again import (
    abandon_resale,
    clear,
    complete_resale,
    freeze,
    list_bought,
    withdraw_as_operator,
)
from tickets.domain.ticket import (
    WITHDRAWAL_DELAY,
    Fence,
    Listing,
    Ticket,
    VaultCopy,
    list_ticket,
)

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELLER, BUYER = "5" * 24, "6" * 24
LISTING = Listing("Front row", 1999)
UNPAID, PAID, CANCELLED = OrderStatus.CREATED, OrderStatus.COMPLETE, OrderStatus.CANCELLED


def original(digit: str) -> VaultCopy:
    """Return an entry of the vault whose digest has this digit."""
    return VaultCopy(new_id(), Protection(grade=ProtectionGrade.VAULT, digest=digit * 64))


FIRST, SECOND = original("1"), original("2")


def make_ticket(**fields: Any) -> Ticket:
    ticket = list_ticket(
        ticket_id="7" * 24, title="Front row", price=1999, seller_id=SELLER, now=NOW
    ).after
    return replace(ticket, **fields)


def apply(
    ticket: Ticket, status: OrderStatus, pinned: VaultCopy | None, hold: int = 1, version: int = 0
) -> Ticket:
    return ticket.apply_order(
        str(hold) * 24,
        status,
        Fence(hold, version),
        LISTING,
        pinned=pinned and pinned.protection,
        buyer_id=BUYER,
        now=NOW,
    ).after


@pytest.fixture
def replaced() -> Ticket:
    """A ticket whose original was replaced."""
    ticket = make_ticket().protect(user_id=SELLER, vault=FIRST).after
    return ticket.protect(user_id=SELLER, vault=SECOND).after


@pytest.mark.parametrize("status", [UNPAID, PAID])
def test_ticket_has_the_original_that_its_order_pinned(
    replaced: Ticket, status: OrderStatus
) -> None:
    assert apply(replaced, status, FIRST).vault == FIRST
    assert apply(replaced, status, SECOND).vault == SECOND


def test_freed_ticket_has_the_latest_original_again(replaced: Ticket) -> None:
    freed = apply(apply(replaced, UNPAID, FIRST), CANCELLED, FIRST, version=1)

    assert (freed.vault, freed.late_vault) == (SECOND, None)


def test_next_order_may_pin_either_original(replaced: Ticket) -> None:
    """Its copy may be that of the order before, because the cancellation was applied first."""
    reserved = apply(replaced, UNPAID, FIRST)

    assert apply(reserved, UNPAID, FIRST, hold=2).vault == FIRST
    assert apply(reserved, UNPAID, SECOND, hold=2).vault == SECOND


def test_order_of_before_the_upload_gets_the_original_too() -> None:
    protected = make_ticket().protect(user_id=SELLER, vault=FIRST).after

    assert apply(protected, PAID, None).vault == FIRST


@given(
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.integers(0, 3),
            st.sampled_from(list(OrderStatus)),
            st.sampled_from([None, FIRST, SECOND]),
        )
    )
)
def test_ticket_that_is_held_has_the_pinned_original_and_a_free_one_the_latest(
    steps: list[tuple[int, int, OrderStatus, VaultCopy | None]],
) -> None:
    ticket = make_ticket(vault=SECOND, replaced=(FIRST,))
    pinned = None
    for hold, version, status, ordered in steps:
        after = apply(ticket, status, ordered, hold, version)
        pinned = ordered if after != ticket else pinned
        ticket = after
        is_free = ticket.status is TicketStatus.AVAILABLE
        assert ticket.vault == (SECOND if is_free else pinned or SECOND)
        assert (ticket.late_vault or ticket.vault) == SECOND


def test_listing_of_a_bought_ticket_has_its_facts_and_waits_for_the_original() -> None:
    sold = apply(make_ticket(vault=FIRST, face_value=3000), PAID, FIRST)

    change = list_bought(
        sold, ticket_id="8" * 24, title="Row 1", price=900, seller_id=BUYER, now=NOW, show=None
    )

    listed = change.after
    assert (listed.face_value, listed.user_id, listed.vault) == (3000, BUYER, None)
    assert (listed.from_order_id, listed.pending_entry) == ("1" * 24, FIRST.entry_id)
    assert len(change.events) == 1


@pytest.mark.parametrize("status", [UNPAID, PAID, CANCELLED])
def test_original_reaches_its_new_listing_in_any_status_and_once(status: OrderStatus) -> None:
    listed = apply(make_ticket(pending_entry=FIRST.entry_id), status, None)

    change = complete_resale(listed, FIRST)

    assert (change.after.vault, change.after.pending_entry) == (FIRST, None)
    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert event.protection == FIRST.protection
    assert complete_resale(change.after, SECOND).events == ()


def test_listing_without_its_original_is_withdrawn() -> None:
    waiting = make_ticket(pending_entry=FIRST.entry_id)

    assert abandon_resale(waiting, NOW).after.withdrawn
    assert abandon_resale(apply(waiting, UNPAID, None), NOW).after.withdrawing
    sold = abandon_resale(apply(waiting, PAID, None), NOW).after
    assert (sold.withdrawn, sold.withdrawing, sold.pending_entry) == (False, False, None)
    assert abandon_resale(make_ticket(), NOW).events == ()


def test_ticket_is_frozen_once_and_only_while_it_is_on_sale() -> None:
    until = NOW + timedelta(hours=72)
    frozen = freeze(make_ticket(), until).after

    assert frozen.frozen_until == until
    assert freeze(frozen, until + timedelta(hours=1)).events == ()
    for other in (
        apply(make_ticket(), UNPAID, None),
        apply(make_ticket(), PAID, None),
        make_ticket().withdraw(user_id=SELLER, now=NOW).after,
    ):
        assert freeze(other, until).after == other
    assert clear(frozen).after.frozen_until is None
    assert clear(make_ticket()).events == ()


def test_operator_withdraws_what_is_not_sold() -> None:
    change = withdraw_as_operator(make_ticket(), NOW)

    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert (event.withdrawn, event.withdrawn_by_operator) == (True, True)
    reserved = withdraw_as_operator(apply(make_ticket(), UNPAID, None), NOW).after
    assert (reserved.withdrawing, reserved.withdrawn_by_operator) == (True, True)
    freed = apply(reserved, CANCELLED, None, version=1)
    assert (freed.withdrawn, freed.withdrawn_by_operator) == (True, True)
    assert not apply(reserved, PAID, None, version=1).withdrawn_by_operator
    assert withdraw_as_operator(change.after, NOW).events == ()
    with pytest.raises(BadRequest, match="already sold"):
        withdraw_as_operator(apply(make_ticket(), PAID, None), NOW)


def test_withdrawn_ticket_is_gone_when_no_order_can_arrive_any_more() -> None:
    withdrawn = make_ticket().withdraw(user_id=SELLER, now=NOW).after

    assert not withdrawn.is_gone(NOW + WITHDRAWAL_DELAY)
    assert withdrawn.is_gone(NOW + WITHDRAWAL_DELAY + timedelta(microseconds=1))
    assert not make_ticket().is_gone(NOW + timedelta(days=1))
