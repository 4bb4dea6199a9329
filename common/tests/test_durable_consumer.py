"""Tests of subscriptions: events are handled, retried or become dead letters."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo.errors import AutoReconnect

from common.errors import ServiceUnavailable
from common.events import TicketCreated, TicketUpdated
from common.messaging import bus, dead_letters, durable_consumer
from common.messaging.bus import Bus, handlers
from common.messaging.declarations import declare
from common.messaging.envelope import EventEnvelope
from common.messaging.pull_consumer import MAX_IN_FLIGHT
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id

Connect = Callable[..., AbstractAsyncContextManager[Bus]]
DURABLE = "orders-tickets"


@pytest.fixture(autouse=True)
def short_retry_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the delays between attempts to a hundredth."""
    monkeypatch.setattr(
        durable_consumer,
        "RETRY_DELAYS_SECONDS",
        tuple(s / 100 for s in durable_consumer.RETRY_DELAYS_SECONDS),
    )


def ticket(ticket_id: str | None = None, version: int = 0) -> TicketCreated:
    return TicketCreated(
        id=ticket_id or new_id(), version=version, title="x", price=50, user_id=new_id()
    )


class EventRecorder:
    """Records the events it receives and fails on request."""

    def __init__(self, fail: Callable[[TicketCreated], Exception | None] = lambda _: None) -> None:
        self.events: list[TicketCreated] = []
        self.attempts = Counter[str]()
        self._fail = fail

    async def on_ticket_created(self, event: TicketCreated, _sequence: int = 0) -> None:
        self.attempts[event.id] += 1
        failure = self._fail(event)
        if failure is not None:
            raise failure
        self.events.append(event)

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]

    async def wait_for(self, *events: TicketCreated) -> None:
        async def has_all() -> bool:
            return {event.id for event in events} <= set(self.ids)

        await eventually(has_all)


async def publish(published: EventProbe, *events: TicketCreated) -> None:
    for event in events:
        await published.publish(event, aggregate_id=event.id)


async def consumer_info(published: EventProbe) -> Any:
    return await published.bus.connection.js.consumer_info(
        published.bus.connection.stream("tickets"), DURABLE
    )


async def test_event_is_acknowledged_only_after_its_handler_returns(
    connect: Connect, published: EventProbe
) -> None:
    finish = asyncio.Event()

    async def on_ticket_created(_: TicketCreated) -> None:
        await finish.wait()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(on_ticket_created))
        await publish(published, ticket())

        async def is_in_flight() -> bool:
            return (await consumer_info(published)).num_ack_pending == 1

        await eventually(is_in_flight)
        finish.set()
        await published.wait_until_handled(DURABLE)
    assert (await consumer_info(published)).ack_floor.stream_seq == 1


async def test_event_without_handler_is_acknowledged(
    connect: Connect, published: EventProbe
) -> None:
    recorder = EventRecorder()
    event = ticket()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        updated = TicketUpdated(**event.model_dump())
        await published.publish(updated, aggregate_id=event.id)
        await published.bus.connection.js.publish(
            published.bus.connection.subject("ticket.unhandled"), b"not even JSON"
        )
        await publish(published, event)
        await published.wait_until_handled(DURABLE)

    assert recorder.ids == [event.id]
    assert await published.dead_letters() == []


def foreign_messages() -> float:
    labels = {"durable": DURABLE}
    return REGISTRY.get_sample_value("bus_foreign_messages_total", labels) or 0


async def test_message_with_the_subject_of_another_stream_is_dropped_and_counted(
    connect: Connect, published: EventProbe
) -> None:
    """The server stores a fetched message in the stream that owns the reply subject."""
    recorder, event, connection = EventRecorder(), ticket(), published.bus.connection
    earlier = foreign_messages()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await connection.js.publish(connection.subject("payment.made"), b"{}")
        await connection.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{connection.stream('payments')}.orders-payments",
            b"1",
            reply=connection.subject("ticket.created"),
        )
        await eventually(lambda: asyncio.sleep(0, foreign_messages() == earlier + 1))
        await publish(published, event)
        await recorder.wait_for(event)

    stored = await connection.js.get_msg(connection.stream("tickets"), seq=1)
    assert stored.subject == connection.subject("payment.made")
    assert recorder.ids == [event.id]
    assert await published.dead_letters() == []


