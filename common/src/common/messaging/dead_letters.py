"""Dead letters: events that could not be handled, and their replay."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import cast

import structlog
from nats.js.errors import NotFoundError

from common.messaging.bus import Bus
from common.messaging.connection import DEAD_LETTERS, Connection

log = structlog.get_logger("dead-letters")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer could not handle."""

    sequence: int
    durable: str
    subject: str
    reason: str
    detail: str
    attempts: int
    data: bytes


async def iter_dead_letters(
    connection: Connection, durable: str = "*"
) -> AsyncGenerator[DeadLetter]:
    """Yield the dead letters of one consumer, or of all, oldest first.

    Args:
        connection: a connection of the user `operator`.
        durable: the consumer's name.
    """
    sequence = 1
    while True:
        try:
            raw = await connection.js.get_msg(
                connection.stream(DEAD_LETTERS),
                seq=sequence,
                subject=connection.subject(f"dead.{durable}"),
                next=True,
            )
        except NotFoundError:
            return
        found, headers = raw.seq or sequence, cast(dict[str, str], raw.headers or {})
        sequence = found + 1
        yield DeadLetter(
            sequence=found,
            durable=(raw.subject or "").rpartition("dead.")[2],
            subject=headers.get("Dead-Subject", ""),
            reason=headers.get("Dead-Reason", ""),
            detail=headers.get("Dead-Detail", ""),
            attempts=int(headers.get("Dead-Attempts", "0")),
            data=raw.data or b"",
        )


async def replay(bus: Bus, operator: Connection) -> tuple[int, int]:
    """Run this service's handlers on its dead letters, and delete those that succeed.

    Args:
        bus: the service's subscriptions.
        operator: a connection of the user `operator`, to read and delete.

    Returns:
        The number of successes and of failures.
    """
    replayed = failed = 0
    for consumer in bus.durable_consumers:
        async for letter in iter_dead_letters(operator, consumer.name):
            try:
                await consumer.replay(letter.subject, letter.data)
            except Exception:
                log.exception("replay failed", sequence=letter.sequence, durable=consumer.name)
                failed += 1
            else:
                await operator.js.delete_msg(operator.stream(DEAD_LETTERS), letter.sequence)
                replayed += 1
    return replayed, failed
