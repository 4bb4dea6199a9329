"""Tests of orders on tickets whose original is in the vault, or that are being checked."""

from datetime import timedelta
from typing import Any

import pytest

from common.events import (
    ChargeStatus,
    OrderCompleted,
    OrderCreated,
    PaymentCreated,
    TicketCreated,
    TicketUpdated,
)
from common.persistence.mongo import collection_of, object_id
from common.protection import Protection, ProtectionGrade
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.ids import new_id
from orders.app import create_app
from orders.settings import Settings
from orders.store.orders import OrderDocument
from orders.store.ticket_replicas import TicketReplica

IN_VAULT = Protection(
    grade=ProtectionGrade.VAULT, digest="ab" * 32, symbologies=("qr",), revealed=False
)
REPLACED = IN_VAULT.model_copy(update={"digest": "cd" * 32, "symbologies": ("aztec", "qr")})
SHOWN = {"grade": "vault", "symbologies": ["qr"], "revealed": False}
FREEZE = timedelta(hours=72)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def orders(serve: Serve, environment: dict[str, Any], clock: FakeClock) -> Client:
    """A signed-in client of a service whose clock the test sets."""
    client = await serve(create_app(Settings(**environment), clock))
    client.clock = clock
    client.sign_in()
    return client


async def list_ticket(published: EventProbe, **fields: Any) -> TicketCreated:
    """Publish a ticket, and wait until orders has a copy of it."""
    ticket = TicketCreated(
        id=new_id(), version=0, title="Row 1", price=1999, user_id=new_id(), **fields
    )
    await published.publish(ticket, aggregate_id=ticket.id)
    await published.wait_until_handled("orders-tickets")
    return ticket


async def change(published: EventProbe, ticket: TicketCreated, **changes: Any) -> None:
    """Publish a later version of a ticket."""
    event = TicketUpdated.model_validate({**ticket.model_dump(by_alias=False), **changes})
    await published.publish(event, aggregate_id=ticket.id)
    await published.wait_until_handled("orders-tickets")


async def test_order_pins_and_publishes_the_protection_that_its_buyer_saw(
    orders: Client, published: EventProbe
) -> None:
    ticket = await list_ticket(published, protection=IN_VAULT)

    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()
    await change(published, ticket, version=1, protection=REPLACED)

    assert order["ticket"]["protection"] == SHOWN
    assert (await published.next(OrderCreated)).ticket.protection == IN_VAULT
    paid = PaymentCreated(
        id=new_id(),
        version=1,
        order_id=order["id"],
        amount=1999,
        status=ChargeStatus.SUCCEEDED,
    )
    await published.publish(paid, aggregate_id=paid.id)
    await published.wait_until_handled("orders-payments")
    assert (await published.next(OrderCompleted)).ticket.protection == IN_VAULT
    stored = (await orders.get(f"/api/orders/{order['id']}")).json()
    assert stored["ticket"]["protection"] == SHOWN


async def test_order_of_a_described_ticket_looks_as_it_did_before(
    orders: Client, published: EventProbe
) -> None:
    ticket = await list_ticket(published)

    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()

    assert order["ticket"].keys() == {"id", "title", "price"}
    assert (await published.next(OrderCreated)).ticket.protection is None


async def test_ticket_that_is_being_checked_cannot_be_ordered_until_its_time_is_over(
    orders: Client, published: EventProbe, clock: FakeClock
) -> None:
    ticket = await list_ticket(published, frozen_until=clock() + FREEZE)

    refused = await orders.post("/api/orders", json={"ticketId": ticket.id})
    clock.advance(hours=72)
    orders.sign_in()  # a session is shorter
    placed = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert refused.status_code == 400
    assert errors(refused) == [{"message": "This ticket is being checked"}]
    assert placed.status_code == 201


async def test_ticket_can_be_ordered_as_soon_as_the_operator_has_cleared_it(
    orders: Client, published: EventProbe, clock: FakeClock
) -> None:
    ticket = await list_ticket(published, frozen_until=clock() + FREEZE)
    await change(published, ticket, version=1, frozen_until=None)

    placed = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert placed.status_code == 201


async def test_order_and_copy_that_an_earlier_version_stored_are_read(
    orders: Client, published: EventProbe
) -> None:
    ticket = await list_ticket(published, protection=IN_VAULT)
    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()
    await collection_of(OrderDocument).update_one(
        {"_id": object_id(order["id"])}, {"$unset": {"ticket.protection": 1}}
    )
    await collection_of(TicketReplica).update_one(
        {"_id": object_id(ticket.id)}, {"$unset": {"protection": 1, "frozen_until": 1}}
    )

    shown = (await orders.get(f"/api/orders/{order['id']}")).json()
    await orders.delete(f"/api/orders/{order['id']}")
    again = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert "protection" not in shown["ticket"]
    assert (again.status_code, "protection" in again.json()["ticket"]) == (201, False)
