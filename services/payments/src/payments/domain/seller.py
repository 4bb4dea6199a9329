"""A seller: the account at Stripe to which the money of a user's sales goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from common.change import Change
from common.events import SellerCreated, SellerUpdated, TransfersStatus


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that Stripe wants to know of a seller."""

    description: str
    deadline: str | None = None
    """`currently_due`, `eventually_due` or `past_due`."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as Stripe returned it."""

    id: str
    transfers: TransfersStatus
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Seller:
    """A user who is paid; the id is that of the user.

    Attributes:
        debts: what could not be called back, in cents, by payout and round.
        withheld: what was kept from later payouts for it, in cents, by payout and round.
    """

    id: str
    version: int
    created_at: datetime
    updated_at: datetime
    stripe_account_id: str | None = None
    transfers: TransfersStatus = TransfersStatus.PENDING
    requirements: tuple[Requirement, ...] = ()
    is_paused: bool = False
    debts: Mapping[str, int] = field(default_factory=dict[str, int])
    withheld: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def owed(self) -> int:
        """What the seller owes the platform, in cents."""
        return sum(self.debts.values()) - sum(self.withheld.values())

    def apply_account(self, account: Account, now: datetime) -> Change["Seller"]:
        """Apply the state of the account at Stripe."""
        return self._next_version(
            now,
            stripe_account_id=account.id,
            transfers=account.transfers,
            requirements=account.requirements,
        )

    def refresh_account(self, account: Account, now: datetime) -> Change["Seller"]:
        """Apply the state of an account, unless another one has replaced it meanwhile."""
        if self.stripe_account_id != account.id:
            return Change(self)
        return self.apply_account(account, now)

    def pause(self, now: datetime, *, is_paused: bool) -> Change["Seller"]:
        """Hold the payouts of the seller back, or no longer."""
        return self._next_version(now, is_paused=is_paused)

    def record_debt(self, key: str, amount: int, now: datetime) -> Change["Seller"]:
        """Record what a payout could not call back. Repeating it changes nothing."""
        return self._next_version(now, debts={**self.debts, key: amount})

    def withhold(self, key: str, net: int, now: datetime) -> Change["Seller"]:
        """Keep what is owed from a payout, at most all of it. Repeating it changes nothing."""
        amount = min(max(self.owed, 0), net)
        if key in self.withheld or not amount:
            return Change(self)
        return self._next_version(now, withheld={**self.withheld, key: amount})

    def give_back(self, key: str, now: datetime) -> Change["Seller"]:
        """Undo what was kept from a payout that was not made."""
        rest = {name: amount for name, amount in self.withheld.items() if name != key}
        return self._next_version(now, withheld=rest)

    def _next_version(self, now: datetime, **changes: Any) -> Change["Seller"]:
        if replace(self, **changes) == self:
            return Change(self)
        after = replace(self, version=self.version + 1, updated_at=now, **changes)
        return Change(after, (SellerUpdated.from_attributes(after),))

    def to_event(self) -> SellerCreated | SellerUpdated:
        """Return the event that publishes the seller's current state."""
        kind = SellerUpdated if self.version else SellerCreated
        return kind.from_attributes(self)


def new_seller(user_id: str, now: datetime) -> Change[Seller]:
    """Return a seller without an account."""
    seller = Seller(id=user_id, version=0, created_at=now, updated_at=now)
    return Change(seller, (seller.to_event(),))