async def test_copy_of_a_stored_message_is_dropped_and_counted(
    connect: Connect, published: EventProbe
) -> None:
    """The server stores a message that is read directly under the reply subject."""
    recorder, forged, event = EventRecorder(), ticket(), ticket()
    connection, earlier = published.bus.connection, foreign_messages()
    body = forged.model_dump_json().encode()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await connection.js.publish(connection.subject("payment.made"), body)
        await connection.client.publish(
            f"$JS.API.DIRECT.GET.{connection.stream('payments')}",
            b'{"seq": 1}',
            reply=connection.subject("ticket.created"),
        )
        await eventually(lambda: asyncio.sleep(0, foreign_messages() == earlier + 1))
        await publish(published, event)
        await recorder.wait_for(event)

    stored = await connection.js.get_msg(connection.stream("tickets"), seq=1)
    assert (stored.subject, stored.data) == (connection.subject("ticket.created"), body)
    assert recorder.ids == [event.id]


async def test_events_are_serial_per_aggregate_and_concurrent_across(
    connect: Connect, published: EventProbe
) -> None:
    slow, other = new_id(), new_id()
    running, order = Counter[str](), list[tuple[str, int]]()
    gate = asyncio.Event()

    async def on_ticket_created(event: TicketCreated) -> None:
        running[event.id] += 1
        assert running[event.id] == 1
        if event.id == slow:
            await gate.wait()
        running[event.id] -= 1
        order.append((event.id, event.version))

    async with connect() as orders:
        await orders.subscribe_durable(handlers(on_ticket_created))
        await publish(published, *(ticket(slow, v) for v in range(5)), ticket(other))

        async def is_other_handled() -> bool:
            return order == [(other, 0)]

        await eventually(is_other_handled)
        gate.set()
        await published.wait_until_handled(DURABLE)

    assert order[1:] == [(slow, version) for version in range(5)]
    assert await published.dead_letters() == []


async def test_failing_event_becomes_a_dead_letter_after_retries(
    connect: Connect, published: EventProbe
) -> None:
    bad, good = ticket(), [ticket() for _ in range(20)]
    recorder = EventRecorder(
        lambda event: RuntimeError("failure detail") if event.id == bad.id else None
    )

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await publish(published, bad, *good)
        await recorder.wait_for(*good)
        await published.wait_until_handled(DURABLE)
        letters = [letter async for letter in dead_letters.iter_dead_letters(orders.connection)]

    assert recorder.attempts[bad.id] == durable_consumer.MAX_ATTEMPTS
    assert all(recorder.attempts[event.id] == 1 for event in good)
    (letter,) = letters
    assert (letter.durable, letter.reason, letter.attempts) == (DURABLE, "failed", 6)
    assert letter.subject == published.bus.connection.subject("ticket.created")
    assert "failure detail" in letter.detail
    assert TicketCreated.model_validate_json(letter.data) == bad


async def test_postponed_event_comes_again_and_has_not_failed(
    connect: Connect, published: EventProbe
) -> None:
    early, good = ticket(), ticket()
    failures = [durable_consumer.DeliveryPostponed(0.01)] * 8 + [RuntimeError("failed")] * 5
    recorder = EventRecorder(
        lambda event: (
            next(iter(failures[recorder.attempts[event.id] - 1 :]), None)
            if event.id == early.id
            else None
        )
    )

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await publish(published, early, good)
        await recorder.wait_for(good, early)
        await published.wait_until_handled(DURABLE)

    assert recorder.attempts[early.id] == 14
    assert await published.dead_letters() == []


