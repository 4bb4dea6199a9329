"""The check that no buyer holds more than their share of the tickets."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from chaos.snapshot import Doc, Snapshot

ORDER_LIMIT: Final = 4
"""The default of orders, which `make chaos` keeps."""
UNPAID_STATUSES: Final = frozenset({"created", "awaiting:payment"})
REPEAT_PERIOD: Final = timedelta(hours=24)
REPEAT_WAIT_MINUTES: Final = (0, 0, 1, 5, 15)
"""By the number of the buyer's cancelled orders on the ticket; the last one for any more."""


def fair_use(snapshot: Snapshot) -> Iterator[str]:
    """Check the slots of unpaid orders, and the waits before repeated orders on a ticket."""
    orders = snapshot.documents["orders.orders"]
    yield from _slots([order for order in orders if order["status"] in UNPAID_STATUSES])
    by_buyer_and_ticket: defaultdict[tuple[str, str], list[Doc]] = defaultdict(list)
    for order in orders:
        by_buyer_and_ticket[order["user_id"], str(order["ticket"]["id"])].append(order)
    for same in by_buyer_and_ticket.values():
        same.sort(key=lambda order: order["ticket"]["hold"])
        for number, order in enumerate(same):
            yield from _wait(order, same[:number])


def _slots(unpaid: list[Doc]) -> Iterator[str]:
    for buyer, count in Counter(order["user_id"] for order in unpaid).items():
        if count > ORDER_LIMIT:
            yield f"buyer {buyer} has {count} unpaid orders"
    slots = Counter((order["user_id"], order["slot"]) for order in unpaid)
    for (buyer, slot), count in slots.items():
        if count > 1:
            yield f"buyer {buyer} has {count} unpaid orders in slot {slot}"
        if slot not in range(ORDER_LIMIT):
            yield f"buyer {buyer} has an unpaid order in slot {slot}"


def _wait(order: Doc, earlier: list[Doc]) -> Iterator[str]:
    since = order["created_at"] - REPEAT_PERIOD
    cancelled = [
        one["history"][-1]["at"]
        for one in earlier
        if one["status"] == "cancelled" and one["created_at"] >= since
    ]
    if not cancelled:
        return
    minutes = REPEAT_WAIT_MINUTES[min(len(cancelled), len(REPEAT_WAIT_MINUTES) - 1)]
    if order["created_at"] < max(cancelled) + timedelta(minutes=minutes):
        yield (
            f"order {order['_id']} was placed after {len(cancelled)} cancelled ones "
            f"without waiting {minutes} minutes"
        )
