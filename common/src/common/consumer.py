"""What happens to a delivery: handled and acked, tried again, or put with the dead letters.

A delivery is acked only after its handler returned. A handler that fails gets it again with a
growing delay; after the last attempt, or at once when it cannot be parsed, it goes with its reason
to the dead-letter stream, and only then is the original given up. The server's own limit
(`max_deliver`) stays off: it drops for good what a dying process held. When it is not the event's
fault (the database is away), the delivery is kept and tried in place, for as long as it takes.
"""

import asyncio
import contextlib
import json
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import APIError
from pydantic import ValidationError
from pymongo.errors import AutoReconnect, ExecutionTimeout, WaitQueueTimeoutError, WTimeoutError

from common import telemetry, tracing
from common.errors import Unavailable
from common.events import Event
from common.history import acting

if TYPE_CHECKING:
    from common.bus import Bus

log = structlog.get_logger("consumer")

DEAD_LETTERS: Final = "dead-letters"
TRANSIENT: Final = (
    AutoReconnect,
    ExecutionTimeout,
    WaitQueueTimeoutError,
    WTimeoutError,
    Unavailable,
)
"""Not the event's fault: the handler is tried again in place until the store is back."""
NATS_ERRORS: Final = (nats.errors.Error, APIError, TimeoutError, OSError)

ACK_WAIT: Final = 6.0
"""Seconds until what a dead process held comes back; slow handlers send heartbeats."""
MAX_ATTEMPTS: Final = 6
BACK_OFF: Final = (0.2, 1.0, 3.0, 10.0, 20.0)
EXHAUSTED: Final = 60
"""Delivered this often and never judged: it kills the process that holds it."""
MAX_IN_HAND: Final = 128
MAX_ACK_PENDING: Final = 1024
HEARTBEAT: Final = 2.0
GIVE_BACK: Final = 0.25
"""Seconds until what a stopping process has not begun goes to another; at once, it would come back
by the pull request that this process still has open."""
EXPIRES: Final = 30.0
NOT_FOUND_ANY_MORE: Final = "503"

Heard = Mapping[str, tuple[type[Event], Callable[..., Awaitable[None]]]]


async def unsubscribe(client: Client, subscription: Subscription) -> None:
    """Ask for no more messages, if the server is there to be asked."""
    if client.is_connected:
        with contextlib.suppress(*NATS_ERRORS):
            await subscription.unsubscribe()


