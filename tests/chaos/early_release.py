"""The orders service of a run, whose sellers are paid after seconds instead of weeks.

It is a program of the run, so that the service needs no setting that shortens what buyers and
sellers were promised.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import FastAPI

from orders import app
from orders.domain import release

AFTER_SHOW: Final = timedelta(seconds=10)
AFTER_RECEIPT: Final = timedelta(seconds=8)
AFTER_ORDER: Final = timedelta(seconds=25)


def create_app() -> FastAPI:
    """Return the app of orders with these periods."""
    periods = {
        "AFTER_SHOW": AFTER_SHOW,
        "AFTER_RECEIPT": AFTER_RECEIPT,
        "AFTER_ORDER": AFTER_ORDER,
    }
    for name, period in periods.items():
        setattr(release, name, period)
    return app.create_app()


def earliest_release(order: Mapping[str, Any]) -> datetime:
    """Return when the seller of an order may be paid, from the dates that the buyer saw."""
    show: Mapping[str, Any] | None = order["ticket"].get("show")
    if show is not None:
        return show["ends_at"] + AFTER_SHOW
    latest = order["created_at"] + AFTER_ORDER
    received_at: datetime | None = order.get("received_at")
    return latest if received_at is None else min(received_at + AFTER_RECEIPT, latest)
