"""Handles every event of a stream in each process."""

import asyncio
from datetime import datetime
from uuid import uuid4

import structlog
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic import ValidationError

from common.messaging.connection import Connection
from common.messaging.pull_consumer import PullConsumer, SubjectHandlers

log = structlog.get_logger("ephemeral-consumer")


class EphemeralConsumer(PullConsumer):
    """Handles every event of a stream from a given time on, in order and without acks.

    Handlers take the event and its sequence in the stream.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        stream: str,
        handlers: SubjectHandlers,
        since: datetime | None = None,
    ) -> None:
        super().__init__(connection, stream, handlers)
        self._since = since
        self._last_sequence: int | None = None
        self.caught_up = asyncio.Event()

    async def _declare(self) -> str:
        config = ConsumerConfig(
            name=f"{self._connection.service}-{uuid4().hex}",
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
        )
        if self._last_sequence is not None:
            stream = await self._connection.js.stream_info(self._stream)
            if stream.state.last_seq < self._last_sequence:  # the stream was lost and recreated
                self._last_sequence = 0
            config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = self._last_sequence + 1
        elif self._since is not None:
            config.deliver_policy = DeliverPolicy.BY_START_TIME
            config.opt_start_time = self._since
        else:
            config.deliver_policy = DeliverPolicy.NEW
        info = await self._connection.js.add_consumer(self._stream, config)
        if self._last_sequence is None:
            self._last_sequence = info.delivered.stream_seq if info.delivered else 0
        if not info.num_pending:
            self.caught_up.set()
        return info.name

    def on_reconnect(self) -> None:
        """Redeclare from the last sequence, because lost events count as delivered."""
        self._must_redeclare = True
        super().on_reconnect()

    def _ordering_key(self, msg: Msg) -> str:  # noqa: ARG002 - the same for each message
        """Return one key, so that events are handled in stream order."""
        return self._stream

    async def _nak(self, msg: Msg) -> None:
        """Do nothing, because there are no acks."""

    async def _process(self, msg: Msg) -> None:
        sequence = msg.metadata.sequence.stream
        if self._last_sequence is not None and sequence <= self._last_sequence:
            return  # handled before the redeclaration
        self._last_sequence = sequence
        registered = self._handlers.get(msg.subject)
        if registered is not None:
            model, handler = registered
            try:
                await handler(model.model_validate_json(msg.data), sequence)
            except ValidationError as error:
                log.warning("invalid event ignored", subject=msg.subject, error=str(error))
            except Exception:  # one failed event does not stop the next
                log.exception("handler failed", subject=msg.subject)
        if not msg.metadata.num_pending:
            self.caught_up.set()