async def test_postponed_event_comes_again_after_its_delay(
    connect: Connect, published: EventProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_consumer, "ACK_WAIT_SECONDS", TIMEOUT_SECONDS)
    await declare(published.bus.connection)
    event, handled_at = ticket(), list[float]()
    loop = asyncio.get_running_loop()

    async def on_ticket_created(_: TicketCreated) -> None:
        handled_at.append(loop.time())
        if len(handled_at) == 1:
            raise durable_consumer.DeliveryPostponed(1.5)

    async with connect() as orders:
        await orders.subscribe_durable(handlers(on_ticket_created))
        await publish(published, event)
        await published.wait_until_handled(DURABLE)

    first, second = handled_at
    assert 1.4 < second - first < TIMEOUT_SECONDS


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"[]", b'{"id": "x"}', b"\xff", b"[" * 5000])
async def test_invalid_event_becomes_a_dead_letter_without_retry(
    connect: Connect, published: EventProbe, data: bytes
) -> None:
    recorder, good = EventRecorder(), ticket()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await published.bus.connection.js.publish(
            published.bus.connection.subject("ticket.created"), data
        )
        await publish(published, good)
        await recorder.wait_for(good)
        await published.wait_until_handled(DURABLE)
        (letter,) = [letter async for letter in dead_letters.iter_dead_letters(orders.connection)]

    assert (letter.reason, letter.attempts, letter.data) == ("invalid", 1, data)
    assert letter.detail


@pytest.mark.parametrize("failure", [AutoReconnect("unavailable"), ServiceUnavailable()])
async def test_transient_failure_is_retried_without_redelivery(
    connect: Connect, published: EventProbe, failure: Exception
) -> None:
    event = ticket()
    recorder = EventRecorder(lambda event: failure if recorder.attempts[event.id] < 4 else None)

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await publish(published, event)
        await recorder.wait_for(event)
        await published.wait_until_handled(DURABLE)

    info = await consumer_info(published)
    assert (info.num_redelivered or 0, info.delivered.consumer_seq) == (0, 1)
    assert await published.dead_letters() == []


async def test_event_of_a_slow_handler_is_not_redelivered(
    connect: Connect, published: EventProbe
) -> None:
    await declare(published.bus.connection)
    attempts = Counter[str]()

    async def on_ticket_created(event: TicketCreated) -> None:
        attempts[event.id] += 1
        await asyncio.sleep(durable_consumer.ACK_WAIT_SECONDS + 0.5)

    event = ticket()
    async with connect() as orders, connect() as replica:
        for consumer in (orders, replica):
            await consumer.subscribe_durable(handlers(on_ticket_created))
        await publish(published, event)
        await eventually(lambda: asyncio.sleep(0, attempts[event.id]))
        await published.wait_until_handled(DURABLE)

    assert attempts[event.id] == 1


