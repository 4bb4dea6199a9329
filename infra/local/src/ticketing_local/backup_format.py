"""The files of a backup: each collection as BSON, each stream as its messages.

The BSON has the format of `mongodump --gzip`, so `mongorestore` can read it. All collections are
read in one snapshot session. Streams must be dumped before the databases, so that no event in the
backup has a newer version than the document. `republish-state` publishes the events in between.
"""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncGenerator, Iterable
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import nats
from bson import decode_file_iter
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig
from pymongo import MongoClient

from ticketing_local.errors import CliError

CONNECT_TIMEOUT_SECONDS: Final = 5
FETCH_SIZE: Final = 500
FETCH_TIMEOUT_SECONDS: Final = 5.0
MAX_TIMEOUTS: Final = 6
"""How many fetches in a row may time out."""
INSERT_BATCH_SIZE: Final = 1_000
RAW_CODEC: Final[CodecOptions[RawBSONDocument]] = CodecOptions(document_class=RawBSONDocument)
MAX_IN_FLIGHT: Final = 128


def dump_databases(mongo_url: str, databases: Iterable[str], folder: Path) -> int:
    """Write every collection, as of one moment, and return the number of documents."""
    count = 0
    with (
        MongoClient[RawBSONDocument](
            mongo_url,
            document_class=RawBSONDocument,
            serverSelectionTimeoutMS=CONNECT_TIMEOUT_SECONDS * 1000,
        ) as client,
        client.start_session(snapshot=True) as session,
    ):
        for database in databases:
            (folder / database).mkdir(parents=True, exist_ok=True)
            for name in client[database].list_collection_names():
                dump_file = folder / database / f"{name}.bson.gz"
                with gzip.open(dump_file, "wb", compresslevel=6) as file:
                    for doc in client[database][name].find(session=session):
                        file.write(doc.raw)
                        count += 1
    return count


def restore_databases(mongo_url: str, folder: Path) -> int:
    """Replace the databases with those in the folder. The services create the indexes."""
    count = 0
    with MongoClient[dict[str, Any]](mongo_url, w="majority", journal=True) as client:
        for database_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
            client.drop_database(database_folder.name)
            for dump_file in sorted(database_folder.glob("*.bson.gz")):
                collection = client[database_folder.name].get_collection(
                    dump_file.name.removesuffix(".bson.gz"), codec_options=RAW_CODEC
                )
                with gzip.open(dump_file, "rb") as file:
                    documents = decode_file_iter(cast(BinaryIO, file), RAW_CODEC)
                    while batch := list(islice(documents, INSERT_BATCH_SIZE)):
                        collection.insert_many(batch)
                        count += len(batch)
    return count


async def _connect(nats_url: str) -> Client:
    """Connect once, so that a missing server is an error and not a wait."""

    async def ignore_error(_: Exception) -> None:
        """Ignore the error, because it is also raised."""

    return await nats.connect(
        nats_url,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # also limits the attempts to connect at first
        reconnect_time_wait=0,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        error_cb=ignore_error,
    )


async def dump_streams(nats_url: str, folder: Path) -> int:
    """Write the settings and messages of every stream, and return the number of messages."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nothing else runs in this loop
    count = 0
    async with await _connect(nats_url) as client:
        js = client.jetstream()
        for info in await js.streams_info():
            name = info.config.name or ""
            if name.startswith("KV_"):
                continue
            with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
                file.write(json.dumps({"config": info.config.as_dict()}) + "\n")
                async for line in _messages(js, name, info.state.messages):
                    file.write(line)
                    count += 1
    return count


async def _messages(js: JetStreamContext, stream: str, count: int) -> AsyncGenerator[str]:
    """Read the `count` messages of a stream, or raise `CliError`."""
    if not count:
        return
    subscription = await js.pull_subscribe(
        "",
        stream=stream,
        config=ConsumerConfig(
            deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, inactive_threshold=30.0
        ),
    )
    pending, read, timeouts = 1, 0, 0
    while pending and timeouts < MAX_TIMEOUTS:
        try:
            messages = await subscription.fetch(FETCH_SIZE, timeout=FETCH_TIMEOUT_SECONDS)
        except NatsTimeout:
            timeouts += 1
            continue
        timeouts = 0
        for message in messages:
            read += 1
            pending = message.metadata.num_pending
            record = {
                "subject": message.subject,
                "headers": message.headers or {},
                "data": base64.b64encode(message.data).decode(),
            }
            yield json.dumps(record) + "\n"
    if read < count:  # without acks, a lost message is not delivered again
        raise CliError(f"Only {read} of {count} events of {stream} could be read. Try again.")
    await subscription.unsubscribe()


async def restore_streams(nats_url: str, folder: Path) -> int:
    """Replace the streams with those in the folder, under the same event ids."""
    count = 0
    async with await _connect(nats_url) as client:
        js = client.jetstream()
        for dump_file in sorted(folder.glob("*.jsonl.gz")):  # noqa: ASYNC240 - as above
            with gzip.open(dump_file, "rt", encoding="utf-8") as file:
                config = StreamConfig.from_response(json.loads(file.readline())["config"])
                present = {info.config.name for info in await js.streams_info()}
                if config.name in present:
                    await js.delete_stream(config.name or "")
                await js.add_stream(config)
                while lines := list(islice(file, MAX_IN_FLIGHT)):
                    await asyncio.gather(*(_publish(js, json.loads(line)) for line in lines))
                    count += len(lines)
    return count


async def _publish(js: JetStreamContext, record: dict[str, Any]) -> None:
    headers = {
        name: value
        for name, value in record["headers"].items()
        if name == "Nats-Msg-Id" or not name.startswith("Nats-")
    }
    await js.publish(record["subject"], base64.b64decode(record["data"]), headers=headers)