class Pull(ABC):
    """Pulls a consumer's messages, a bounded number in hand, one at a time per aggregate."""

    def __init__(self, bus: "Bus", stream: str, heard: Heard) -> None:
        self._bus = bus
        self._stream = bus.stream(stream)
        self._heard = heard
        self._in_hand = 0
        self._requests: dict[str, int] = {}
        self._queues: dict[str, deque[Msg]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._seen = time.monotonic()
        self._missing = False
        self._stopping = asyncio.Event()
        self._asked = 0
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._loop: asyncio.Task[None] | None = None

    @abstractmethod
    async def _declare(self) -> str:
        """Make the consumer, or bring its settings up to date; give its name."""

    @abstractmethod
    async def _settle(self, msg: Msg) -> None:
        """Do with one delivery what has to be done."""

    async def start(self) -> None:
        """Declare the consumer and begin to pull."""
        self._name = await self._declare()
        self._held = telemetry.HELD.labels(self._name)
        self._inbox = self._bus.client.new_inbox()
        self._subscription = await self._bus.client.subscribe(
            f"{self._inbox}.*", cb=self._on_message, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        self._loop = asyncio.create_task(self._pull_for_ever(), name=f"pull {self._name}")

    @property
    def alive(self) -> bool:
        """Whether messages would come if there were any."""
        running = self._loop is not None and not self._loop.done()
        return running and not self._missing and time.monotonic() - self._seen < EXPIRES

    def reconnected(self) -> None:
        """Ask anew: the server that had taken the requests may have forgotten them."""
        self._requests.clear()
        self._wake.set()

    async def stop(self, grace: float) -> None:
        """Take nothing more, finish what is in hand; after `grace` seconds leave it to others."""
        self._stopping.set()
        self._wake.set()
        if self._loop is not None:
            await self._loop
        if self._subscription is not None:
            await unsubscribe(self._bus.client, self._subscription)
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=grace)
            for task in late:
                task.cancel()

    async def _pull_for_ever(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if self._requests and time.monotonic() - self._seen > 2.5 * HEARTBEAT:
                self._requests.clear()  # the server that took them is gone
            try:
                if self._missing:
                    self._name = await self._declare()
                    self._missing = False
                room = MAX_IN_HAND - self._in_hand - sum(self._requests.values())
                if room * 2 >= MAX_IN_HAND and self._bus.client.is_connected:
                    await self._request(room)
            except NATS_ERRORS as error:
                log.warning("cannot pull, trying again", consumer=self._name, error=repr(error))
                self._missing = True
                await asyncio.sleep(0.25)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 0.25 if self._missing else HEARTBEAT)

    async def _request(self, batch: int) -> None:
        self._asked += 1
        request = str(self._asked)
        self._requests[request] = batch
        self._seen = time.monotonic()
        options = {
            "batch": batch,
            "expires": int(EXPIRES * 1e9),
            "idle_heartbeat": int(HEARTBEAT * 1e9),
        }
        await self._bus.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}",
            json.dumps(options).encode(),
            reply=f"{self._inbox}.{request}",
        )

    async def _on_message(self, msg: Msg) -> None:
        self._seen = time.monotonic()
        headers = msg.headers or {}
        status = headers.get("Status")
        if status is not None and not msg.reply.startswith("$JS.ACK"):
            self._on_status(msg, status, headers.get("Description", ""))
            return
        self._count_against_a_request()
        if self._stopping.is_set():
            await self._give_back(msg)
            return
        self._in_hand += 1
        self._held.set(self._in_hand)
        key = self._key(msg)
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(msg)
            return
        queue = self._queues[key] = deque([msg])
        task = asyncio.create_task(self._drain(key, queue))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _key(self, msg: Msg) -> str:
        """Say which messages are handled one after another: those of one aggregate."""
        return (msg.headers or {}).get("ce-subject") or msg.reply

    def _on_status(self, msg: Msg, status: str, description: str) -> None:
        if status == "100":  # heartbeat
            return
        self._requests.pop(msg.subject.rsplit(".", 1)[1], None)
        if status == NOT_FOUND_ANY_MORE or "Deleted" in description:
            self._missing = True
        self._wake.set()

    def _count_against_a_request(self) -> None:
        for request in self._requests:  # a delivery does not name its request: take the oldest
            self._requests[request] -= 1
            if self._requests[request] <= 0:
                del self._requests[request]
            break

    async def _give_back(self, msg: Msg) -> None:
        await msg.nak(delay=GIVE_BACK)

    async def _drain(self, key: str, queue: deque[Msg]) -> None:
        while queue:
            msg = queue[0]
            try:
                if self._stopping.is_set():
                    await self._give_back(msg)
                else:
                    await self._settle(msg)
            except NATS_ERRORS as error:  # the server was not told: it redelivers
                log.warning("not settled, redelivered later", error=repr(error))
            except Exception:  # nothing may stop the queue: those behind it would never be handled
                log.exception("not settled, redelivered later", subject=msg.subject)
            finally:
                queue.popleft()
                self._in_hand -= 1
                self._held.set(self._in_hand)
                self._wake.set()
                if not queue:
                    del self._queues[key]