HANGING_CONSUMER = """
import asyncio, sys
from common.events import TicketCreated
from common.messaging import bus, durable_consumer
from common.messaging.bus import handlers

durable_consumer.ACK_WAIT_SECONDS = 2.0

async def on_ticket_created(event: TicketCreated) -> None:
    print(event.id, flush=True)
    await asyncio.Event().wait()

async def main() -> None:
    async with bus.connect(sys.argv[1], "orders", namespace=sys.argv[2]) as connected:
        await connected.subscribe_durable(handlers(on_ticket_created))
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_events_in_flight_of_a_killed_process_are_redelivered(
    connect: Connect,
    published: EventProbe,
    nats_url: str,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(durable_consumer, "ACK_WAIT_SECONDS", 2.0)
    await declare(published.bus.connection)
    events = [ticket() for _ in range(10)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANGING_CONSUMER, nats_url, namespace),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ},
    )
    assert process.stdout is not None
    await publish(published, *events)
    in_flight = set[str]()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while in_flight != {event.id for event in events}:
            in_flight.add((await process.stdout.readline()).decode().strip())

    process.kill()
    await process.communicate()
    recorder = EventRecorder()
    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await recorder.wait_for(*events)
        await published.wait_until_handled(DURABLE)

    assert set(recorder.attempts) == {event.id for event in events}


NEVER_SECONDS = 10 * TIMEOUT_SECONDS


async def test_events_of_one_interval_are_handled_at_its_end(
    connect: Connect, published: EventProbe
) -> None:
    first, others, handled_at = ticket(), [ticket() for _ in range(3)], dict[str, float]()
    loop = asyncio.get_running_loop()

    async def on_ticket_created(event: TicketCreated) -> None:
        handled_at[event.id] = loop.time()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(on_ticket_created), interval_seconds=1.5)
        published_at = loop.time()  # the interval begins later, with the delivery
        await publish(published, first)
        await published.wait_until_handled(DURABLE)
        await publish(published, *others)
        await published.wait_until_handled(DURABLE)

    assert all(handled_at[event.id] - published_at > 1.4 for event in others)


async def test_backlog_is_handled_without_waiting_for_the_interval(
    connect: Connect, published: EventProbe
) -> None:
    recorder, events = EventRecorder(), [ticket() for _ in range(3 * MAX_IN_FLIGHT)]
    await asyncio.gather(*(publish(published, event) for event in events))

    async with connect() as orders:
        await orders.subscribe_durable(
            handlers(recorder.on_ticket_created), interval_seconds=NEVER_SECONDS
        )
        await recorder.wait_for(*events)


async def test_refused_requests_are_repeated_after_the_interval_only(
    connect: Connect, published: EventProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server refuses a request while it holds one that waits for acks."""
    monkeypatch.setattr(durable_consumer, "MAX_ACK_PENDING", 1)
    await declare(published.bus.connection)
    requested_at, finish, loop = list[float](), asyncio.Event(), asyncio.get_running_loop()

    async def on_ticket_created(_: TicketCreated) -> None:
        await finish.wait()

    async def on_request(_: Any) -> None:
        requested_at.append(loop.time())

    stream = published.bus.connection.stream("tickets")
    await published.bus.connection.client.subscribe(
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{DURABLE}", cb=on_request
    )
    await publish(published, ticket(), ticket())
    subscribed_at = loop.time()
    async with connect() as orders:
        await orders.subscribe_durable(handlers(on_ticket_created), interval_seconds=0.2)
        await eventually(lambda: asyncio.sleep(0, len(requested_at) >= 6))
        finish.set()
        await published.wait_until_handled(DURABLE)

    assert requested_at[5] - subscribed_at > 4 * 0.2


async def test_drain_leaves_events_that_wait_for_the_interval_to_a_replica(
    connect: Connect, published: EventProbe
) -> None:
    stopping_recorder, recorder = EventRecorder(), EventRecorder()
    first, waiting = ticket(), ticket()

    async with connect() as stopping, connect() as replica:
        await stopping.subscribe_durable(
            handlers(stopping_recorder.on_ticket_created), interval_seconds=NEVER_SECONDS
        )
        await publish(published, first)
        await published.wait_until_handled(DURABLE)
        await publish(published, waiting)
        await stopping.drain(TIMEOUT_SECONDS)
        await replica.subscribe_durable(handlers(recorder.on_ticket_created))
        await recorder.wait_for(waiting)

    assert (stopping_recorder.ids, recorder.ids) == ([first.id], [waiting.id])


async def test_drain_releases_events_not_yet_started(
    connect: Connect, published: EventProbe
) -> None:
    ticket_id = new_id()
    events = [ticket(ticket_id, version) for version in range(5)]
    started, finish = asyncio.Event(), asyncio.Event()
    handled = list[int]()

    async def on_ticket_created(event: TicketCreated) -> None:
        started.set()
        await finish.wait()
        handled.append(event.version)

    recorder = EventRecorder()
    async with connect() as stopping, connect() as replica:
        await stopping.subscribe_durable(handlers(on_ticket_created))
        await publish(published, *events)
        await started.wait()
        draining = asyncio.create_task(stopping.drain(10))
        await asyncio.sleep(0)
        finish.set()
        await draining
        await replica.subscribe_durable(handlers(recorder.on_ticket_created))
        await published.wait_until_handled(DURABLE)

    assert handled == [0]
    assert sorted(event.version for event in recorder.events) == [1, 2, 3, 4]


