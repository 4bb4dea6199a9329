"""The event bus: NATS JetStream with one stream per publishing service.

`publish` waits for the server's ack. `subscribe_durable` handles each event in one replica of the
service, and `subscribe_every_replica` in each process.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client

from common.availability import wait_until_available
from common.errors import ServiceUnavailable
from common.events import Event, stream_of
from common.messaging.connection import NATS_ERRORS, Connection, unavailability_reason
from common.messaging.durable_consumer import DurableConsumer
from common.messaging.envelope import EventEnvelope
from common.messaging.nats_client import NatsClient
from common.messaging.stream_subscription import StoredEvent, StreamSubscription
from common.messaging.subscriptions import durable_name
from common.observability import metrics, tracing

log = structlog.get_logger("bus")

API_TIMEOUT_SECONDS: Final = 5.0
PUBLISH_TIMEOUT_SECONDS: Final = 2.0
"""After this, an unacknowledged event is left to the sweep. Less than the sweep's lease."""
TCP_USER_TIMEOUT_SECONDS: Final = 10.0
FLUSH_TIMEOUT_SECONDS: Final = 2

Handler = Callable[..., Awaitable[None]]
Handlers = Mapping[type[Event], Handler]


class PublishError(Exception):
    """The server did not acknowledge an event, which it may or may not have stored."""


def handlers(*functions: Handler) -> Handlers:
    """Map each event type to the function whose first argument is annotated with it.

    Example:
        `async def on_order(event: OrderCreated | OrderUpdated)` handles both events, and so does
        `async def on_order(event: StoredEvent[OrderCreated | OrderUpdated])`.

    Raises:
        ValueError: an event has two handlers.
    """
    handler_by_event: dict[type[Event], Handler] = {}
    for function in functions:
        annotation = next(iter(get_type_hints(function).values()))
        if get_origin(annotation) is StoredEvent:
            (annotation,) = get_args(annotation)
        for event in get_args(annotation) or (annotation,):
            if event in handler_by_event:
                raise ValueError(f"{event.__name__} has two handlers")
            handler_by_event[event] = function
    return handler_by_event


class Bus:
    """Publishes and consumes the events of one service."""

    def __init__(
        self,
        connection: Connection,
        *,
        transient_errors: tuple[type[Exception], ...],
    ) -> None:
        self.connection = connection
        self._transient_errors = (*transient_errors, ServiceUnavailable)
        self._consumers: list[DurableConsumer | StreamSubscription] = []

    async def publish(self, message: EventEnvelope) -> None:
        """Publish one event and wait until the server has stored it. Safe to repeat.

        Raises:
            PublishError: no ack arrived.
        """
        headers = message.cloud_event_headers(self.connection.service)
        try:
            with tracing.publishing(message.subject, message.id, message.headers):
                headers.update(tracing.inject())
                ack = await self.connection.js.publish(
                    self.connection.subject(message.subject),
                    message.data,
                    timeout=PUBLISH_TIMEOUT_SECONDS,
                    headers=headers,
                )
        except NATS_ERRORS as error:
            metrics.published(message.subject, "error").inc()
            raise PublishError(f"{message.id}: {error!r}") from error
        metrics.published(message.subject, "duplicate" if ack.duplicate else "ok").inc()

    async def subscribe_durable(self, handlers: Handlers, *, interval_seconds: float = 0) -> None:
        """Handle each event in one replica of this service, at least once.

        Args:
            handlers: the handler of each event.
            interval_seconds: how long an event may wait for others, which saves CPU.
        """
        by_stream: dict[str, dict[str, tuple[type[Event], Handler]]] = {}
        for event, handler in handlers.items():
            stream_handlers = by_stream.setdefault(stream_of(event), {})
            stream_handlers[self.connection.subject(event.subject)] = (event, handler)
        for stream, stream_handlers in by_stream.items():
            consumer = DurableConsumer(
                self.connection,
                durable=durable_name(self.connection.service, stream),
                stream=stream,
                handlers=stream_handlers,
                transient_errors=self._transient_errors,
                interval_seconds=interval_seconds,
            )
            self._consumers.append(consumer)
            await consumer.start()

    async def subscribe_every_replica(
        self,
        stream: str,
        handlers: Handlers,
        *,
        since: datetime | None = None,
        decode: bool = True,
    ) -> StreamSubscription:
        """Handle every event of a stream in this process, in order, from `since` or from now on.

        Returns when all stored events are handled. Handlers take the event and its sequence, or,
        without `decode`, a `StoredEvent`.
        """
        stream_handlers = {
            self.connection.subject(event.subject): (event, handler)
            for event, handler in handlers.items()
        }
        consumer = StreamSubscription(
            self.connection, stream=stream, handlers=stream_handlers, since=since, decode=decode
        )
        self._consumers.append(consumer)
        await consumer.start()
        await consumer.caught_up.wait()
        return consumer

    def on_reconnect(self) -> None:
        """Make every consumer repeat its requests."""
        for consumer in self._consumers:
            consumer.on_reconnect()

    @property
    def healthy(self) -> bool:
        """Whether the connection is up and every consumer gets heartbeats."""
        return self.connection.client.is_connected and all(
            consumer.alive for consumer in self._consumers
        )

    @property
    def durable_consumers(self) -> list[DurableConsumer]:
        """This service's durable consumers."""
        return [consumer for consumer in self._consumers if isinstance(consumer, DurableConsumer)]

    async def drain(self, grace: float) -> None:
        """Accept no more deliveries and finish those in flight, for at most `grace` seconds."""
        await asyncio.gather(*(consumer.stop(grace) for consumer in self._consumers))
        self._consumers.clear()


