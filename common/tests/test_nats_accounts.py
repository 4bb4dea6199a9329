"""Tests of what the password of one service allows at NATS, on a server with the real accounts."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.api import ConsumerConfig
from nats.js.errors import NoStreamResponseError, ServerError

from common.events import (
    STREAMS,
    ExpirationCompleted,
    OrderCreated,
    SessionRevoked,
    TicketCreated,
    TicketUpdated,
)
from common.messaging import bus, dead_letters
from common.messaging.bus import Bus, handlers
from common.messaging.declarations import declare
from common.messaging.subscriptions import durable_name, load_subscriptions
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import nats_set_up, servers
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

SERVICES = sorted(STREAMS)
PAYMENT = b'{"id": "forged"}'


class NatsWithUsers(ManagedProcess):
    """A nats-server with the accounts of the real system."""

    def __init__(self, folder: Path) -> None:
        self.secrets = StoredSecrets(folder / "secrets")
        program = servers.nats(free_port(), folder / "nats", "2m", self.secrets)
        super().__init__(program)
        self.url = f"nats://127.0.0.1:{program.port}"

    def password(self, user: str) -> str:
        """Return the password of a user."""
        return self.secrets.read(nats_set_up.secret_name(user))

    def connect(self, user: str) -> AbstractAsyncContextManager[Bus]:
        """Connect as the services do."""
        return bus.connect(self.url, user, password=self.password(user))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsWithUsers]:
    with NatsWithUsers(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
async def admin(server: NatsWithUsers) -> AsyncGenerator[Bus]:
    """Connect as `admin`, with all streams and consumers declared again."""
    async with server.connect("admin") as connected:
        for stream in (*STREAMS, "dead-letters"):
            with_stream = {
                info.config.name for info in await connected.connection.js.streams_info()
            }
            if stream in with_stream:
                await connected.connection.js.delete_stream(stream)
        await eventually(lambda: _declare_again(connected))
        yield connected


async def _declare_again(admin: Bus) -> bool:
    """Declare everything, or return False while the server still deletes a stream's files."""
    try:
        await declare(admin.connection)
    except ServerError:
        return False
    return True


@asynccontextmanager
async def attacker(server: NatsWithUsers, user: str) -> AsyncGenerator[Client]:
    """Connect with a service's password and with none of the service's code."""

    async def ignore(_: Exception) -> None:
        """The server reports what it refuses as an asynchronous error."""

    client = await nats.connect(
        server.url,
        user=user,
        password=server.password(user),
        error_cb=ignore,
        allow_reconnect=False,
    )
    try:
        yield client
    finally:
        await client.close()


async def states(admin: Bus) -> dict[str, tuple[int, int]]:
    """Return the number of messages and of consumers of each stream."""
    infos = await admin.connection.js.streams_info()
    return {str(i.config.name): (i.state.messages, i.state.consumer_count) for i in infos}


def ticket() -> TicketCreated:
    return TicketCreated(id=new_id(), version=0, title="x", price=50, user_id=new_id())


async def is_answered(client: Client, subject: str, payload: bytes = b"") -> bool:
    try:
        await client.request(subject, payload, timeout=TIMEOUT_SECONDS)
    except NoRespondersError:
        return False
    return True


async def test_connection_without_or_with_a_wrong_password_is_refused(
    server: NatsWithUsers,
) -> None:
    async def ignore(_: Exception) -> None:
        """The refusal is raised as well."""

    for user, password in ((None, None), ("orders", "wrong")):
        client = Client()
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            await client.connect(
                server.url, user=user, password=password, allow_reconnect=False, error_cb=ignore
            )
        await client.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_service_publishes_to_its_own_stream_only(
    server: NatsWithUsers, admin: Bus, service: str
) -> None:
    async with server.connect(service) as connected:
        for stream, first_words in STREAMS.items():
            for first_word in first_words:
                publish = connected.connection.js.publish(f"{first_word}.made", PAYMENT)
                if stream == service:
                    assert (await publish).stream == stream
                else:
                    with pytest.raises(NoStreamResponseError):
                        await publish
    stored = {stream: count for stream, (count, _) in (await states(admin)).items() if count}
    assert stored == {service: len(STREAMS[service])}


