"""Handles each event in one replica of a service, with retries and dead letters.

A delivery is acked after its handler returned. A failing handler gets it again with a growing
delay. After the last attempt, or immediately if it cannot be parsed, the event is copied with the
reason to the dead-letter stream, and then terminated. The server's own limit (`max_deliver`) is
off, because it drops events that a crashed process held. While a dependency is unavailable, the
delivery is retried in place without a limit. A handler can also postpone an event that comes too
early, which is no failed attempt.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from pydantic import ValidationError

from common.events import STREAMS, Event
from common.messaging.connection import NATS_ERRORS, Connection
from common.messaging.pull_consumer import PullConsumer, SubjectHandlers
from common.observability import metrics, tracing
from common.observability.context import acting_as

log = structlog.get_logger("consumer")

ACK_WAIT_SECONDS: Final = 6.0
"""The time until a dead process's deliveries are redelivered. Slow handlers send heartbeats."""
MAX_ATTEMPTS: Final = 6
RETRY_DELAYS_SECONDS: Final = (0.2, 1.0, 3.0, 10.0, 20.0)
MAX_DELIVERIES_WITHOUT_RESULT: Final = 60
"""Deliveries after which an event is assumed to crash the process that handles it."""
MAX_ACK_PENDING: Final = 1024


class DeliveryPostponed(Exception):
    """Raised by a handler that cannot handle an event yet, to get it again after a delay."""

    def __init__(self, delay_seconds: float) -> None:
        super().__init__(f"again in {delay_seconds:.1f} s")
        self.delay_seconds = delay_seconds


def consumer_config(durable: str, subjects: Sequence[str] = ()) -> ConsumerConfig:
    """Return the server's settings of a durable consumer.

    Its name is part of the contract, because a renamed consumer would receive every event again.

    Args:
        durable: its name.
        subjects: what it gets of its stream. By default it gets everything.
    """
    return ConsumerConfig(
        name=durable,
        durable_name=durable,
        ack_policy=AckPolicy.EXPLICIT,
        deliver_policy=DeliverPolicy.ALL,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
        filter_subjects=[*subjects] or None,
    )