@pytest.mark.parametrize("interval_seconds", [0, 0.25])
async def test_consumer_continues_when_its_deleted_durable_is_declared_again(
    connect: Connect, published: EventProbe, interval_seconds: float
) -> None:
    recorder, before, after = EventRecorder(), ticket(), ticket()

    async with connect() as orders:
        await orders.subscribe_durable(
            handlers(recorder.on_ticket_created), interval_seconds=interval_seconds
        )
        await publish(published, before)
        await recorder.wait_for(before)
        await published.wait_until_handled(DURABLE)

        await published.bus.connection.js.delete_consumer(
            published.bus.connection.stream("tickets"), DURABLE
        )
        await eventually(lambda: asyncio.sleep(0, not orders.healthy))

        await declare(published.bus.connection)
        await publish(published, after)
        await recorder.wait_for(after)


async def test_bus_is_unhealthy_while_its_stream_is_missing(
    connect: Connect, published: EventProbe
) -> None:
    recorder, before, after = EventRecorder(), ticket(), ticket()

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await publish(published, before)
        await recorder.wait_for(before)
        assert orders.healthy

        await published.bus.connection.js.delete_stream(published.bus.connection.stream("tickets"))
        await eventually(lambda: asyncio.sleep(0, not orders.healthy))

        await declare(published.bus.connection)
        await publish(published, after)
        await recorder.wait_for(after)
        assert orders.healthy


async def test_replay_keeps_the_dead_letters_that_still_fail(
    connect: Connect, published: EventProbe
) -> None:
    repaired, failing = ticket(), ticket()
    bad = {repaired.id, failing.id}
    recorder = EventRecorder(lambda event: RuntimeError() if event.id in bad else None)

    async with connect() as orders:
        await orders.subscribe_durable(handlers(recorder.on_ticket_created))
        await publish(published, repaired, failing)
        await eventually(lambda: _has_dead_letters(orders, 2))
        bad.remove(repaired.id)

        assert await dead_letters.replay(orders, orders.connection) == (1, 1)

        left = [letter async for letter in dead_letters.iter_dead_letters(orders.connection)]
    assert recorder.ids == [repaired.id]
    assert [TicketCreated.model_validate_json(letter.data) for letter in left] == [failing]


async def _has_dead_letters(orders: Bus, count: int) -> bool:
    return (
        len([letter async for letter in dead_letters.iter_dead_letters(orders.connection)]) == count
    )


@asynccontextmanager
async def connect_to(url: str, service: str = "orders") -> AsyncGenerator[tuple[Bus, EventProbe]]:
    async with bus.connect(url, service) as connected:
        await declare(connected.connection)
        try:
            yield connected, EventProbe(connected)
        finally:
            await connected.drain(1)


@pytest.mark.parametrize("interval_seconds", [0, 0.25])
async def test_consumer_resumes_after_the_server_restarts(
    killable_nats: Any, interval_seconds: float
) -> None:
    recorder, before, after = EventRecorder(), ticket(), ticket()

    async with connect_to(killable_nats.url) as (orders, published):
        await orders.subscribe_durable(
            handlers(recorder.on_ticket_created), interval_seconds=interval_seconds
        )
        await publish(published, before)
        await recorder.wait_for(before)

        killable_nats.kill()
        await eventually(lambda: asyncio.sleep(0, not orders.healthy))
        await killable_nats.start_and_wait()
        await publish_until_stored(orders, after)

        await recorder.wait_for(after)
        await eventually(lambda: asyncio.sleep(0, orders.healthy))
    assert Counter(recorder.ids)[after.id] == 1


async def publish_until_stored(sender: Bus, event: TicketCreated) -> None:
    message = EventEnvelope(
        event.id, event.subject, event.model_dump_json().encode(), event.id, utc_now()
    )

    async def is_stored() -> bool:
        try:
            await sender.publish(message)
        except bus.PublishError:
            return False
        return True

    await eventually(is_stored)


