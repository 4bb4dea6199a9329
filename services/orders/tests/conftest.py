"""An orders service of each test's own."""

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
    """The running service, asked by nobody in particular."""
    return await serve(create_app(Settings(**environment)))


@pytest.fixture
async def ticket(orders: Client, published: EventProbe) -> TicketCreated:
    """A ticket that somebody listed, and orders has heard of."""
    assert orders
    event = TicketCreated(id=new_id(), version=0, title="Front row", price=1999, user_id=new_id())
    await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled("orders-tickets")
    return event
