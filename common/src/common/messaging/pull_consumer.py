"""Pulls messages from JetStream: a bounded number in flight, in order per aggregate.

One request for many messages is open at a time. The next is sent when half of the capacity is free.
A consumer that can wait gets its messages in bursts, because each one that comes alone wakes an
idle process: after the first message it rests for an interval, in which the server collects others.
A lost server or a deleted consumer is detected by missing heartbeats or by a status message.
"""

import asyncio
import contextlib
import json
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from common.events import Event
from common.messaging.connection import NATS_ERRORS, Connection
from common.observability import metrics

log = structlog.get_logger("pull")

MAX_IN_FLIGHT: Final = 128
HEARTBEAT_SECONDS: Final = 2.0
MAX_SILENCE_SECONDS: Final = 2.5 * HEARTBEAT_SECONDS
"""Without a heartbeat or a message for so long, the server that held the requests is gone."""
NAK_DELAY_SECONDS: Final = 0.25
"""The redelivery delay of what a stopping process did not start. Without it, the message would come
back through the pull request that this process still has open."""
RETRY_SECONDS: Final = 0.25
PULL_EXPIRES_SECONDS: Final = 30.0
STATUS_NO_RESPONDERS: Final = "503"

SubjectHandlers = Mapping[str, tuple[type[Event], Callable[..., Awaitable[None]]]]