@pytest.mark.parametrize("service", SERVICES)
async def test_service_reaches_its_own_consumers_only(
    server: NatsWithUsers, admin: Bus, service: str
) -> None:
    assert admin
    durables = {
        (stream, durable_name(owner, stream)): owner
        for owner, streams in load_subscriptions().durable.items()
        for stream in streams
    }
    async with attacker(server, service) as client:
        for (stream, durable), owner in durables.items():
            for verb in ("INFO", "MSG.NEXT"):
                subject = f"$JS.API.CONSUMER.{verb}.{stream}.{durable}"
                request = b'{"batch": 1, "no_wait": true}' if verb == "MSG.NEXT" else b""
                assert await is_answered(client, subject, request) == (owner == service)
            assert not await is_answered(client, f"$JS.API.CONSUMER.DELETE.{stream}.{durable}")


@pytest.mark.parametrize("service", SERVICES)
async def test_service_cannot_change_or_read_streams_by_the_api(
    server: NatsWithUsers, admin: Bus, service: str
) -> None:
    before = await states(admin)
    followed = load_subscriptions().every_replica[service]
    async with attacker(server, service) as client:
        for stream in (*STREAMS, "dead-letters"):
            for verb in (
                *("STREAM.CREATE", "STREAM.UPDATE", "STREAM.DELETE", "STREAM.PURGE"),
                *("STREAM.MSG.GET", "STREAM.MSG.DELETE", "STREAM.SNAPSHOT", "STREAM.RESTORE"),
                *("CONSUMER.CREATE", "CONSUMER.NAMES", "CONSUMER.LIST"),
            ):
                assert not await is_answered(client, f"$JS.API.{verb}.{stream}", b"{}")
            assert await is_answered(client, f"$JS.API.DIRECT.GET.{stream}", b'{"seq": 1}') == (
                stream in followed
            )
        for subject in ("INFO", "STREAM.NAMES", "STREAM.LIST", "ACCOUNT.PURGE.bus"):
            assert not await is_answered(client, f"$JS.API.{subject}")
    assert await states(admin) == before


async def test_service_receives_nothing_of_streams_that_it_does_not_follow(
    server: NatsWithUsers, admin: Bus
) -> None:
    received: list[str] = []

    async def record(msg: Msg) -> None:
        received.append(msg.subject)

    async with attacker(server, "payments") as client, server.connect("auth") as auth:
        await client.subscribe(">", cb=record)
        await client.flush()
        for first_words in STREAMS.values():
            await admin.connection.js.publish(f"{first_words[0]}.made", PAYMENT)
        await auth.connection.js.publish("session.last", PAYMENT)
        await eventually(lambda: asyncio.sleep(0, "stored.session.last" in received))
    assert set(received) == {"stored.session.made", "stored.session.last"}


Forge = Callable[[Client, str], Awaitable[None]]


async def _forge_by_publish(client: Client, target: str) -> None:
    await client.publish(target, PAYMENT)


async def _forge_by_reply_of_a_publish(client: Client, target: str) -> None:
    await client.publish("order.made", PAYMENT, reply=target)


async def _forge_by_reply_of_a_fetch(client: Client, target: str) -> None:
    for request in (b'{"batch": 1}', b'{"batch": 9, "no_wait": true}'):  # a message; a status
        await client.publish(
            "$JS.API.CONSUMER.MSG.NEXT.tickets.orders-tickets", request, reply=target
        )


async def _forge_by_reply_of_a_read(client: Client, target: str) -> None:
    for body in (PAYMENT, b""):
        await client.request("order.made", body, timeout=TIMEOUT_SECONDS)
    for sequence in (1, 2):
        request = json.dumps({"seq": sequence}).encode()
        await client.publish("$JS.API.DIRECT.GET.orders", request, reply=target)