class Durable(Pull):
    """A service's durable consumer of one stream; its name is part of the contract.

    Renaming it would replay history.
    """

    def __init__(self, bus: "Bus", *, durable: str, stream: str, heard: Heard) -> None:
        super().__init__(bus, stream, heard)
        self.name = durable
        self._handling: dict[str, Msg] = {}
        self._heartbeats: asyncio.Task[None] | None = None
        telemetry.REDELIVERED.labels(durable)  # 0 from the start: Prometheus sees no first step

    async def start(self) -> None:
        """Declare the consumer and begin to pull."""
        await super().start()
        self._heartbeats = asyncio.create_task(self._beat_for_ever(), name=f"beat {self.name}")

    async def stop(self, grace: float) -> None:
        """Take nothing more, finish what is in hand; after `grace` seconds leave it to others."""
        await super().stop(grace)
        if self._heartbeats is not None:
            self._heartbeats.cancel()

    async def _beat_for_ever(self) -> None:
        """Tell the server of the handlers that take long that they are still at it."""
        while True:
            await asyncio.sleep(ACK_WAIT / 3)
            for msg in tuple(self._handling.values()):
                with contextlib.suppress(*NATS_ERRORS):
                    await msg.in_progress()

    async def _declare(self) -> str:
        await self._bus.js.add_consumer(
            self._stream,
            ConsumerConfig(
                name=self.name,
                durable_name=self.name,
                ack_policy=AckPolicy.EXPLICIT,
                deliver_policy=DeliverPolicy.ALL,
                ack_wait=ACK_WAIT,
                max_deliver=-1,
                max_ack_pending=MAX_ACK_PENDING,
            ),
        )
        return self.name

    async def _settle(self, msg: Msg) -> None:
        known = self._heard.get(msg.subject)
        if known is None:
            await msg.ack()
            return
        model, handler = known
        try:
            event = model.model_validate_json(msg.data)
        except ValidationError as error:
            await self._dead_letter(msg, "invalid", str(error))
            return
        if msg.metadata.num_delivered > EXHAUSTED:
            await self._dead_letter(msg, "exhausted", "never judged; it may kill its process")
            return
        self._handling[msg.reply] = msg
        started = time.perf_counter()
        attempt = msg.metadata.num_delivered
        if attempt > 1:
            telemetry.REDELIVERED.labels(self.name).inc()
        try:
            with (
                tracing.processing(model.subject, msg.headers or {}, self.name, attempt),
                acting(f"event {(msg.headers or {}).get('ce-id', model.subject)}"),
            ):
                await self._handle(msg, handler, event)
        finally:
            del self._handling[msg.reply]
            telemetry.handle_seconds(model.subject).observe(time.perf_counter() - started)

    async def _handle(
        self, msg: Msg, handler: Callable[[Any], Awaitable[None]], event: Event
    ) -> None:
        delay = 0.1
        while True:
            try:
                await handler(event)
            except TRANSIENT as error:
                log.warning("waiting for what it needs", subject=event.subject, error=repr(error))
                telemetry.handled(event.subject, "waited").inc()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), delay)
                if self._stopping.is_set():
                    await self._give_back(msg)
                    return
                delay = min(delay * 2, 5.0)
            except Exception as error:
                delivered = msg.metadata.num_delivered
                tracing.failed(error)
                log.exception("handler failed", subject=event.subject, delivered=delivered)
                if delivered >= MAX_ATTEMPTS:
                    await self._dead_letter(msg, "failed", repr(error))
                else:
                    telemetry.handled(event.subject, "failed").inc()
                    await msg.nak(delay=BACK_OFF[min(delivered, len(BACK_OFF)) - 1])
                return
            else:
                await msg.ack()
                telemetry.handled(event.subject, "ok").inc()
                return

    async def _dead_letter(self, msg: Msg, reason: str, detail: str) -> None:
        """Copy it with its reason to the dead-letter stream, and only then give it up."""
        carried = {k: v for k, v in (msg.headers or {}).items() if not k.startswith("Nats-")}
        sequence = msg.metadata.sequence.stream
        await self._bus.js.publish(
            self._bus.subject(f"dead.{self.name}"),
            msg.data,
            headers={
                **carried,
                "Nats-Msg-Id": f"dead:{self.name}:{self._stream}:{sequence}",
                "Dead-Reason": reason,
                "Dead-Detail": " ".join(detail.split())[:2000],
                "Dead-Subject": msg.subject,
                "Dead-Sequence": str(sequence),
                "Dead-Attempts": str(msg.metadata.num_delivered),
            },
        )
        await msg.term()
        telemetry.DEAD.labels(self.name, reason).inc()
        log.error("dead letter", durable=self.name, reason=reason, sequence=sequence)

    async def info(self) -> ConsumerInfo:
        """Ask the server how far this consumer is."""
        return await self._bus.js.consumer_info(self._stream, self.name)

    async def handle_again(self, subject: str, data: bytes) -> None:
        """Run this consumer's own handler over a dead letter.

        Raises:
            KeyError: nobody here hears that subject any more.
            ValidationError: it still cannot be parsed.
            Exception: whatever the handler fails with.
        """
        model, handler = self._heard[subject]
        await handler(model.model_validate_json(data))


class Follower(Pull):
    """One process's own view of a stream: every event from a moment on, nothing to ack.

    Its handlers take the event and its place in the stream.
    """

    def __init__(
        self, bus: "Bus", *, stream: str, heard: Heard, since: datetime | None = None
    ) -> None:
        super().__init__(bus, stream, heard)
        self._since = since
        self._last: int | None = None
        self.caught_up = asyncio.Event()

    async def _declare(self) -> str:
        config = ConsumerConfig(
            name=f"{self._bus.service}-{uuid4().hex}",
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
        )
        if self._last is not None:
            stream = await self._bus.js.stream_info(self._stream)
            if stream.state.last_seq < self._last:  # it was lost, and counts from the start again
                self._last = 0
            config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = self._last + 1
        elif self._since is not None:
            config.deliver_policy = DeliverPolicy.BY_START_TIME
            config.opt_start_time = self._since
        else:
            config.deliver_policy = DeliverPolicy.NEW
        info = await self._bus.js.add_consumer(self._stream, config)
        if self._last is None:
            self._last = info.delivered.stream_seq if info.delivered else 0
        if not info.num_pending:
            self.caught_up.set()
        return info.name

    def _key(self, msg: Msg) -> str:  # noqa: ARG002 - whatever the message
        """All in the order of the stream."""
        return self._stream

    async def _give_back(self, msg: Msg) -> None:
        """Nothing: another process has its own view."""

    async def _settle(self, msg: Msg) -> None:
        place = msg.metadata.sequence.stream
        self._last = max(self._last or 0, place)
        known = self._heard.get(msg.subject)
        if known is not None:
            model, handler = known
            try:
                await handler(model.model_validate_json(msg.data), place)
            except ValidationError as error:
                log.warning("not understood", subject=msg.subject, error=str(error))
            except Exception:  # a view that missed one event goes on with the next
                log.exception("handler failed", subject=msg.subject)
        if not msg.metadata.num_pending:
            self.caught_up.set()
