"""The payout of a charge: what its seller gets, in rounds of one transfer each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.events import PayoutState

BASIS_POINTS: Final = 10_000


class HoldReason(StrEnum):
    """Why a payout is frozen, as its seller sees it."""

    NO_ACCOUNT = "no_account"
    ACCOUNT_NOT_READY = "account_not_ready"
    ACCOUNT_REFUSED = "account_refused"
    PAUSED = "paused"
    DISPUTED = "disputed"
    SECOND_FACTOR_REMOVAL = "second_factor_removal"
    """Somebody who reset the password has announced that the second factor is removed."""


@dataclass(frozen=True, slots=True)
class Payout:
    """What the seller of a charge gets.

    Attributes:
        round: of the transfer. The next round begins when a dispute is won after a recall.
        amount: of the transfer of this round, in cents.
        withheld: what was kept from this round because the seller owed it.
        account_id: the account of the seller to which this round goes.
        refusals: how often Stripe refused the transfer of this round. Each try after a refusal
            needs a new idempotency key.
        reversed: how much of the transfer came back.
        reason: why it is frozen, void or short.
    """

    state: PayoutState
    round: int = 1
    amount: int = 0
    withheld: int = 0
    account_id: str | None = None
    transfer_id: str | None = None
    reversal_id: str | None = None
    refusals: int = 0
    reversed: int = 0
    reason: str | None = None

    @property
    def rest(self) -> int:
        """How much of the transfer is still with the seller."""
        return self.amount - self.reversed


def fee_of(amount: int, basis_points: int) -> int:
    """Return the platform's share of an amount in cents, rounded down."""
    return amount * basis_points // BASIS_POINTS
