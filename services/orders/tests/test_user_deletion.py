"""Tests of accounts that close and that are deleted: reservations, unpaid orders, exports."""

from typing import Any

from bson import ObjectId
from prometheus_client import REGISTRY

from common.events import (
    ListingsWithdrawn,
    OrderCancelled,
    Portion,
    ReservationsClosed,
    TicketCreated,
    TicketUpdated,
    UserDeleted,
    WithdrawnListing,
)
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id

PAGE_SIZE = 100


def postponements() -> float:
    labels = {"subject": ListingsWithdrawn.subject, "outcome": "postponed"}
    return REGISTRY.get_sample_value("event_handler_total", labels) or 0


async def publish(published: EventProbe, event: ListingsWithdrawn | UserDeleted, key: str) -> None:
    await published.publish(event, aggregate_id=key)
    await published.wait_until_handled(
        "orders-auth" if isinstance(event, UserDeleted) else "orders-tickets"
    )


async def test_reservations_are_closed_when_every_withdrawal_is_known(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    async def is_postponed() -> bool:
        return postponements() > before

    before, seller_id = postponements(), ticket.user_id
    withdrawn = ListingsWithdrawn(
        user_id=seller_id,
        closing_at=utc_now(),
        listings=(WithdrawnListing(ticket_id=ticket.id, version=2),),
    )
    await published.publish(withdrawn, aggregate_id=seller_id)
    await eventually(is_postponed)
    early = await published.all(ReservationsClosed)
    update = TicketUpdated.model_validate(ticket.model_dump() | {"version": 2, "withdrawn": True})
    await published.publish(update, aggregate_id=ticket.id)

    closed = await published.next(ReservationsClosed)

    orders.sign_in()
    refused = await orders.post("/api/orders", json={"ticketId": ticket.id})
    assert early == []
    assert (closed.user_id, closed.closing_at) == (seller_id, withdrawn.closing_at)
    assert refused.status_code == 400


async def test_reservations_are_closed_when_every_portion_is_known(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    assert orders
    seller_id, closing_at, of = ticket.user_id, utc_now(), new_id()
    named, unnamed = (WithdrawnListing(ticket_id=ticket.id, version=0),), ()
    portions = [
        ListingsWithdrawn(
            user_id=seller_id,
            closing_at=closing_at,
            listings=listings,
            portion=Portion(of=shared, number=number, count=2),
        )
        for listings, shared, number in ((unnamed, of, 1), (named, new_id(), 0), (named, of, 0))
    ]
    last, of_another_time, first = portions

    for portion in (last, last, of_another_time):
        await publish(published, portion, seller_id)
    early = await published.all(ReservationsClosed)
    await publish(published, first, seller_id)

    closed = await published.next(ReservationsClosed)
    assert early == []
    assert (closed.user_id, closed.closing_at) == (seller_id, closing_at)


async def test_account_without_listings_is_confirmed_at_once(
    orders: Client, published: EventProbe
) -> None:
    assert orders
    withdrawn = ListingsWithdrawn(user_id=new_id(), closing_at=utc_now())

    await publish(published, withdrawn, withdrawn.user_id)

    assert (await published.next(ReservationsClosed)).user_id == withdrawn.user_id


async def test_order_placed_during_the_deletion_is_cancelled(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    user = orders.sign_in()
    key = {"Idempotency-Key": new_id()}
    placed = await orders.post("/api/orders", json={"ticketId": ticket.id}, headers=key)
    order_id = placed.json()["id"]

    for version in (0, 1):
        event = UserDeleted(id=user.id, version=version, deleted_at=utc_now())
        await publish(published, event, user.id)

    cancelled = await published.next(OrderCancelled)
    database = orders.app.state.service.running.database
    assert placed.status_code == 201
    assert (cancelled.id, len(await published.all(OrderCancelled))) == (order_id, 1)
    assert await database["idempotency"].count_documents({}) == 0


async def test_export_has_all_own_orders_over_several_pages(orders: Client) -> None:
    user = make_user(authenticated_at=utc_now().timestamp())
    collection: Any = orders.app.state.service.running.database["orders"]
    orders.sign_in(user)
    documents = [order_document(user.id, hold) for hold in range(1, PAGE_SIZE + 6)]
    await collection.insert_many([*documents, order_document(new_id(), 1)])

    async def exported() -> bool:
        response = await orders.get("/api/orders/export")
        ids = [one["id"] for one in response.json()["orders"]]
        return ids == sorted((str(doc["_id"]) for doc in documents), reverse=True)

    await eventually(exported)


def order_document(user_id: str, hold: int) -> dict[str, Any]:
    """Return a stored order that is cancelled."""
    now = utc_now()
    return {
        "_id": ObjectId(),
        "version": 1,
        "status": "cancelled",
        "live": False,
        "user_id": user_id,
        "created_at": now,
        "expires_at": now,
        "ticket": {"id": ObjectId(), "title": "Row 1", "price": 1999, "hold": hold},
        "slot": 0,
        "reason": "buyer",
        "outbox": [],
        "history": [],
    }
