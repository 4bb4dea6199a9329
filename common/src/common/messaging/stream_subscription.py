"""Handles every event of a stream in each process.

The server publishes each stored event again on a `stored.` subject, with its sequence. A core NATS
subscription delivers it at most once, so a gap in the sequence, a reconnect and a regular check
read the missing events from the stream. No consumer is created on the server, because a user who
may create one can make the server deliver stored messages to any subject (decision 28).
"""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from pydantic import ValidationError
from pydantic_core import from_json

from common.events import STREAMS, Event
from common.messaging.connection import NATS_ERRORS, STORED, Connection
from common.messaging.pull_consumer import SubjectHandlers

log = structlog.get_logger("stream-subscription")

CHECK_INTERVAL_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.25
MAX_CHECK_AGE_SECONDS: Final = 30.0
BATCH_SIZE: Final = 256
READ_TIMEOUT_SECONDS: Final = 5.0
STATUS_END_OF_BATCH: Final = "204"
STATUS_NOT_FOUND: Final = "404"

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class StoredEvent(Generic[E]):
    """An event of a stream, decoded only where it is needed: every replica receives every event."""

    model: type[E]
    data: bytes
    sequence: int

    def decode(self) -> E:
        """Return the event.

        Raises:
            ValidationError: it is invalid.
        """
        return self.model.model_validate_json(self.data)

    def parse(self) -> dict[str, Any]:
        """Return the JSON of the event, not validated, at a fifth of the cost of `decode`."""
        return from_json(self.data)


class StreamSubscription:
    """Handles a stream's events in order, from a given time or from now on, without acks.

    Handlers take the event and its sequence in the stream, or a `StoredEvent` without `decode`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        stream: str,
        handlers: SubjectHandlers,
        since: datetime | None = None,
        decode: bool = True,
    ) -> None:
        self._connection = connection
        self._stream = connection.stream(stream)
        self._live_subjects = [
            f"{STORED}.{connection.subject(first_word)}.>" for first_word in STREAMS[stream]
        ]
        self._handlers = handlers
        self._since = since
        self._decode = decode
        self._last_sequence: int | None = None
        self._created_at: datetime | None = None
        self._lock = asyncio.Lock()
        self._check_now = asyncio.Event()
        self._stopping = False
        self._checked_at: float | None = None
        self._subscriptions: list[Subscription] = []
        self._task: asyncio.Task[None] | None = None
        self.caught_up = asyncio.Event()

    async def start(self) -> None:
        """Subscribe, and start to read the stored events."""
        for subject in self._live_subjects:
            subscription = await self._connection.client.subscribe(subject, cb=self._on_live_event)
            self._subscriptions.append(subscription)
        self._task = asyncio.create_task(self._check_regularly(), name=f"check {self._stream}")

    @property
    def alive(self) -> bool:
        """Whether the stream could be read lately."""
        is_running = self._task is not None and not self._task.done()
        return (
            is_running
            and self._checked_at is not None
            and time.monotonic() - self._checked_at < MAX_CHECK_AGE_SECONDS
        )

    def on_reconnect(self) -> None:
        """Read what was published while the connection was broken."""
        self._check_now.set()

    async def stop(self, grace: float) -> None:
        """Handle no more events; finish the one in progress, for at most `grace` seconds."""
        self._stopping = True
        self._check_now.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=grace)
            self._task.cancel()
        for subscription in self._subscriptions:
            await self._connection.unsubscribe(subscription)

    async def _on_live_event(self, msg: Msg) -> None:
        sequence = int((msg.headers or {}).get("Nats-Sequence", 0))
        async with self._lock:
            if self._last_sequence is not None and sequence == self._last_sequence + 1:
                await self._handle(msg, sequence)
            else:
                self._check_now.set()

    async def _check_regularly(self) -> None:
        is_warned = False
        while not self._stopping:
            self._check_now.clear()
            try:
                async with self._lock:
                    await self._read_missing()
            except NATS_ERRORS as error:
                if not is_warned:
                    log.warning("stream cannot be read", stream=self._stream, error=repr(error))
                    is_warned = True
                self._checked_at = None
                await asyncio.sleep(RETRY_SECONDS)
                continue
            is_warned = False
            self._checked_at = time.monotonic()
            self.caught_up.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._check_now.wait(), CHECK_INTERVAL_SECONDS)

    async def _read_missing(self) -> None:
        info = await self._connection.js.stream_info(self._stream)
        if self._created_at not in {None, info.created}:  # the stream was lost and created again
            self._last_sequence = 0
        self._created_at = info.created
        if self._last_sequence is None and self._since is None:
            self._last_sequence = info.state.last_seq
        if info.state.last_seq == self._last_sequence:
            return
        batch_size = BATCH_SIZE
        while batch_size == BATCH_SIZE:
            batch = await self._read_batch()
            for msg in batch:
                await self._handle(msg, int((msg.headers or {})["Nats-Sequence"]))
            batch_size = len(batch)
        if self._last_sequence is None:  # nothing was stored since then
            self._last_sequence = info.state.last_seq

    async def _read_batch(self) -> list[Msg]:
        """Return the next stored events, and fewer than `BATCH_SIZE` if there are no more.

        A callback collects them, because `next_msg` would create two tasks for each.
        """
        client, inbox = self._connection.client, self._connection.client.new_inbox()
        batch: list[Msg] = []
        end_status: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        start = (
            {"start_time": self._since.isoformat()}
            if self._last_sequence is None and self._since is not None
            else {"seq": (self._last_sequence or 0) + 1}
        )

        async def on_response(msg: Msg) -> None:
            status = (msg.headers or {}).get("Status")
            if status is None:
                batch.append(msg)
            elif not end_status.done():
                end_status.set_result(status)

        responses = await client.subscribe(inbox, cb=on_response)
        try:
            await client.publish(
                f"$JS.API.DIRECT.GET.{self._stream}",
                json.dumps({"batch": BATCH_SIZE, **start}).encode(),
                reply=inbox,
            )
            status = await asyncio.wait_for(end_status, READ_TIMEOUT_SECONDS)
        finally:
            await self._connection.unsubscribe(responses)
        if status not in {STATUS_END_OF_BATCH, STATUS_NOT_FOUND}:
            raise nats.errors.Error(f"direct get of {self._stream}: status {status}")
        return batch

    async def _handle(self, msg: Msg, sequence: int) -> None:
        self._last_sequence = sequence
        registered = self._handlers.get((msg.headers or {}).get("Nats-Subject", ""))
        if registered is None:
            return
        model, handler = registered
        try:
            stored = StoredEvent(model, msg.data, sequence)
            if self._decode:
                await handler(stored.decode(), sequence)
            else:
                await handler(stored)
        except ValidationError as error:
            log.warning("invalid event ignored", subject=model.subject, error=str(error))
        except Exception:  # one failed event does not stop the next
            log.exception("handler failed", subject=model.subject)
