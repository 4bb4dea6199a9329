"""Checks of letters: one for each fact about an order, and each was sent or refused for good."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from chaos.snapshot import Snapshot

REFUSED_LETTER: Final = 554
"""The status with which the mail server refuses letters for good, when a test asks for it."""
KINDS: Final = {
    "complete": frozenset({"receipt"}),
    "cancelled": frozenset({"order_expired", "order_cancelled"}),
}
"""The letters about an order that has ended, by its status."""


def one_letter_per_order(snapshot: Snapshot) -> Iterator[str]:
    """Check that each ended order of an account has one letter, and that none was given up."""
    accounts = snapshot.by_id("auth.accounts")
    letters = snapshot.documents["auth.letters"]
    written = Counter(
        (letter["facts"].get("order_id"), letter["user_id"], letter["kind"]) for letter in letters
    )
    for order_id, order in snapshot.by_id("orders.orders").items():
        kinds = KINDS.get(order["status"])
        if kinds is None or order["user_id"] not in accounts:
            continue
        count = sum(written[order_id, order["user_id"], kind] for kind in kinds)
        if count != 1:
            yield f"order {order_id} is {order['status']} and has {count} letters about it"
    for letter in letters:
        if letter["state"] == "failed" and letter["refusal"] != str(REFUSED_LETTER):
            yield f"letter {letter['_id']} was given up: {letter['refusal']}"


def sent_letters_arrived(snapshot: Snapshot) -> Iterator[str]:
    """Check that the mail server has each letter that was sent."""
    for letter_id, letter in snapshot.by_id("auth.letters").items():
        if letter["state"] == "sent" and letter_id not in snapshot.received_letters:
            yield f"letter {letter_id} was sent, but did not arrive"
