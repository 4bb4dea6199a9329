"""Tests of who may see an original, over all interleavings of sales, reveals and withdrawals."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.errors import Conflict, Gone
from common.events import OrderStatus, TicketStatus, VaultState
from common.values.ids import new_id
from tickets.domain.listing_again import complete_resale, list_bought
from tickets.domain.ticket import WITHDRAWAL_DELAY, Fence, Listing, Ticket, list_ticket
from tickets.domain.vault_access import NO_ACCESS, Access, access
from tickets.domain.vault_entry import RETENTION, UPLOAD_TIME, VaultEntry

NOW: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELLER, ANN, BEN, STRANGER = "5" * 24, "6" * 24, "7" * 24, "8" * 24
USERS: Final = (SELLER, ANN, BEN, STRANGER)
LISTING: Final = Listing("Row 1", 2000)
FULL: Final = Access(is_holder=True, may_reveal=True)


def make_ticket(user_id: str = SELLER) -> Ticket:
    return list_ticket(
        ticket_id=new_id(), title="Row 1", price=2000, seller_id=user_id, now=NOW
    ).after


def make_entry(ticket_id: str) -> VaultEntry:
    return VaultEntry(
        id=new_id(),
        version=0,
        ticket_id=ticket_id,
        uploaded_by=SELLER,
        uploaded_at=NOW,
        media_type="image/png",
        size=1_000,
        pages=1,
        symbologies=("qr",),
        digest="d" * 64,
        fingerprints=("f" * 64,),
    )


def order(ticket: Ticket, status: OrderStatus, buyer: str, *, now: datetime = NOW) -> Ticket:
    """Return a ticket after an event of its next order."""
    fence = Fence(ticket.fence.hold + 1, 0)
    return ticket.apply_order(new_id(), status, fence, LISTING, buyer_id=buyer, now=now).after


def sold(ticket: Ticket, buyer: str) -> Ticket:
    return order(ticket, OrderStatus.COMPLETE, buyer)


def may(entry: VaultEntry, newest: Ticket, previous: Ticket | None, user: str, of: str) -> Access:
    return access(entry, newest, previous, user_id=user, ticket_id=of, now=NOW)


@pytest.mark.parametrize("user", USERS)
def test_nobody_sees_a_ticket_that_is_not_sold(user: str) -> None:
    listed = make_ticket()
    entry = make_entry(listed.id)

    for ticket in (listed, order(listed, OrderStatus.CREATED, ANN)):
        assert may(entry, ticket, None, user, listed.id) == NO_ACCESS


def test_only_the_buyer_of_a_sold_ticket_may_reveal_it() -> None:
    ticket = sold(make_ticket(), ANN)
    entry = make_entry(ticket.id)

    assert may(entry, ticket, None, ANN, ticket.id) == FULL
    for user in (SELLER, BEN, STRANGER):
        assert may(entry, ticket, None, user, ticket.id) == NO_ACCESS


def test_buyer_who_lists_again_reads_only_what_was_revealed() -> None:
    bought, listed = sold(make_ticket(), ANN), make_ticket(ANN)
    entry = make_entry(bought.id)
    revealed = entry.show_to(user_id=ANN, ticket_id=bought.id, newest=bought.id, now=NOW).after

    for before, expected in ((entry, False), (revealed, True)):
        moved = before.list_again(sold=bought.id, newest=bought.id, ticket_id=listed.id).after
        found = may(moved, listed, bought, ANN, bought.id)
        assert found == Access(is_holder=True, may_reveal=False, may_read=expected)
        assert may(moved, sold(listed, BEN), bought, ANN, bought.id) == NO_ACCESS
        assert may(moved, sold(listed, BEN), bought, BEN, listed.id) == FULL


def test_withdrawn_listing_counts_until_no_order_can_arrive() -> None:
    bought, listed = sold(make_ticket(), ANN), make_ticket(ANN)
    entry = make_entry(bought.id).list_again(sold=bought.id, newest=bought.id, ticket_id=listed.id)
    withdrawn = listed.withdraw(user_id=ANN, now=NOW).after

    def may_reveal(now: datetime) -> bool:
        return access(
            entry.after, withdrawn, bought, user_id=ANN, ticket_id=bought.id, now=now
        ).may_reveal

    assert not may_reveal(NOW + WITHDRAWAL_DELAY)
    assert may_reveal(NOW + WITHDRAWAL_DELAY * 1.01)


def test_void_entry_is_seen_by_nobody() -> None:
    ticket = sold(make_ticket(), ANN)
    entry = make_entry(ticket.id).void().after

    assert may(entry, ticket, None, ANN, ticket.id) == NO_ACCESS
    with pytest.raises(Gone):
        entry.show_to(user_id=ANN, ticket_id=ticket.id, newest=ticket.id, now=NOW)


def test_reveal_after_the_ticket_was_listed_again_is_refused() -> None:
    bought, listed = sold(make_ticket(), ANN), make_ticket(ANN)
    moved = make_entry(bought.id).list_again(sold=bought.id, newest=bought.id, ticket_id=listed.id)

    with pytest.raises(Conflict):
        moved.after.show_to(user_id=ANN, ticket_id=bought.id, newest=bought.id, now=NOW)
    with pytest.raises(Conflict):
        moved.after.list_again(sold=bought.id, newest=bought.id, ticket_id=new_id())


def test_original_that_was_listed_again_is_not_taken_back() -> None:
    bought, listed = sold(make_ticket(), ANN), make_ticket(ANN)
    moved = make_entry(bought.id).list_again(sold=bought.id, newest=bought.id, ticket_id=listed.id)

    assert moved.after.take_back(ticket_id=bought.id, listings={bought.id}).events == ()
    ended = moved.after.take_back(ticket_id=bought.id, listings={bought.id, listed.id}).after
    assert ended.state is VaultState.VOID
    assert ended.take_back(ticket_id=bought.id, listings={listed.id}).events == ()


def test_entry_that_no_ticket_uses_expires_in_steps() -> None:
    entry = make_entry(new_id())
    released = entry.attach().after.release(NOW).after

    assert entry.expire(NOW + UPLOAD_TIME).after == entry
    assert entry.expire(NOW + UPLOAD_TIME * 1.01).after.state is VaultState.VOID
    assert released.expire(NOW + WITHDRAWAL_DELAY).after == released
    freed = released.expire(NOW + WITHDRAWAL_DELAY * 1.01).after
    assert (freed.state, freed.is_current) == (VaultState.SEALED, False)
    assert freed.expire(NOW + RETENTION * 1.01).after.state is VaultState.VOID


def test_entry_to_which_a_buyer_has_a_right_is_never_released() -> None:
    bought, listed = sold(make_ticket(), ANN), make_ticket(ANN)
    entry = make_entry(bought.id).attach().after
    revealed = entry.show_to(user_id=ANN, ticket_id=bought.id, newest=bought.id, now=NOW).after
    moved = entry.list_again(sold=bought.id, newest=bought.id, ticket_id=listed.id).after

    assert revealed.release(NOW).after == revealed
    assert moved.release(NOW).after == moved


class Resales(RuleBasedStateMachine):
    """One original that is sold, revealed, listed again and withdrawn, with events that are late.

    An order can be placed on a withdrawn listing for as long as `WITHDRAWAL_DELAY`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        first = make_ticket()
        self.tickets = {first.id: first}
        self.entry = make_entry(first.id).attach().after
        self._store(first.protect(user_id=SELLER, vault=self.entry.to_copy()).after)
        self.live_order: tuple[str, str, int] | None = None
        """The ticket, the buyer and the hold of the only order that is not complete."""
        self.late: list[tuple[str, OrderStatus, str, Fence]] = []
        self.pending: Ticket | None = None
        self.sales: list[tuple[str, str]] = []
        """The tickets and the buyers of the complete orders, the oldest first."""
        self.reveals: list[tuple[str, str]] = []

    def _store(self, ticket: Ticket) -> None:
        self.tickets[ticket.id] = ticket

    @property
    def newest(self) -> Ticket:
        return self.tickets[self.entry.ticket_id]

    @property
    def previous(self) -> Ticket | None:
        return self.tickets[self.entry.earlier[-1]] if self.entry.earlier else None

    def _access(self, user: str, ticket_id: str) -> Access:
        return access(
            self.entry,
            self.newest,
            self.previous,
            user_id=user,
            ticket_id=ticket_id,
            now=self.now,
        )

    def _publish(self, status: OrderStatus, version: int) -> None:
        assert self.live_order is not None
        ticket_id, buyer, hold = self.live_order
        self.late.append((ticket_id, status, buyer, Fence(hold, version)))

    @precondition(lambda self: self.live_order is None and self.newest.status != "sold")
    @rule(buyer=st.sampled_from([ANN, BEN]))
    def place_order(self, buyer: str) -> None:
        ticket = self.newest
        if ticket.is_gone(self.now) or any(one == ticket.id for one, _ in self.sales):
            return
        hold = 1 + max([ticket.fence.hold, *(f.hold for t, _, _, f in self.late if t == ticket.id)])
        self.live_order = (ticket.id, buyer, hold)
        self._publish(OrderStatus.CREATED, 0)

    @precondition(lambda self: self.live_order is not None)
    @rule()
    def pay(self) -> None:
        assert self.live_order is not None
        self._publish(OrderStatus.COMPLETE, 1)
        self.sales.append(self.live_order[:2])
        self.live_order = None

    @precondition(lambda self: self.live_order is not None)
    @rule()
    def cancel(self) -> None:
        self._publish(OrderStatus.CANCELLED, 1)
        self.live_order = None

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.late) - 1))
        ticket_id, status, buyer, fence = self.late.pop(number)
        ticket = self.tickets[ticket_id]
        self._store(
            ticket.apply_order(new_id(), status, fence, LISTING, buyer_id=buyer, now=self.now).after
        )

    @rule()
    def deliver_all_and_wait(self) -> None:
        while self.late:
            ticket_id, status, buyer, fence = self.late.pop(0)
            self._store(
                self.tickets[ticket_id]
                .apply_order(new_id(), status, fence, LISTING, buyer_id=buyer, now=self.now)
                .after
            )
        self.now += timedelta(minutes=2)

    @rule(user=st.sampled_from(USERS))
    def reveal(self, user: str) -> None:
        for ticket_id in self.tickets:
            if self._access(user, ticket_id).may_reveal:
                self.entry = self.entry.show_to(
                    user_id=user, ticket_id=ticket_id, newest=self.newest.id, now=self.now
                ).after
                if (user, ticket_id) not in self.reveals:
                    self.reveals.append((user, ticket_id))

    @rule()
    def withdraw(self) -> None:
        ticket = self.newest
        if ticket.status is not TicketStatus.SOLD:
            self._store(ticket.withdraw(user_id=ticket.user_id, now=self.now).after)

    def _resaleable(self) -> Ticket | None:
        if self.newest.status is TicketStatus.SOLD:
            return self.newest
        return self.previous if self.newest.is_gone(self.now) else None

    @precondition(lambda self: self.pending is None)
    @rule()
    def begin_resale(self) -> None:
        bought = self._resaleable()
        if bought is None or bought.holder_id is None:
            return
        listed = list_bought(
            bought,
            ticket_id=new_id(),
            title="Row 1",
            price=2000,
            seller_id=bought.holder_id,
            now=self.now,
            show=None,
        ).after
        self._store(listed)
        self.pending = listed

    @precondition(lambda self: self.pending is not None)
    @rule()
    def complete_resale(self) -> None:
        bought = self._resaleable()
        assert self.pending is not None
        assert bought is not None
        self.entry = self.entry.list_again(
            sold=bought.id, newest=self.newest.id, ticket_id=self.pending.id
        ).after
        self._store(complete_resale(self.tickets[self.pending.id], self.entry.to_copy()).after)
        self.pending = None

    @invariant()
    def only_the_buyer_of_the_newest_paid_order_may_reveal(self) -> None:
        chain = [sale for sale in self.sales if sale[0] in (*self.entry.earlier, self.newest.id)]
        for user in USERS:
            for ticket_id in self.tickets:
                found = self._access(user, ticket_id)
                if found.may_reveal or found.may_read:
                    assert (ticket_id, user) == chain[-1] or self._is_late(chain[-1])
                if found.may_read:
                    assert (user, ticket_id) in self.reveals

    def _is_late(self, sale: tuple[str, str]) -> bool:
        """Return whether the event of a sale has not arrived, so its ticket is not sold yet."""
        return any(ticket_id == sale[0] for ticket_id, _, _, _ in self.late)

    @invariant()
    def what_nobody_has_seen_was_seen_by_nobody(self) -> None:
        sold_to = dict(self.sales)
        for ticket in self.tickets.values():
            if ticket.vault is None or ticket.vault.protection.revealed:
                continue
            buyer = sold_to.get(ticket.id)
            before = [one for one in self.reveals if one != (buyer, ticket.id)]
            if ticket.id == self.newest.id and not ticket.withdrawn:
                assert before == [], "an original is offered as sealed that somebody has seen"

    @invariant()
    def a_holder_reads_again_what_was_revealed(self) -> None:
        if self.newest.status is TicketStatus.SOLD and self.newest.holder_id is not None:
            holder, ticket_id = self.newest.holder_id, self.newest.id
            found = self._access(holder, ticket_id)
            assert found.is_holder
            assert found.may_read == ((holder, ticket_id) in self.reveals)


TestResales = Resales.TestCase
TestResales.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
