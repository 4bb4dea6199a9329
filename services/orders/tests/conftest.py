"""Fixtures: one orders service per test."""

from typing import Any

import pytest

from common.events import TicketCreated
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.ids import new_id
from orders.app import create_app
from orders.settings import Settings


@pytest.fixture
async def orders(serve: Serve, environment: dict[str, Any]) -> Client:
    """A client of the running service, without a session."""
    return await serve(create_app(Settings(**environment)))


@pytest.fixture
async def ticket(orders: Client, published: EventProbe) -> TicketCreated:
    """A listed ticket that orders has a copy of."""
    assert orders
    event = TicketCreated(id=new_id(), version=0, title="Front row", price=1999, user_id=new_id())
    await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled("orders-tickets")
    return event
