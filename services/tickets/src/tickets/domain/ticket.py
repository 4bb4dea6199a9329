"""Rules of a ticket: who may edit it, and how its orders change its status.

available --order created--> reserved --order completed--> sold
    ^                           |
    +------order cancelled------+

Only its owner edits a ticket, and only while it is available. Order events lock, free and sell it.
Its owner withdraws it: at once while it is available, otherwise when its order is cancelled. An
order that was placed before orders knew of the withdrawal stands.
A ticket that is reserved or sold has the title and price of its order. An edit that was accepted
before the order's event arrived is kept aside, and applies when the ticket is free again.

Order events may arrive twice, late or out of order, so a ticket stores the fence (hold, order
version) of the last event applied and ignores any event that is not newer.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Literal

from common.change import Change
from common.errors import BadRequest, PreconditionFailed, Unauthorized
from common.events import OrderStatus, TicketCreated, TicketReturn, TicketStatus, TicketUpdated
from common.protection import Protection
from common.shows import Seat, ShowFacts

STATUS_FOR_ORDER: Final = {
    OrderStatus.CREATED: TicketStatus.RESERVED,
    OrderStatus.AWAITING_PAYMENT: TicketStatus.RESERVED,
    OrderStatus.COMPLETE: TicketStatus.SOLD,
    OrderStatus.CANCELLED: TicketStatus.AVAILABLE,
}
"""The status of a ticket for each status of its newest order."""
WITHDRAWAL_DELAY: Final = timedelta(minutes=1)
"""How long after a withdrawal an order of before it may still arrive."""
MAX_REPLACED: Final = 5
"""How many replaced originals a ticket remembers."""


class Edit(Enum):
    """What an edit may do with a field that it does not contain."""

    KEEP = "keep"


KEEP: Final = Edit.KEEP


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """The position of an order event among all events of a ticket's orders."""

    hold: int = 0
    version: int = -1


@dataclass(frozen=True, slots=True)
class Listing:
    """The title and the price, in cents, for which a ticket is offered or was reserved."""

    title: str
    price: int


