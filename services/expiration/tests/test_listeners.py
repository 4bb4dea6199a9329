"""Tests of order events, repeated, late and out of order, with Redis and without."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from common.events import (
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderStatus,
    OrderUpdated,
)
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration.settings import Settings
from expiration.store import RETENTION

Order = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted
Expiration = Callable[..., Awaitable[Client]]
FindDeadline = Callable[[str], Awaitable[dict[str, Any] | None]]
DURABLE = "expiration-orders"
LATER = timedelta(hours=1)


def history(at: datetime | None = None) -> dict[str, Order]:
    """Return the events of one order by name."""
    order_id, user_id, ticket_id = new_id(), new_id(), new_id()

    def event(kind: type[Order], version: int, status: OrderStatus) -> Order:
        return kind(
            id=order_id,
            version=version,
            status=status,
            user_id=user_id,
            expires_at=at or utc_now() + LATER,
            ticket=OrderedTicket(id=ticket_id, title="Front row", price=1999, hold=1),
        )

    return {
        "created": event(OrderCreated, 0, OrderStatus.CREATED),
        "updated": event(OrderUpdated, 1, OrderStatus.AWAITING_PAYMENT),
        "cancelled": event(OrderCancelled, 2, OrderStatus.CANCELLED),
        "completed": event(OrderCompleted, 2, OrderStatus.COMPLETE),
    }


async def publish_events(published: EventProbe, *events: Order) -> None:
    """Publish the events in order, and wait until they are handled."""
    for event in events:
        await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled(DURABLE)


async def timer_score(redis: Redis, settings: Settings, order_id: str) -> float | None:
    queue = f"{settings.namespace}:expiration"
    return await redis.zscore(queue, order_id)


async def test_created_order_gets_a_deadline_and_a_timer(
    expiration: Expiration,
    settings: Settings,
    published: EventProbe,
    find_deadline: FindDeadline,
    redis: Redis,
) -> None:
    await expiration(settings)
    order = history()["created"]

    await publish_events(published, order)

    row = await find_deadline(order.id)
    assert row is not None
    assert (row["status"], row["version"]) == ("waiting", 0)
    score = await timer_score(redis, settings, order.id)
    assert score == int(order.expires_at.timestamp() * 1000)
    assert await redis.exists(f"arq:job:{order.id}")


async def test_jobs_are_json(
    expiration: Expiration, settings: Settings, published: EventProbe, redis: Redis
) -> None:
    await expiration(settings)
    order = history()["created"]

    await publish_events(published, order)

    job = await redis.get(f"arq:job:{order.id}")
    assert job.startswith(b'{"t": null, "f": "fire", "a": ["' + order.id.encode())


async def test_repeated_order_created_stores_one_deadline(
    expiration: Expiration,
    settings: Settings,
    published: EventProbe,
    find_deadline: FindDeadline,
    redis: Redis,
) -> None:
    await expiration(settings)
    order = history()["created"]

    await publish_events(published, order, order)

    row = await find_deadline(order.id)
    assert row is not None
    assert row["version"] == 0
    assert await redis.zcard(f"{settings.namespace}:expiration") == 1


@pytest.mark.parametrize("end", ["cancelled", "completed"])
async def test_final_order_event_clears_deadline_and_timer(
    expiration: Expiration,
    settings: Settings,
    published: EventProbe,
    find_deadline: FindDeadline,
    redis: Redis,
    end: str,
) -> None:
    await expiration(settings)
    events = history()

    await publish_events(published, events["created"], events["updated"], events[end])

    order_id = events[end].id
    row = await find_deadline(order_id)
    assert row is not None
    assert row["status"] == "cleared"
    assert await timer_score(redis, settings, order_id) is None
    assert not await redis.keys(f"*{order_id}*")


@pytest.mark.parametrize("end", ["cancelled", "completed"])
async def test_final_order_event_wins_over_late_earlier_ones(
    expiration: Expiration,
    settings: Settings,
    published: EventProbe,
    find_deadline: FindDeadline,
    redis: Redis,
    end: str,
) -> None:
    await expiration(settings)
    events = history(utc_now())

    await publish_events(published, events[end], events["updated"], events["created"], events[end])

    order_id = events[end].id
    row = await find_deadline(order_id)
    assert row is not None
    assert row["status"] == "cleared"
    assert await timer_score(redis, settings, order_id) is None
    due = history(utc_now())["created"]
    await publish_events(published, due)
    assert (await published.next(ExpirationCompleted)).order_id == due.id


async def test_order_awaiting_payment_expires(
    expiration: Expiration, settings: Settings, published: EventProbe
) -> None:
    await expiration(settings)
    events = history(utc_now() + timedelta(milliseconds=300))

    await publish_events(published, events["updated"], events["created"])

    assert (await published.next(ExpirationCompleted)).order_id == events["created"].id


async def test_final_order_event_after_expiration_changes_nothing(
    expiration: Expiration, settings: Settings, published: EventProbe, find_deadline: FindDeadline
) -> None:
    await expiration(settings)
    events = history(utc_now())
    await publish_events(published, events["created"])
    await published.next(ExpirationCompleted)

    await publish_events(published, events["cancelled"])

    row = await find_deadline(events["created"].id)
    assert row is not None
    assert (row["status"], row["version"]) == ("fired", 1)


async def test_late_event_of_a_final_order_adds_no_deadline(
    expiration: Expiration, settings: Settings, published: EventProbe, find_deadline: FindDeadline
) -> None:
    await expiration(settings)
    late, recent = history(utc_now() - RETENTION - LATER), history(utc_now() - RETENTION + LATER)

    await publish_events(published, late["completed"], recent["completed"])

    assert await find_deadline(late["completed"].id) is None
    assert await find_deadline(recent["completed"].id)


async def test_replayed_order_created_of_a_removed_deadline_expires(
    expiration: Expiration, settings: Settings, published: EventProbe
) -> None:
    await expiration(settings)
    replayed = history(utc_now() - RETENTION - LATER)["created"]

    await publish_events(published, replayed)

    assert (await published.next(ExpirationCompleted)).order_id == replayed.id


async def test_order_expires_without_redis(
    expiration: Expiration, settings: Settings, published: EventProbe, find_deadline: FindDeadline
) -> None:
    without_redis = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    service = await expiration(without_redis)
    order = history(utc_now() + timedelta(milliseconds=200))["created"]

    await publish_events(published, order)

    assert await find_deadline(order.id)
    await eventually(lambda: _is_ok(service, "/readyz"))
    assert (await published.next(ExpirationCompleted)).order_id == order.id


async def test_order_expires_if_redis_does_not_respond(
    expiration: Expiration, settings: Settings, published: EventProbe
) -> None:
    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await expiration(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"}))
    order = history(utc_now())["created"]

    await publish_events(published, order)

    assert (await published.next(ExpirationCompleted)).order_id == order.id
    server.close()


async def _is_ok(service: Client, path: str) -> bool:
    return (await service.get(path)).status_code == 200


async def test_only_health_readiness_and_metrics_are_served(
    expiration: Expiration, settings: Settings
) -> None:
    service = await expiration(settings)

    for path in ("/healthz", "/readyz", "/metrics"):
        await eventually(lambda path=path: _is_ok(service, path))

    assert (await service.get("/api/expiration")).status_code == 404


async def test_rebuild_generates_expired_deadlines_only(
    expiration: Expiration, settings: Settings, published: EventProbe
) -> None:
    service = await expiration(settings)
    expired, waiting = history(utc_now())["created"], history()["created"]
    await publish_events(published, expired, waiting)
    await published.next(ExpirationCompleted)

    messages = [message async for message in service.app.state.service.snapshot_events()]

    assert [(m.subject, m.aggregate_id) for m in messages] == [("expiration.completed", expired.id)]