@asynccontextmanager
async def connect(
    url: str,
    service: str,
    *,
    password: str = "",
    namespace: str = "",
    transient_errors: tuple[type[Exception], ...] = (),
) -> AsyncGenerator[Bus]:
    """Connect to NATS, waiting until it is available. A broken connection is reopened.

    Args:
        url: where NATS listens.
        service: the name of the service, which is its user at NATS and part of its consumers'
            names.
        password: the password of that user. Empty connects without authentication.
        namespace: the prefix of all subjects and streams; empty outside tests.
        transient_errors: see `DurableConsumer`.
    """

    async def on_reconnect() -> None:
        _set_tcp_user_timeout(client)
        bus.on_reconnect()

    client = await wait_until_available(
        "NATS", lambda: _open_client(url, service, password, on_reconnect), unavailability_reason
    )
    _set_tcp_user_timeout(client)
    connection = Connection(
        client, client.jetstream(timeout=API_TIMEOUT_SECONDS), service, namespace
    )
    bus = Bus(connection, transient_errors=transient_errors)
    try:
        yield bus
    finally:
        try:
            if client.is_connected:
                await client.flush(timeout=FLUSH_TIMEOUT_SECONDS)
        except NATS_ERRORS as error:
            log.warning("flush timed out on close", error=repr(error))
        finally:
            await client.close()


async def _open_client(
    url: str, service: str, password: str, on_reconnect: Callable[[], Awaitable[None]]
) -> Client:
    """Connect to NATS once. The client reopens the connection whenever it breaks later.

    Raises:
        OSError, nats.errors.Error, TimeoutError: the attempt failed.
    """
    client = NatsClient()

    async def on_error(error: Exception) -> None:
        if not is_open:
            raise error  # nats-py would repeat its first attempt without end
        log.warning("NATS client error", error=repr(error))

    is_open = False
    # nats-py would abandon a slow failure, which asyncio would then log with a stack trace.
    await asyncio.get_running_loop().getaddrinfo(urlsplit(url).hostname, None)
    try:
        await client.connect(
            url,
            name=service,
            user=service if password else None,
            password=password or None,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # pyright: ignore[reportArgumentType]  # a float does
            connect_timeout=2,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=on_error,
            reconnected_cb=on_reconnect,
        )
    except BaseException:
        await client.close()
        raise
    is_open = True
    return client


def _set_tcp_user_timeout(client: Client) -> None:
    """Make the kernel close a connection whose peer stops acknowledging data (RFC 5482).

    nats-py detects the dead peer by its pings, but first flushes the old connection, which can take
    a quarter of an hour with the kernel's default timeout.
    """
    transport: Any = client._transport  # noqa: SLF001 - nats-py has no public access to its socket
    writer: asyncio.StreamWriter | None = getattr(transport, "_io_writer", None)
    if writer is not None and sys.platform == "linux":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(TCP_USER_TIMEOUT_SECONDS * 1000)
        )