class PullConsumer(ABC):
    """Pulls a consumer's messages and handles them one at a time per aggregate."""

    def __init__(
        self,
        connection: Connection,
        stream: str,
        name: str,
        handlers: SubjectHandlers,
        *,
        interval_seconds: float = 0,
    ) -> None:
        """Create the consumer; `start` begins to pull.

        Args:
            connection: the connection to NATS.
            stream: the stream that it reads, without the namespace's prefix.
            name: the consumer's name on the server.
            handlers: the handler of each subject.
            interval_seconds: the time between the starts of two bursts, and so the longest delay of
                a message. More messages than fit into one burst are not delayed. 0 is no delay.
        """
        self._connection = connection
        self._stream = connection.stream(stream)
        self.name = name
        self._handlers = handlers
        self._interval_seconds = interval_seconds
        self._rest: asyncio.TimerHandle | None = None
        """Ends the rest after the first message of a burst. None while it asks for messages."""
        self._in_flight = 0
        self._requests: dict[str, int] = {}
        self._queues: dict[str, deque[Msg]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._last_activity = time.monotonic()
        self._exists = False
        self._stopping = asyncio.Event()
        self._request_count = 0
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._pull_task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _process(self, msg: Msg) -> None:
        """Handle one delivery."""

    async def start(self) -> None:
        """Start pulling, as soon as the consumer exists on the server."""
        metrics.IN_FLIGHT.labels(self.name).set_function(lambda: self._in_flight)
        self._inbox = self._connection.client.new_inbox()
        self._subscription = await self._connection.client.subscribe(
            f"{self._inbox}.*", cb=self._on_message, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        self._pull_task = asyncio.create_task(self._pull_loop(), name=f"pull {self.name}")

    @property
    def alive(self) -> bool:
        """Whether the consumer receives messages or heartbeats."""
        is_running = self._pull_task is not None and not self._pull_task.done()
        return (
            is_running
            and self._exists
            and time.monotonic() - self._last_activity < PULL_EXPIRES_SECONDS
        )

    def on_reconnect(self) -> None:
        """Repeat the pull requests, which the server may have lost."""
        self._requests.clear()
        self._wake.set()

    async def stop(self, grace: float) -> None:
        """Stop pulling and finish the deliveries in flight, for at most `grace` seconds."""
        self._stopping.set()
        self._end_rest()
        if self._pull_task is not None:
            await self._pull_task
        if self._subscription is not None:
            await self._connection.unsubscribe(self._subscription)
        if self._tasks:
            _, unfinished = await asyncio.wait(set(self._tasks), timeout=grace)
            for task in unfinished:
                task.cancel()

    async def _pull_loop(self) -> None:
        is_warned = False
        while not self._stopping.is_set():
            self._wake.clear()
            if self._seconds_until_silent() <= 0:
                self._requests.clear()
            try:
                await self._ensure_requested()
            except NATS_ERRORS as error:
                if self._exists or not is_warned:
                    log.warning("consumer not available", consumer=self.name, error=repr(error))
                    is_warned = True
                self._exists = False
                await asyncio.sleep(RETRY_SECONDS)
            else:
                is_warned = False
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._wake.wait(),
                    self._seconds_until_silent() if self._exists else RETRY_SECONDS,
                )

    def _seconds_until_silent(self) -> float:
        if not self._requests:
            return MAX_SILENCE_SECONDS
        return self._last_activity + MAX_SILENCE_SECONDS - time.monotonic()

    async def _ensure_requested(self) -> None:
        if not self._exists:
            await self._connection.js.consumer_info(self._stream, self.name)
            self._requests.clear()
            self._exists = True
        capacity = MAX_IN_FLIGHT - self._in_flight - sum(self._requests.values())
        has_capacity = capacity * 2 >= MAX_IN_FLIGHT
        if has_capacity and self._rest is None and self._connection.client.is_connected:
            await self._request(capacity)

    async def _request(self, batch: int) -> None:
        self._request_count += 1
        request = str(self._request_count)
        self._requests[request] = batch
        self._last_activity = time.monotonic()
        options = {
            "batch": batch,
            "expires": int(PULL_EXPIRES_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
            # With `expires`: wait for the first message, and end after those that are stored then.
            "no_wait": self._interval_seconds > 0,
        }
        await self._connection.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self.name}",
            json.dumps(options).encode(),
            reply=f"{self._inbox}.{request}",
        )

    async def _on_message(self, msg: Msg) -> None:
        self._last_activity = time.monotonic()
        headers = msg.headers or {}
        status = headers.get("Status")
        if status is not None and not msg.reply.startswith("$JS.ACK"):
            self._on_status(msg, status, headers.get("Description", ""))
            return
        self._begin_rest()
        self._consume_request_credit()
        if self._stopping.is_set():
            await self._nak(msg)
            return
        self._in_flight += 1
        key = self._ordering_key(msg)
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(msg)
            return
        queue = self._queues[key] = deque([msg])
        task = asyncio.create_task(self._process_queue(key, queue))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ordering_key(self, msg: Msg) -> str:
        """Return the key whose messages are handled in order: the aggregate's id."""
        return (msg.headers or {}).get("ce-subject") or msg.reply

    def _on_status(self, msg: Msg, status: str, description: str) -> None:
        if status == "100":  # heartbeat
            return
        self._requests.pop(msg.subject.rsplit(".", 1)[1], None)
        if status == STATUS_NO_RESPONDERS or "Deleted" in description:
            self._exists = False
        self._begin_rest()  # if it had no message, it was refused
        self._wake.set()

    def _consume_request_credit(self) -> None:
        for request in self._requests:  # a delivery does not name its request: assume the oldest
            self._requests[request] -= 1
            if self._requests[request] <= 0:
                del self._requests[request]
                self._end_rest()  # a full burst: there may be more
            break

    def _begin_rest(self) -> None:
        if self._interval_seconds and self._rest is None:
            loop = asyncio.get_running_loop()
            self._rest = loop.call_later(self._interval_seconds, self._end_burst)

    def _end_burst(self) -> None:
        self._requests.clear()  # the server ended them, perhaps without a status
        self._end_rest()

    def _end_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self._wake.set()

    async def _nak(self, msg: Msg) -> None:
        await msg.nak(delay=NAK_DELAY_SECONDS)

    async def _process_queue(self, key: str, queue: deque[Msg]) -> None:
        while queue:
            msg = queue[0]
            try:
                if self._stopping.is_set():
                    await self._nak(msg)
                else:
                    await self._process(msg)
            except NATS_ERRORS as error:  # the ack was not sent
                log.warning("delivery not processed, it will be redelivered", error=repr(error))
            except Exception:  # must not stop the queue
                log.exception("delivery not processed, it will be redelivered", subject=msg.subject)
            finally:
                queue.popleft()
                self._in_flight -= 1
                self._wake.set()
                if not queue:
                    del self._queues[key]
