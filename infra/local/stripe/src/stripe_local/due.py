"""Delayed changes: refunds that settle, and the like."""

from collections.abc import Callable
from typing import Final

from stripe_local import clock
from stripe_local.clock import timestamp
from stripe_local.connect import account_state, payouts
from stripe_local.documents import Document
from stripe_local.resources import disputes, refunds
from stripe_local.resources.call import Call

_SETTLE: Final[dict[str, Callable[[Call, Document], None]]] = {
    account_state.KIND: payouts.settle_account,
    "charge": disputes.settle_charge,
    "dispute": disputes.settle_dispute,
    "payout": payouts.settle_payout,
    "refund": refunds.settle_refund,
}


def advance(call: Call, seconds: float) -> None:
    """Move the time forward, and make each change that becomes due at its own time."""
    end = timestamp() + seconds
    while (due := call.store.next_due()) is not None and due <= end:
        clock.move(call.store.connection, max(due - timestamp(), 0))
        settle_due(call)
    clock.move(call.store.connection, max(end - timestamp(), 0))


def settle_due(call: Call) -> None:
    """Make the changes that are due, and those that become due with them."""
    while due := call.store.list_due(timestamp()):
        for document in due:
            with call.store.transaction():
                _SETTLE[document["object"]](call, document)
