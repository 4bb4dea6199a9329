"""The event bus: NATS JetStream, one stream per publishing service, CloudEvents in binary mode.

Publishing waits for the server's ack. Listening is a durable pull consumer per service and stream
(`listen`: each event is handled by one replica), or an ephemeral one per process (`follow`: every
replica sees every event). What happens to a delivery is in `common.messaging.durable_consumer`.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

import nats
import structlog
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, ServiceUnavailableError

from common.errors import ServiceUnavailable
from common.events import STREAMS, Event, stream_of
from common.messaging.connection import DEAD_LETTERS, NATS_ERRORS, Connection
from common.messaging.durable_consumer import DurableConsumer
from common.messaging.envelope import EventEnvelope
from common.messaging.ephemeral_consumer import EphemeralConsumer
from common.observability import metrics, tracing

log = structlog.get_logger("bus")

DUPLICATE_WINDOW_SECONDS: Final = 15 * 60.0
"""Seconds in which the server stores the same event id once; a relay's retries fall well inside."""
MAX_AGE_SECONDS: Final = 30 * 86_400.0
"""Seconds an event stays in its stream; MongoDB stays the truth and `rebuild` the way back."""
API_TIMEOUT_SECONDS: Final = 5.0
PUBLISH_TIMEOUT_SECONDS: Final = 2.0
"""Seconds until an event without an ack is left to the sweep; less than the sweep's own lease."""
TCP_USER_TIMEOUT_SECONDS: Final = 10.0
"""Seconds that NATS may leave what was sent to it without a sign of having got it."""
FLUSH_TIMEOUT_SECONDS: Final = 2
"""Seconds that NATS may take to say that it has all, when a service stops."""
_STREAM_NAME_IN_USE: Final = 10058

Handler = Callable[..., Awaitable[None]]
Handlers = Mapping[type[Event], Handler]


class PublishError(Exception):
    """The server did not acknowledge an event; it may or may not have stored it."""


def handlers(*functions: Handler) -> Handlers:
    """Map each event type to the function whose first argument is annotated with it.

    Example:
        `async def on_order(event: OrderCreated | OrderUpdated)` handles both events.

    Raises:
        ValueError: an event has two handlers.
    """
    handler_by_event: dict[type[Event], Handler] = {}
    for function in functions:
        annotation = next(iter(get_type_hints(function).values()))
        for event in get_args(annotation) or (annotation,):
            if event in handler_by_event:
                raise ValueError(f"{event.__name__} has two handlers")
            handler_by_event[event] = function
    return handler_by_event