@dataclass(frozen=True, slots=True)
class VaultCopy:
    """An entry of the vault, with a copy of its public facts."""

    entry_id: str
    protection: Protection


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket listed by a seller. Prices are in cents.

    Attributes:
        late_edit: the seller's latest edit, if the order that holds the ticket was placed without
            it.
        show: a copy of the facts of its show, if it has one.
        vault: its original in the vault, if there is one. While an order holds the ticket, it is
            the one that the order pinned.
        late_vault: the seller's latest original, if the order that holds the ticket was placed
            without it.
        replaced: the originals that its seller has replaced, the newest first. An order that was
            placed before may be of one of them.
        holder_id: who bought it.
        from_order_id: the order by which its seller bought it here, if they did.
        frozen_until: until when it cannot be ordered, because another person listed its code.
        pending_entry: the id of the vault's entry that is to become its original.
        withdrawn: whether the seller has withdrawn the ticket, which is then available.
        withdrawn_at: when it was last withdrawn.
        withdrawing: whether the ticket, which is reserved, will be withdrawn if its order is
            cancelled.
        withdrawn_by_operator: whether it was an operator who withdrew it.
        return_pending: whether the money of its order waits for what becomes of its original.
        returned: what became of its original before the money of its order went back.
    """

    id: str
    version: int
    title: str
    price: int
    user_id: str
    created_at: datetime
    status: TicketStatus = TicketStatus.AVAILABLE
    order_id: str | None = None
    fence: Fence = Fence()
    late_edit: Listing | None = None
    show: ShowFacts | None = None
    seat: Seat | None = None
    face_value: int | None = None
    vault: VaultCopy | None = None
    late_vault: VaultCopy | None = None
    replaced: tuple[VaultCopy, ...] = ()
    holder_id: str | None = None
    from_order_id: str | None = None
    frozen_until: datetime | None = None
    pending_entry: str | None = None
    withdrawn: bool = False
    withdrawn_at: datetime | None = None
    withdrawing: bool = False
    withdrawn_by_operator: bool = False
    return_pending: bool = False
    returned: TicketReturn | None = None

    @property
    def show_id(self) -> str | None:
        """The id of its show."""
        return self.show and self.show.id

    @property
    def protection(self) -> Protection | None:
        """The public facts of its original. None says that it is only described."""
        return self.vault and self.vault.protection

    def edit(
        self,
        *,
        user_id: str,
        title: str,
        price: int,
        show: ShowFacts | Literal[Edit.KEEP] | None = KEEP,
        seat: Seat | Literal[Edit.KEEP] | None = KEEP,
        face_value: int | Literal[Edit.KEEP] | None = KEEP,
        price_cap_percent: int | None = None,
        expected_versions: frozenset[int] | None = None,
    ) -> Change["Ticket"]:
        """Change what the seller entered.

        Args:
            user_id: the user.
            title: the title.
            price: the price, in cents.
            show: the show; None removes it.
            seat: the seat; None removes it.
            face_value: the face value, in cents; None removes it.
            price_cap_percent: the highest price, as a share of the face value.
            expected_versions: the versions that may be edited. None allows every version.

        Raises:
            Unauthorized: The user is not the seller.
            BadRequest: The ticket is reserved, sold or withdrawn, or the price is above the cap.
            PreconditionFailed: The current version is not an expected one.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if self.status is not TicketStatus.AVAILABLE:
            raise BadRequest("Cannot edit a reserved ticket")
        if self.withdrawn:
            raise BadRequest("Cannot edit a withdrawn ticket")
        if expected_versions is not None and self.version not in expected_versions:
            raise PreconditionFailed
        edited = replace(
            self,
            title=title,
            price=price,
            show=self.show if show is KEEP else show,
            seat=self.seat if seat is KEEP else seat,
            face_value=self.face_value if face_value is KEEP else face_value,
        )
        check_price_cap(price, edited.face_value, price_cap_percent)
        return Change(self) if edited == self else self.next_version(edited)

    def refresh_show(self, facts: ShowFacts) -> Change["Ticket"]:
        """Replace the copy of the show's facts if these are newer, whatever the status."""
        if self.show is None or self.show.id != facts.id or self.show.version >= facts.version:
            return Change(self)
        return self.next_version(replace(self, show=facts))

    def check_may_protect(self, user_id: str) -> None:
        """Check that a user may add the original, or replace it.

        Raises:
            Unauthorized: The user is not the seller.
            BadRequest: The ticket is reserved, sold or withdrawn, or was bought here with its
                original, which its seller never had.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if self.status is not TicketStatus.AVAILABLE:
            raise BadRequest("Cannot change the file of a reserved ticket")
        if self.withdrawn:
            raise BadRequest("Cannot change the file of a withdrawn ticket")
        is_in_vault = self.vault is not None or self.pending_entry is not None
        if self.from_order_id is not None and is_in_vault:
            raise BadRequest("The file of a ticket that was bought here cannot be replaced")

    def protect(self, *, user_id: str, vault: VaultCopy) -> Change["Ticket"]:
        """Add the original, or replace it. Repeating it changes nothing.

        Raises:
            Unauthorized: The user is not the seller.
            BadRequest: The file of the ticket cannot be changed.
        """
        if self.vault == vault:
            return Change(self)
        self.check_may_protect(user_id)
        before = () if self.vault is None else (self.vault, *self.replaced)
        return self.next_version(replace(self, vault=vault, replaced=before[:MAX_REPLACED]))

    def withdraw(self, *, user_id: str, now: datetime) -> Change["Ticket"]:
        """Withdraw the ticket now, or when the order that holds it is cancelled.

        Withdrawing it again changes nothing.

        Raises:
            Unauthorized: The user is not the seller.
            BadRequest: The ticket is sold.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if self.status is TicketStatus.SOLD:
            raise BadRequest("Ticket is already sold")
        if self.withdrawn or self.withdrawing:
            return Change(self)
        return self.next_version(self.as_withdrawn(now))

    def as_withdrawn(self, now: datetime) -> "Ticket":
        """Return the state after a withdrawal, which waits for the order of a reserved ticket."""
        is_free = self.status is TicketStatus.AVAILABLE
        return replace(
            self,
            withdrawn=is_free,
            withdrawn_at=now if is_free else None,
            withdrawing=self.status is TicketStatus.RESERVED,
        )

    def apply_order(
        self,
        order_id: str,
        status: OrderStatus,
        fence: Fence,
        ordered: Listing,
        *,
        pinned: Protection | None = None,
        buyer_id: str,
        is_refund_agreed: bool = False,
        now: datetime,
    ) -> Change["Ticket"]:
        """Lock, free or sell the ticket if the event is newer than the last one applied.

        Args:
            order_id: the order.
            status: its status.
            fence: the position of its event.
            ordered: what the buyer ordered, which the seller may have edited in the meantime.
            pinned: the original that the buyer ordered, which the seller may have replaced.
            buyer_id: the buyer.
            is_refund_agreed: whether the money is to go back to the buyer.
            now: the time.
        """
        if fence <= self.fence:
            return Change(self)
        new_status = STATUS_FOR_ORDER[status]
        is_sold = new_status is TicketStatus.SOLD
        is_free = new_status is TicketStatus.AVAILABLE
        is_withdrawn = self.withdrawn or self.withdrawing
        offered = self.late_edit or Listing(self.title, self.price)
        shown = offered if is_free else ordered
        latest = self.late_vault or self.vault
        vault = latest if is_free else self._pinned_copy(pinned) or latest
        return self.next_version(
            replace(
                self,
                title=shown.title,
                price=shown.price,
                status=new_status,
                order_id=None if is_free else order_id,
                fence=fence,
                late_edit=None if shown == offered else offered,
                vault=vault,
                late_vault=None if vault == latest else latest,
                holder_id=buyer_id if is_sold else None,
                withdrawn=is_withdrawn and is_free,
                withdrawn_at=now if is_withdrawn and is_free else None,
                withdrawing=is_withdrawn and new_status is TicketStatus.RESERVED,
                withdrawn_by_operator=self.withdrawn_by_operator and not is_sold,
                return_pending=is_refund_agreed and self.returned is None,
            )
        )

    def _pinned_copy(self, pinned: Protection | None) -> VaultCopy | None:
        """Return the original that an order pinned, although it may be replaced."""
        copies = (self.late_vault, self.vault, *self.replaced)
        matching = (
            copy for copy in copies if copy and pinned and copy.protection.digest == pinned.digest
        )
        return next(matching, None)

    def record_return(self, returned: TicketReturn) -> Change["Ticket"]:
        """Record what became of the original. Repeating it changes nothing."""
        if not self.return_pending or returned.hold != self.fence.hold:
            return Change(self)
        return self.next_version(replace(self, return_pending=False, returned=returned))

    def is_gone(self, now: datetime) -> bool:
        """Whether it was withdrawn so long ago that no order of before can arrive any more."""
        at = self.withdrawn_at
        return self.withdrawn and at is not None and now - at > WITHDRAWAL_DELAY

    def next_version(self, after: "Ticket") -> Change["Ticket"]:
        """Return the change to a state that differs from this one."""
        after = replace(after, version=self.version + 1)
        return Change(after, (after.to_event(),))

    def to_event(self) -> TicketUpdated:
        """Return the event that publishes the ticket's current state."""
        return TicketUpdated.from_attributes(self)