async def test_connect_waits_for_the_server_to_start(killable_nats: Any) -> None:
    killable_nats.kill()
    connecting = asyncio.create_task(_connect_once(killable_nats.url))
    done, _ = await asyncio.wait({connecting}, timeout=0.5)
    assert not done

    await killable_nats.start_and_wait()

    assert await asyncio.wait_for(connecting, TIMEOUT_SECONDS)


async def _connect_once(url: str) -> bool:
    async with bus.connect(url, "orders") as connected:
        return connected.healthy


async def test_subscription_since_a_time_replays_to_every_replica(
    connect: Connect, published: EventProbe
) -> None:
    old, recent, new = ticket(), ticket(), ticket()
    await publish(published, old)
    since = datetime.now(UTC)
    await publish(published, recent)
    recorders = [EventRecorder(), EventRecorder()]

    async with connect() as first, connect() as second:
        for replica, recorder in zip((first, second), recorders, strict=True):
            await replica.subscribe_every_replica(
                "tickets", handlers(recorder.on_ticket_created), since=since
            )
            assert recorder.ids == [recent.id]  # every stored event, before the call returns
        await publish(published, new)
        for recorder in recorders:
            await recorder.wait_for(new)

    assert [recorder.ids for recorder in recorders] == [[recent.id, new.id]] * 2


async def test_subscription_without_since_receives_only_new_events(
    connect: Connect, published: EventProbe
) -> None:
    recorder, old, new = EventRecorder(), ticket(), ticket()
    await publish(published, old)

    async with connect() as orders:
        await orders.subscribe_every_replica("tickets", handlers(recorder.on_ticket_created))
        await publish(published, new)
        await recorder.wait_for(new)

    assert recorder.ids == [new.id]


async def test_subscription_continues_after_a_failed_event(
    connect: Connect, published: EventProbe
) -> None:
    bad, good = ticket(), ticket()
    recorder = EventRecorder(lambda event: RuntimeError() if event.id == bad.id else None)
    await publish(published, bad)
    await published.bus.connection.js.publish(
        published.bus.connection.subject("ticket.created"), b"not an event"
    )

    async with connect() as orders:
        await asyncio.wait_for(
            orders.subscribe_every_replica(
                "tickets",
                handlers(recorder.on_ticket_created),
                since=utc_now() - timedelta(minutes=1),
            ),
            TIMEOUT_SECONDS,
        )
        await publish(published, good)
        await recorder.wait_for(good)


@pytest.mark.parametrize("seen_before", [0, 3])
async def test_subscription_misses_no_event_during_a_restart(
    killable_nats: Any, seen_before: int
) -> None:
    recorder = EventRecorder()
    before = [ticket() for _ in range(seen_before)]
    during, after = ticket(), ticket()

    async with connect_to(killable_nats.url) as (orders, published):
        await orders.subscribe_every_replica("tickets", handlers(recorder.on_ticket_created))
        await publish(published, *before)
        await recorder.wait_for(*before)

        killable_nats.kill()
        await killable_nats.start_and_wait()
        async with connect_to(killable_nats.url, "payments") as (payments, _):
            await publish_until_stored(payments, during)
        await publish_until_stored(orders, after)

        await recorder.wait_for(during, after)
    assert recorder.ids == [event.id for event in (*before, during, after)]


async def test_subscription_continues_on_a_recreated_stream(
    connect: Connect, published: EventProbe
) -> None:
    recorder, before, after = EventRecorder(), [ticket() for _ in range(3)], ticket()

    async with connect() as orders:
        await orders.subscribe_every_replica("tickets", handlers(recorder.on_ticket_created))
        await publish(published, *before)
        await recorder.wait_for(*before)

        await published.bus.connection.js.delete_stream(published.bus.connection.stream("tickets"))
        await declare(published.bus.connection)
        await publish(published, after)

        await recorder.wait_for(after)