class Bus:
    """A connection to NATS in the name of one service."""

    def __init__(
        self,
        connection: Connection,
        *,
        replicas: int,
        transient_errors: tuple[type[Exception], ...],
    ) -> None:
        self.connection = connection
        self._replicas = replicas
        self._transient_errors = (*transient_errors, ServiceUnavailable)
        self._consumers: list[DurableConsumer | EphemeralConsumer] = []

    async def ensure_streams(self) -> None:
        """Make every stream of the contract, or bring its settings up to date."""
        for stream, subject_prefix in STREAMS.items():
            await self._ensure_stream(stream, f"{subject_prefix}.>", max_age=MAX_AGE_SECONDS)
        await self._ensure_stream(DEAD_LETTERS, "dead.>", max_age=0)

    async def _ensure_stream(self, stream: str, subject: str, *, max_age: float) -> None:
        config = StreamConfig(
            name=self.connection.stream(stream),
            subjects=[self.connection.subject(subject)],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            duplicate_window=DUPLICATE_WINDOW_SECONDS,
            max_age=max_age,
            num_replicas=self._replicas,
        )
        try:
            await self.connection.js.add_stream(config)
        except APIError as error:
            if error.err_code != _STREAM_NAME_IN_USE:
                raise
            await self.connection.js.update_stream(config)

    async def publish(self, message: EventEnvelope) -> None:
        """Publish one event and wait until the server has stored it; safe to repeat.

        Raises:
            PublishError: no ack came.
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

    async def subscribe_durable(self, handlers: Handlers) -> None:
        """Handle these events, each in one replica of this service, at least once."""
        by_stream: dict[str, dict[str, tuple[type[Event], Handler]]] = {}
        for event, handler in handlers.items():
            stream_handlers = by_stream.setdefault(stream_of(event), {})
            stream_handlers[self.connection.subject(event.subject)] = (event, handler)
        for stream, stream_handlers in by_stream.items():
            consumer = DurableConsumer(
                self.connection,
                durable=f"{self.connection.service}-{stream}",
                stream=stream,
                handlers=stream_handlers,
                transient_errors=self._transient_errors,
            )
            self._consumers.append(consumer)
            await consumer.start()

    async def subscribe_every_replica(
        self, stream: str, handlers: Handlers, *, since: datetime | None = None
    ) -> EphemeralConsumer:
        """Show this process every event of a stream from `since` on, or from now, in order.

        The functions take the event and its place in the stream. Returns once all that was already
        there has been handled.
        """
        stream_handlers = {
            self.connection.subject(event.subject): (event, handler)
            for event, handler in handlers.items()
        }
        consumer = EphemeralConsumer(
            self.connection, stream=stream, handlers=stream_handlers, since=since
        )
        self._consumers.append(consumer)
        await consumer.start()
        await consumer.caught_up.wait()
        return consumer

    def on_reconnect(self) -> None:
        """Have every consumer ask the server anew."""
        for consumer in self._consumers:
            consumer.on_reconnect()

    @property
    def healthy(self) -> bool:
        """Whether the connection is up and every consumer hears its heartbeat."""
        return self.connection.client.is_connected and all(
            consumer.alive for consumer in self._consumers
        )

    def get_durable_consumer(self, name: str) -> DurableConsumer:
        """Find one of this service's durable consumers by its name."""
        for consumer in self._consumers:
            if isinstance(consumer, DurableConsumer) and consumer.name == name:
                return consumer
        raise KeyError(name)

    @property
    def durable_consumers(self) -> list[DurableConsumer]:
        """This service's durable consumers."""
        return [consumer for consumer in self._consumers if isinstance(consumer, DurableConsumer)]

    async def drain(self, grace: float) -> None:
        """Take no more deliveries and finish those in hand, for at most `grace` seconds."""
        await asyncio.gather(*(consumer.stop(grace) for consumer in self._consumers))
        self._consumers.clear()


@asynccontextmanager
async def connect(
    url: str,
    service: str,
    *,
    namespace: str = "",
    replicas: int = 1,
    transient_errors: tuple[type[Exception], ...] = (),
) -> AsyncGenerator[Bus]:
    """Connect to NATS, waiting as long as it takes, and reconnect whenever the connection breaks.

    Args:
        url: where NATS listens.
        service: the name of the service, part of its consumers' names.
        namespace: the prefix of all subjects and streams; empty outside tests.
        replicas: how many servers store each stream.
        transient_errors: see `DurableConsumer`.
    """

    async def on_error(error: Exception) -> None:
        log.warning("NATS client error", error=repr(error))

    async def on_reconnect() -> None:
        _set_tcp_user_timeout(client)
        bus.on_reconnect()

    client = await nats.connect(
        url,
        name=service,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        error_cb=on_error,
        reconnected_cb=on_reconnect,
    )
    _set_tcp_user_timeout(client)
    connection = Connection(
        client, client.jetstream(timeout=API_TIMEOUT_SECONDS), service, namespace
    )
    bus = Bus(connection, replicas=replicas, transient_errors=transient_errors)
    try:
        await _wait_for_streams(bus)
        yield bus
    finally:
        try:
            if client.is_connected:
                await client.flush(timeout=FLUSH_TIMEOUT_SECONDS)
        except NATS_ERRORS as error:
            log.warning("flush timed out on close", error=repr(error))
        finally:
            await client.close()


def _set_tcp_user_timeout(client: Client) -> None:
    """Have the kernel end a connection whose bytes nobody takes (RFC 5482).

    nats-py notices the silence by its pings, but first waits for the old connection to be rid of
    what it holds: up to a quarter of an hour, by the kernel's own patience.
    """
    transport: Any = client._transport  # noqa: SLF001 - nats-py shows its socket nowhere else
    writer: asyncio.StreamWriter | None = getattr(transport, "_io_writer", None)
    if writer is not None and sys.platform == "linux":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(TCP_USER_TIMEOUT_SECONDS * 1000)
        )


async def _wait_for_streams(bus: Bus) -> None:
    """Ensure the streams; JetStream may come up, or find its leader, later than NATS answers."""
    while True:
        try:
            return await bus.ensure_streams()
        except (NoRespondersError, ServiceUnavailableError, TimeoutError) as error:
            log.warning("JetStream not available yet", error=repr(error))
            await asyncio.sleep(0.5)