def check_price_cap(price: int, face_value: int | None, cap_percent: int | None) -> None:
    """Check that a price is at most its share of the face value.

    Args:
        price: the price, in cents.
        face_value: the face value, in cents.
        cap_percent: the highest price in percent of the face value. None allows every price.

    Raises:
        BadRequest: the price is above the cap, or the cap needs a face value.
    """
    if cap_percent is None:
        return
    if face_value is None:
        raise BadRequest(
            f"The face value is required, because the price may be at most {cap_percent} % of it",
            field="faceValue",
        )
    if price * 100 > face_value * cap_percent:
        highest = face_value * cap_percent // 100 / 100
        raise BadRequest(
            f"The price may be at most {highest:,.2f}, which is {cap_percent} % of the face value",
            field="price",
        )


def list_ticket(
    *,
    ticket_id: str,
    title: str,
    price: int,
    seller_id: str,
    now: datetime,
    show: ShowFacts | None = None,
    seat: Seat | None = None,
    face_value: int | None = None,
) -> Change[Ticket]:
    """Create an available ticket. Prices are in cents."""
    ticket = Ticket(
        ticket_id,
        0,
        title,
        price,
        seller_id,
        now,
        show=show,
        seat=seat,
        face_value=face_value,
    )
    return Change(ticket, (TicketCreated.from_attributes(ticket),))
