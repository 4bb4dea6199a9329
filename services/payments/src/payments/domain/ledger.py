"""The ledger: what moved for each payment, as we know it and as Stripe's balance has it.

Amounts are in cents, and signed as they change the balance of the platform.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from common.events import ChargeStatus, PayoutState
from payments.domain.charge import Charge
from payments.domain.payout_transitions import WITH_PAYOUT


class Line(StrEnum):
    """What a movement of money is, in the words of the report."""

    PAID = "paid"
    REFUNDED = "refunded"
    DISPUTED = "taken by the bank"
    SENT = "sent to the seller"
    FEES = "Stripe's fees"
    OTHER = "other"
    """Payouts of the platform to its bank, and what else is not about one payment."""


COMPARED: Final = (Line.PAID, Line.REFUNDED, Line.DISPUTED, Line.SENT)
WAITING: Final = (PayoutState.HELD, PayoutState.FROZEN, PayoutState.SENDING)
BALANCE: Final = "balance of the platform"


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """A change of the platform's balance at Stripe.

    Attributes:
        owner: the PaymentIntent, or the charge of which `Line.SENT` is the payout.
        transfer_id: the transfer that was made, or of which something came back.
    """

    line: Line
    amount: int
    fee: int
    net: int
    owner: str | None = None
    transfer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """An amount that we and Stripe do not agree on."""

    subject: str
    what: str
    stored: int
    at_stripe: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of a reconciliation; amounts are in cents.

    Attributes:
        at: when it began.
        differences: how many amounts differ.
        balance: what the platform had at Stripe.
        held: what it held for sellers.
        owed: what sellers owed it.
    """

    at: datetime
    differences: int = 0
    balance: int = 0
    held: int = 0
    owed: int = 0


@dataclass(slots=True)
class StripeLedger:
    """The transactions at Stripe, summed up by line and by what they belong to."""

    totals: Counter[Line] = field(default_factory=Counter[Line])
    by_owner: Counter[tuple[str, Line]] = field(default_factory=Counter[tuple[str, Line]])
    by_transfer: Counter[str] = field(default_factory=Counter[str])
    owners: dict[str, str] = field(default_factory=dict[str, str])
    """The charge of each transfer, which a reversal made by hand does not name."""

    def add(self, transaction: BalanceTransaction) -> None:
        """Add a transaction."""
        self.totals[transaction.line] += transaction.amount
        self.totals[Line.FEES] += transaction.net - transaction.amount
        if transaction.transfer_id is not None:
            self.by_transfer[transaction.transfer_id] += transaction.amount
            if transaction.owner is not None:
                self.owners[transaction.transfer_id] = transaction.owner
        elif transaction.owner is not None:
            self.by_owner[transaction.owner, transaction.line] += transaction.amount

    @property
    def balance(self) -> int:
        """What the platform has if these are all transactions."""
        return self.totals.total()

    def assign_transfers(self) -> None:
        """Move what was sent by each transfer to the charge that it pays out."""
        for transfer_id, amount in self.by_transfer.items():
            self.by_owner[self.owners.get(transfer_id, transfer_id), Line.SENT] += amount
        self.by_transfer.clear()

    def take(self, charge: Charge) -> dict[Line, int]:
        """Return what Stripe moved for a charge, and forget it."""
        owners = {Line.SENT: charge.id}
        return {
            line: self.by_owner.pop((owners.get(line, charge.stripe_id), line), 0)
            for line in COMPARED
        }

    def unknown(self) -> Iterator[Difference]:
        """Yield what is left after every charge was taken: it belongs to none of them."""
        moved: Counter[tuple[str, bool]] = Counter()
        for (owner, line), amount in self.by_owner.items():
            moved[owner, line is Line.SENT] += amount
        for (owner, is_transfer), amount in moved.items():
            if amount:
                kind, what = ("transfer of", Line.SENT) if is_transfer else ("payment", Line.PAID)
                yield Difference(f"{kind} {owner}", what, 0, amount)


def stored_lines(charge: Charge, at_stripe: Mapping[Line, int]) -> dict[Line, int]:
    """Return what we know to have moved for a charge.

    Args:
        charge: the charge.
        at_stripe: decides what we cannot know: an open dispute, and money given back by hand.
    """
    dispute, payout = charge.dispute, charge.payout
    disputed = -dispute.amount_lost if dispute else 0
    refunds = _possible_refunds(charge, -charge.amount, -charge.amount - disputed)
    refunded = at_stripe[Line.REFUNDED] if at_stripe[Line.REFUNDED] in refunds else refunds[0]
    if dispute is not None and dispute.is_open:
        disputed = at_stripe[Line.DISPUTED]
    return {
        Line.PAID: charge.amount if charge.status in WITH_PAYOUT else 0,
        Line.REFUNDED: refunded,
        Line.DISPUTED: disputed,
        Line.SENT: -payout.rest if payout is not None and payout.transfer_id else 0,
    }


def _possible_refunds(charge: Charge, whole: int, rest: int) -> tuple[int, ...]:
    """Return what may have been refunded: all, or what a bank had not taken already."""
    match charge.status:
        case ChargeStatus.REFUND_PENDING | ChargeStatus.REFUNDED if charge.stripe_refund_id:
            return (whole, rest)
        case ChargeStatus.REFUND_FAILED:
            return (0, whole, rest)
        case _:
            return (0,)


def compare(charge: Charge, at_stripe: Mapping[Line, int]) -> Iterable[Difference]:
    """Return the lines of a charge that differ."""
    return [
        Difference(f"charge {charge.id}", line, stored, at_stripe[line])
        for line, stored in stored_lines(charge, at_stripe).items()
        if stored != at_stripe[line]
    ]


def compare_balance(at_stripe: StripeLedger, *, before: int, after: int) -> Iterable[Difference]:
    """Return how a balance differs from all its transactions, which were read between two reads.

    If the two differ, money moved meanwhile, and nothing is known.
    """
    if before != after or after == at_stripe.balance:
        return []
    return [Difference(BALANCE, "all transactions", at_stripe.balance, after)]


def held_amount(charge: Charge, at_stripe: Mapping[Line, int]) -> int:
    """Return what the platform holds for the seller of a charge."""
    if charge.payout is None or charge.payout.state not in WAITING:
        return 0
    return max(charge.payable - charge.payout.withheld + at_stripe[Line.SENT], 0)