async def _forge_by_push_consumer(client: Client, target: str) -> None:
    await client.request("order.made", PAYMENT, timeout=TIMEOUT_SECONDS)
    for stream in ("orders", "auth", "payments"):
        config = {"name": "evil", "deliver_subject": target, "ack_policy": "none"}
        request = json.dumps({"stream_name": stream, "config": config}).encode()
        for subject in (stream, f"{stream}.evil", f"{stream}.evil.order.>"):
            await client.publish(f"$JS.API.CONSUMER.CREATE.{subject}", request)
        await client.publish(f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.evil", request)


@pytest.mark.parametrize(
    "target",
    [
        "payment.created",
        "dead.payments-orders",
        "stored.payment.created",
        "$JS.API.STREAM.PURGE.payments",
        "$JS.API.STREAM.DELETE.payments",
        "$JS.API.CONSUMER.DELETE.payments.orders-payments",
        "$JS.ACK.orders.payments-orders.1.1.1.1.1",
    ],
)
@pytest.mark.parametrize(
    "forge",
    [
        _forge_by_publish,
        _forge_by_reply_of_a_publish,
        _forge_by_reply_of_a_fetch,
        _forge_by_reply_of_a_read,
        _forge_by_push_consumer,
    ],
)
async def test_payment_cannot_be_forged_or_stopped_with_the_password_of_orders(
    server: NatsWithUsers, admin: Bus, forge: Forge, target: str
) -> None:
    """The server sends responses to any reply subject: without accounts, most of these succeed."""
    js, received = admin.connection.js, list[str]()

    async def record(msg: Msg) -> None:
        received.append(msg.subject)

    await js.publish("payment.created", b"genuine")
    await js.publish("ticket.created", b"genuine")
    before = await states(admin)
    await admin.connection.client.subscribe(target, cb=record)
    async with attacker(server, "orders") as client:
        await forge(client, target)
        await client.flush()
        assert not await is_answered(client, "$JS.API.INFO")
    await js.publish("session.last", b"")  # later than whatever the server still had to deliver
    after = await states(admin)

    assert received == []
    for stream in ("payments", "tickets", "dead-letters"):
        assert after[stream] == before[stream]
    assert after["orders"][1] == before["orders"][1], "no consumer was created"
    assert (await js.get_last_msg("payments", "payment.created")).data == b"genuine"


async def test_service_consumes_publishes_and_dead_letters_through_its_account(
    server: NatsWithUsers, admin: Bus
) -> None:
    received: list[str] = []
    good, bad = ticket(), ExpirationCompleted(order_id=new_id())

    async def on_ticket_created(event: TicketCreated) -> None:
        received.append(event.id)

    async def on_expiration(_: ExpirationCompleted) -> None:
        raise AssertionError

    async with AsyncExitStack() as stack:
        orders, tickets, expiration, operator = [
            await stack.enter_async_context(server.connect(user))
            for user in ("orders", "tickets", "expiration", "operator")
        ]
        await orders.subscribe_durable(handlers(on_ticket_created, on_expiration))
        await EventProbe(tickets).publish(good, aggregate_id=good.id)
        await expiration.connection.js.publish(bad.subject, b"{")
        probe = EventProbe(admin)
        for durable in ("orders-tickets", "orders-expiration"):
            await probe.wait_until_handled(durable)
        assert orders.healthy
        letters = [letter async for letter in dead_letters.iter_dead_letters(operator.connection)]
        await orders.drain(1)
    assert received == [good.id]
    assert [(letter.durable, letter.reason) for letter in letters] == [
        ("orders-expiration", "invalid")
    ]


async def test_every_replica_receives_stored_and_new_events_through_its_account(
    server: NatsWithUsers, admin: Bus
) -> None:
    received: list[tuple[str, int]] = []
    before, after = [ticket() for _ in range(300)], ticket()  # more than one batch

    async def on_ticket(event: TicketCreated | TicketUpdated, sequence: int) -> None:
        received.append((event.id, sequence))

    async with server.connect("tickets") as tickets:
        probe = EventProbe(tickets)
        for event in before:
            await probe.publish(event, aggregate_id=event.id)
        since = utc_now() - timedelta(minutes=1)
        await tickets.subscribe_every_replica("tickets", handlers(on_ticket), since=since)
        assert len(received) == len(before)
        await probe.publish(after, aggregate_id=after.id)
        await eventually(lambda: asyncio.sleep(0, len(received) > len(before)))
        await tickets.drain(1)
    expected = [(event.id, n) for n, event in enumerate([*before, after], start=1)]
    assert received == expected
    assert admin


async def test_service_waits_until_its_consumer_is_declared(
    server: NatsWithUsers, admin: Bus
) -> None:
    received: list[str] = []
    event = ticket()

    async def on_ticket_created(event: TicketCreated) -> None:
        received.append(event.id)

    await admin.connection.js.delete_consumer("tickets", "orders-tickets")
    async with server.connect("orders") as orders:
        await orders.subscribe_durable(handlers(on_ticket_created))
        await admin.connection.js.publish("ticket.created", event.model_dump_json().encode())
        assert not orders.healthy

        await declare(admin.connection)

        await eventually(lambda: asyncio.sleep(0, received == [event.id]))
        assert orders.healthy
        await orders.drain(1)


async def test_set_up_command_declares_what_is_missing(
    server: NatsWithUsers, admin: Bus, tmp_path: Path
) -> None:
    await admin.connection.js.delete_stream("orders")

    async def is_set_up() -> bool:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "common.operations.set_up_nats",
                "--ready-file",
                tmp_path / "ready",
            ),
            env={**os.environ, "NATS_URL": server.url, "NATS_PASSWORD": server.password("admin")},
        )
        return await process.wait() == 0

    await eventually(is_set_up)  # it fails while the server still deletes the stream's files
    assert (tmp_path / "ready").exists()
    assert (await states(admin))["orders"] == (0, 4)


