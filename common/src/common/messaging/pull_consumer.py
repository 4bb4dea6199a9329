"""Pulling messages from JetStream: a bounded number in hand, those of one aggregate in order.

One request for many messages is open at a time; the next goes out when half of what may be in hand
is free. A server that went away, or a consumer that was deleted, is noticed by its missing
heartbeat or its status, and asked anew.
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

MAX_IN_HAND: Final = 128
HEARTBEAT: Final = 2.0
GIVE_BACK: Final = 0.25
"""Seconds until what a stopping process has not begun goes to another; at once, it would come back
by the pull request that this process still has open."""
EXPIRES: Final = 30.0
NOT_FOUND_ANY_MORE: Final = "503"

Heard = Mapping[str, tuple[type[Event], Callable[..., Awaitable[None]]]]


class Pull(ABC):
    """Pulls a consumer's messages, a bounded number in hand, one at a time per aggregate."""

    def __init__(self, connection: Connection, stream: str, heard: Heard) -> None:
        self._connection = connection
        self._stream = connection.stream(stream)
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
        self._held = metrics.HELD.labels(self._name)
        self._inbox = self._connection.client.new_inbox()
        self._subscription = await self._connection.client.subscribe(
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
            await self._connection.unsubscribe(self._subscription)
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
                if room * 2 >= MAX_IN_HAND and self._connection.client.is_connected:
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
        await self._connection.client.publish(
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
