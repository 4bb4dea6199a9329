"""The checks of declined payments: each is counted, and none reveals that a card is stolen."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chaos.snapshot import Doc, Snapshot

COUNTED_FOR = timedelta(minutes=50)
"""An attempt is counted for an hour."""
CONCEALED_CODES = frozenset(
    {"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "restricted_card"}
    | {"stolen_card"}
)


def declines_counted(snapshot: Snapshot) -> Iterator[str]:
    """Check that each recent declined attempt is counted for its account.

    An attempt that Stripe never answered has no number of its own.
    """
    counted = {
        (slot.rpartition("#")[0], counted_id.rpartition(":")[0])
        for counted_id, attempt in snapshot.by_id("payments.counted_attempts").items()
        for slot in attempt["slots"]
    }
    since = datetime.now(UTC) - COUNTED_FOR
    for charge_id, charge in snapshot.by_id("payments.charges").items():
        for number, attempt in _answered(charge):
            if attempt["outcome"] != "declined" or attempt["at"] < since:
                continue
            if (f"account:{charge['user_id']}", f"{charge_id}:{number}") not in counted:
                yield f"declined attempt {number} of charge {charge_id} is not counted"


def reported_cards_concealed(snapshot: Snapshot) -> Iterator[str]:
    """Check that neither an event nor a charge reveals to its buyer that a card is stolen."""
    for event in snapshot.streams["payments"]:
        if json.loads(event.data).get("reason") in CONCEALED_CODES:
            yield f"event {event.id} reveals that a card was reported"
    for charge_id, charge in snapshot.by_id("payments.charges").items():
        shown = [charge.get("last_error"), *charge.get("attempts", [])]
        if any(error and error["decline_code"] in CONCEALED_CODES for error in shown):
            yield f"charge {charge_id} reveals that a card was reported"


def _answered(charge: Doc) -> Iterator[tuple[int, Doc]]:
    number = 0
    for attempt in charge.get("attempts", []):
        number += attempt["outcome"] != "nothing"
        yield number, attempt