def order() -> OrderCreated:
    return OrderCreated.model_validate(
        {
            "id": new_id(),
            "version": 0,
            "status": "created",
            "userId": new_id(),
            "expiresAt": utc_now(),
            "ticket": {"id": new_id(), "title": "x", "price": 50, "hold": 1},
        }
    )


async def test_declaring_again_keeps_messages_and_positions(
    server: NatsWithUsers, admin: Bus
) -> None:
    async with server.connect("orders") as orders:
        event = order()
        await EventProbe(orders).publish(event, aggregate_id=event.id)
    before = await admin.connection.js.consumer_info("orders", "payments-orders")

    await declare(admin.connection)

    after = await admin.connection.js.consumer_info("orders", "payments-orders")
    assert (before.num_pending, before.created) == (after.num_pending, after.created) != (0, None)
    assert (await states(admin))["orders"] == (1, 4)


@pytest.mark.parametrize("service", sorted(load_subscriptions().durable))
async def test_changed_durable_settings_are_updated(admin: Bus, service: str) -> None:
    (stream, *_) = load_subscriptions().durable[service]
    durable = durable_name(service, stream)
    changed = ConsumerConfig(name=durable, durable_name=durable, ack_wait=60, max_deliver=3)
    await admin.connection.js.add_consumer(stream, changed)

    await declare(admin.connection)

    config = (await admin.connection.js.consumer_info(stream, durable)).config
    assert (config.ack_wait, config.max_deliver) == (6.0, -1)


def revocation() -> SessionRevoked:
    return SessionRevoked(user_id=new_id(), session_id=new_id(), until=utc_now())


async def test_subscription_resumes_after_the_server_restarts(tmp_path: Path) -> None:
    received: list[str] = []
    events: Sequence[SessionRevoked] = [revocation() for _ in range(3)]

    async def on_session_revoked(event: SessionRevoked, _sequence: int) -> None:
        received.append(event.session_id)

    server = NatsWithUsers(tmp_path)
    await server.start_and_wait()
    async with server.connect("admin") as admin, server.connect("payments") as payments:
        await payments.subscribe_every_replica("auth", handlers(on_session_revoked))
        for event in events[:2]:
            await EventProbe(admin).publish(event, aggregate_id=event.session_id)
        server.kill()
        await server.start_and_wait()
        await eventually(lambda: asyncio.sleep(0, admin.healthy))
        await EventProbe(admin).publish(events[2], aggregate_id=events[2].session_id)
        await eventually(lambda: asyncio.sleep(0, len(received) == len(events)))
        await payments.drain(1)
    assert received == [event.session_id for event in events]
    server.kill()
