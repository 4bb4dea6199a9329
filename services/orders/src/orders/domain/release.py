"""When the seller of an order is paid."""

from datetime import datetime, timedelta
from typing import Final

from common.shows import OrderedShow

AFTER_SHOW: Final = timedelta(hours=72)
AFTER_RECEIPT: Final = timedelta(days=14)
"""How long after its buyer has the ticket, if it has no show."""
AFTER_ORDER: Final = timedelta(days=90)
"""How long after the order, if it has no show and nobody knows whether its buyer has the ticket."""


def release_date(
    show: OrderedShow | None, *, placed_at: datetime, received_at: datetime | None
) -> datetime:
    """Return when the seller is paid, from the dates that the buyer saw.

    Without a show it is never later than the sell form promises, whenever the ticket arrives.
    """
    if show is not None:
        return show.ends_at + AFTER_SHOW
    latest = placed_at + AFTER_ORDER
    return latest if received_at is None else min(received_at + AFTER_RECEIPT, latest)
