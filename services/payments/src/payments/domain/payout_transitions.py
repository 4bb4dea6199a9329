r"""The states of a payout and the transitions between them.

held -> sending -> sent -> recalling -> recalled | short
 |  \-> frozen (dispute, seller not ready, paused) -> held
 \-> void (refunded, dispute lost)

A payout and the refund to the buyer are two exits of one charge, so the status of the charge takes
part in every transition. A transfer that was asked for is never forgotten: while it is `sending`, a
refund changes only the status of the charge, and the transfer is recalled once it is known. One
that arrives after Stripe refused it to another process is recorded all the same.
"""

from enum import StrEnum
from itertools import product
from typing import Final

from common.events import ChargeStatus, PayoutState
from payments.domain.transitions import REFUND_FAILED, REFUND_PENDING, REFUNDED, SUCCEEDED

HELD = PayoutState.HELD
SENDING = PayoutState.SENDING
SENT = PayoutState.SENT
RECALLING = PayoutState.RECALLING
RECALLED = PayoutState.RECALLED
SHORT = PayoutState.SHORT
FROZEN = PayoutState.FROZEN
VOID = PayoutState.VOID


class Signal(StrEnum):
    """What may happen to a payout."""

    RELEASE = "release"
    FREEZE = "freeze"
    THAW = "thaw"
    TRANSFER = "transferred"
    LATE_TRANSFER = "transferred_after_the_money_went_back"
    POSTPONEMENT = "transfer_postponed"
    REFUSAL = "transfer_refused"
    ABANDONMENT = "transfer_abandoned"
    REFUND = "refund_started"
    CHARGEBACK = "dispute_lost"
    REVERSAL = "reversed"
    REVERSAL_REFUSAL = "reversal_refused"
    NEXT_ROUND = "dispute_won_after_recall"


REFUNDING_STATUSES: Final = frozenset({REFUND_PENDING, REFUNDED, REFUND_FAILED})
"""The money goes back to the buyer, or has to be given back by hand."""
WITH_PAYOUT: Final = (SUCCEEDED, *sorted(REFUNDING_STATUSES))

Key = tuple[ChargeStatus, PayoutState, Signal]

_WHILE_PAID: Final[dict[tuple[PayoutState, Signal], PayoutState]] = {
    (HELD, Signal.RELEASE): SENDING,
    (HELD, Signal.FREEZE): FROZEN,
    (FROZEN, Signal.FREEZE): FROZEN,
    (FROZEN, Signal.THAW): HELD,
    **{(state, Signal.TRANSFER): SENT for state in (SENDING, HELD, FROZEN)},
    (SENDING, Signal.POSTPONEMENT): HELD,
    (SENDING, Signal.REFUSAL): FROZEN,
    (HELD, Signal.CHARGEBACK): VOID,
    (FROZEN, Signal.CHARGEBACK): VOID,
    (SENT, Signal.CHARGEBACK): RECALLING,
    (RECALLED, Signal.CHARGEBACK): RECALLING,  # of another part
    (RECALLED, Signal.NEXT_ROUND): HELD,
}
_WHILE_REFUNDING: Final[dict[tuple[PayoutState, Signal], PayoutState]] = {
    (HELD, Signal.REFUND): VOID,
    (FROZEN, Signal.REFUND): VOID,
    (SENT, Signal.REFUND): RECALLING,
}
_ALWAYS: Final[dict[tuple[PayoutState, Signal], PayoutState]] = {
    **{(state, Signal.LATE_TRANSFER): RECALLING for state in (SENDING, HELD, FROZEN, VOID)},
    (SENDING, Signal.ABANDONMENT): VOID,
    (RECALLING, Signal.REVERSAL): RECALLED,
    (RECALLING, Signal.REVERSAL_REFUSAL): SHORT,
}

PAYOUT_TRANSITIONS: Final[dict[Key, PayoutState]] = {
    **{(SUCCEEDED, *key): state for key, state in _WHILE_PAID.items()},
    **{
        (status, *key): state
        for status, (key, state) in product(sorted(REFUNDING_STATUSES), [*_WHILE_REFUNDING.items()])
    },
    **{(status, *key): state for status, (key, state) in product(WITH_PAYOUT, [*_ALWAYS.items()])},
}
"""A signal without an entry changes nothing. The status is that of the charge after the signal."""
