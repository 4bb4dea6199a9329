"""Declares all streams and durable consumers: the only step that may create or change them."""

from typing import Final

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RePublish, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError

from common.events import STREAMS
from common.messaging.connection import DEAD_LETTERS, STORED, Connection
from common.messaging.durable_consumer import consumer_config
from common.messaging.subscriptions import durable_name, load_subscriptions

DUPLICATE_WINDOW_SECONDS: Final = 15 * 60.0
"""The time within which the server stores an event id once. The relay retries well within it."""
MAX_AGE_SECONDS: Final = 30 * 86_400.0
"""The retention of events. MongoDB is the source of truth: `republish-state` restores a stream."""
_STREAM_NAME_IN_USE: Final = 10058


async def declare(connection: Connection, *, replicas: int = 1) -> None:
    """Create or update every stream and every durable consumer. Repeating it changes nothing.

    Args:
        connection: a connection of the user `admin`.
        replicas: how many servers store each stream.
    """
    for stream, first_words in STREAMS.items():
        subjects = [f"{first_word}.>" for first_word in first_words]
        await _declare_stream(connection, stream, subjects, MAX_AGE_SECONDS, replicas)
    await _declare_stream(connection, DEAD_LETTERS, ["dead.>"], 0, replicas)
    subscriptions = load_subscriptions()
    for service, streams in subscriptions.durable.items():
        for stream in streams:
            name = durable_name(service, stream)
            subjects = [
                connection.subject(f"{first_word}.>")
                for first_word in subscriptions.filters.get(name, ())
            ]
            await connection.js.add_consumer(
                connection.stream(stream), consumer_config(name, subjects)
            )


async def _declare_stream(
    connection: Connection, stream: str, subjects: list[str], max_age: float, replicas: int
) -> None:
    config = StreamConfig(
        name=connection.stream(stream),
        subjects=[connection.subject(subject) for subject in subjects],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        max_age=max_age,
        num_replicas=replicas,
    )
    if stream != DEAD_LETTERS:  # for `StreamSubscription`
        config.allow_direct = True
        config.republish = RePublish(src=">", dest=f"{STORED}.>")
    await _create_or_update(connection.js, config)


async def _create_or_update(js: JetStreamContext, config: StreamConfig) -> None:
    try:
        await js.add_stream(config)
    except APIError as error:
        if error.err_code != _STREAM_NAME_IN_USE:
            raise
        await js.update_stream(config)
