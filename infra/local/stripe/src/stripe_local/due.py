"""Delayed changes: refunds that settle, and the like."""

from collections.abc import Callable
from typing import Final

from stripe_local.clock import timestamp
from stripe_local.documents import Document
from stripe_local.resources import refunds
from stripe_local.resources.call import Call

_SETTLE: Final[dict[str, Callable[[Call, Document], None]]] = {
    "refund": refunds.settle_refund,
}


def settle_due(call: Call) -> None:
    """Make the changes that are due, and those that become due with them."""
    while due := call.store.list_due(timestamp()):
        for document in due:
            with call.store.transaction():
                _SETTLE[document["object"]](call, document)