class DurableConsumer(PullConsumer):
    """A service's durable consumer of one stream, which `declarations` creates."""

    def __init__(
        self,
        connection: Connection,
        *,
        durable: str,
        stream: str,
        handlers: SubjectHandlers,
        transient_errors: tuple[type[Exception], ...],
        interval_seconds: float = 0,
    ) -> None:
        """Create the consumer; `start` begins to pull.

        Args:
            connection: the connection to NATS.
            durable: the consumer's name on the server.
            stream: the stream that it reads, without the namespace's prefix.
            handlers: the handler of each subject.
            transient_errors: raised while a dependency is unavailable; the handler is retried in
                place until it is back, because the event is not at fault.
            interval_seconds: see `PullConsumer`.
        """
        super().__init__(connection, stream, durable, handlers, interval_seconds=interval_seconds)
        self._own_subjects = tuple(connection.subject(f"{word}.") for word in STREAMS[stream])
        self._transient_errors = transient_errors
        self._handling: dict[str, Msg] = {}
        self._is_handling = asyncio.Event()
        self._postponed: dict[int, int] = {}
        """How often each outstanding event was postponed here, by its sequence."""
        self._heartbeats: asyncio.Task[None] | None = None
        for counter in (metrics.REDELIVERED, metrics.FOREIGN):
            counter.labels(durable)  # 0, so that Prometheus sees the first increase

    async def start(self) -> None:
        """Start pulling."""
        await super().start()
        self._heartbeats = asyncio.create_task(
            self._send_heartbeats(), name=f"heartbeats {self.name}"
        )

    async def stop(self, grace: float) -> None:
        """Stop pulling and finish the deliveries in flight, for at most `grace` seconds."""
        await super().stop(grace)
        if self._heartbeats is not None:
            self._heartbeats.cancel()

    async def _send_heartbeats(self) -> None:
        while True:
            await self._is_handling.wait()
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            if not self._handling:
                self._is_handling.clear()
            for msg in tuple(self._handling.values()):
                with contextlib.suppress(*NATS_ERRORS):
                    await msg.in_progress()

    async def _process(self, msg: Msg) -> None:
        if self._is_foreign(msg):
            log.error("foreign message dropped", durable=self.name, subject=msg.subject)
            metrics.FOREIGN.labels(self.name).inc()
            await msg.term()
            return
        registered = self._handlers.get(msg.subject)
        if registered is None:
            await msg.ack()
            return
        model, handler = registered
        try:
            event = model.model_validate_json(msg.data)
        except ValidationError as error:
            await self._dead_letter(msg, "invalid", str(error))
            return
        attempt = msg.metadata.num_delivered - self._postponed.get(msg.metadata.sequence.stream, 0)
        if attempt > MAX_DELIVERIES_WITHOUT_RESULT:
            await self._dead_letter(
                msg, "exhausted", "delivered too often without a result; it may crash its process"
            )
            return
        self._handling[msg.reply] = msg
        self._is_handling.set()
        started = time.perf_counter()
        if attempt > 1:
            metrics.REDELIVERED.labels(self.name).inc()
        try:
            with (
                tracing.processing(model.subject, msg.headers or {}, self.name, attempt),
                acting_as(f"event {(msg.headers or {}).get('ce-id', model.subject)}"),
            ):
                await self._handle(msg, handler, event, attempt)
        finally:
            del self._handling[msg.reply]
            metrics.handler_duration(model.subject).observe(time.perf_counter() - started)

    def _is_foreign(self, msg: Msg) -> bool:
        """Return whether the message was not published by the owner of the stream.

        The server itself can be made to place a stored message into another stream, under its first
        subject or with a header that names its first stream.
        """
        return not msg.subject.startswith(self._own_subjects) or "Nats-Stream" in (
            msg.headers or {}
        )

    async def _handle(
        self, msg: Msg, handler: Callable[[Any], Awaitable[None]], event: Event, attempt: int
    ) -> None:
        delay = 0.1
        while True:
            try:
                await handler(event)
            except self._transient_errors as error:
                log.warning("handler blocked, retrying", subject=event.subject, error=repr(error))
                metrics.handled(event.subject, "blocked").inc()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), delay)
                if self._stopping.is_set():
                    await self._nak(msg)
                    return
                delay = min(delay * 2, 5.0)
            except DeliveryPostponed as postponed:
                self._count_postponement(msg)
                metrics.handled(event.subject, "postponed").inc()
                await msg.nak(delay=postponed.delay_seconds)
                return
            except Exception as error:
                tracing.record_failure(error)
                log.exception("handler failed", subject=event.subject, attempt=attempt)
                if attempt >= MAX_ATTEMPTS:
                    await self._dead_letter(msg, "failed", repr(error))
                else:
                    metrics.handled(event.subject, "failed").inc()
                    await msg.nak(
                        delay=RETRY_DELAYS_SECONDS[min(attempt, len(RETRY_DELAYS_SECONDS)) - 1]
                    )
                return
            else:
                self._postponed.pop(msg.metadata.sequence.stream, None)
                await msg.ack()
                metrics.handled(event.subject, "ok").inc()
                return

    def _count_postponement(self, msg: Msg) -> None:
        sequence = msg.metadata.sequence.stream
        count = self._postponed.pop(sequence, 0) + 1  # the last one in the dict again
        self._postponed[sequence] = count
        while len(self._postponed) > MAX_ACK_PENDING:  # so the oldest is no longer outstanding
            self._postponed.pop(next(iter(self._postponed)))

    async def _dead_letter(self, msg: Msg, reason: str, detail: str) -> None:
        """Copy the event with the reason to the dead-letter stream, and then terminate it."""
        event_headers = {k: v for k, v in (msg.headers or {}).items() if not k.startswith("Nats-")}
        sequence = msg.metadata.sequence.stream
        await self._connection.js.publish(
            self._connection.subject(f"dead.{self.name}"),
            msg.data,
            headers={
                **event_headers,
                "Nats-Msg-Id": f"dead:{self.name}:{self._stream}:{sequence}",
                "Dead-Reason": reason,
                "Dead-Detail": " ".join(detail.split())[:2000],
                "Dead-Subject": msg.subject,
                "Dead-Sequence": str(sequence),
                "Dead-Attempts": str(msg.metadata.num_delivered),
            },
        )
        await msg.term()
        metrics.DEAD_LETTERED.labels(self.name, reason).inc()
        log.error("event dead-lettered", durable=self.name, reason=reason, sequence=sequence)

    async def info(self) -> ConsumerInfo:
        """Return the server's state of this consumer."""
        return await self._connection.js.consumer_info(self._stream, self.name)

    async def replay(self, subject: str, data: bytes) -> None:
        """Run the handler on a dead letter.

        Raises:
            KeyError: the subject has no handler any more.
            ValidationError: it still cannot be parsed.
            Exception: the handler failed.
        """
        model, handler = self._handlers[subject]
        await handler(model.model_validate_json(data))
