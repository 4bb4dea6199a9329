"""What a backup is made of: each collection as BSON, each stream as its messages.

The BSON is what `mongodump --gzip` writes, so `mongorestore` reads it too. All collections of one
MongoDB are read at one moment (a snapshot session). Streams are read before the databases: an
event in the backup then never tells of a version that the backup does not have. What was published
in between is told again by `rebuild`.
"""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import nats
from bson import decode_file_iter
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig
from pymongo import MongoClient

from ticketing_local.errors import CliError

FETCH_SIZE: Final = 500
FETCH_TIMEOUT_SECONDS: Final = 5.0
MAX_TIMEOUTS: Final = 6
"""How often in a row a stream may say nothing for as long as `SILENCE`, in seconds."""
INSERT_BATCH_SIZE: Final = 1_000
RAW_CODEC: Final[CodecOptions[RawBSONDocument]] = CodecOptions(document_class=RawBSONDocument)
MAX_IN_FLIGHT: Final = 128


def dump_databases(mongo_url: str, databases: Sequence[str], folder: Path) -> int:
    """Write every collection of these databases, all as they were at one moment."""
    count = 0
    with (
        MongoClient[RawBSONDocument](mongo_url, document_class=RawBSONDocument) as client,
        client.start_session(snapshot=True) as session,
    ):
        for database in databases:
            (folder / database).mkdir(parents=True, exist_ok=True)
            for name in client[database].list_collection_names():
                with gzip.open(
                    folder / database / f"{name}.bson.gz", "wb", compresslevel=6
                ) as file:
                    for doc in client[database][name].find(session=session):
                        file.write(doc.raw)
                        count += 1
    return count


def restore_databases(mongo_url: str, folder: Path) -> int:
    """Replace the databases by what is in the folder; their services make the indexes anew."""
    count = 0
    with MongoClient[dict[str, Any]](mongo_url, w="majority", journal=True) as client:
        for database_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
            client.drop_database(database_folder.name)
            for dump_file in sorted(database_folder.glob("*.bson.gz")):
                collection = client[database_folder.name].get_collection(
                    dump_file.name.removesuffix(".bson.gz"), codec_options=RAW_CODEC
                )
                batch: list[RawBSONDocument] = []
                with gzip.open(dump_file, "rb") as file:
                    for doc in decode_file_iter(cast(BinaryIO, file), RAW_CODEC):
                        batch.append(doc)
                        if len(batch) == INSERT_BATCH_SIZE:
                            collection.insert_many(batch)
                            count += len(batch)
                            batch = []
                if batch:
                    collection.insert_many(batch)
                    count += len(batch)
    return count


async def dump_streams(nats_url: str, folder: Path) -> int:
    """Write every stream: its settings, then its messages in their order."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - this loop has nothing else to do
    count = 0
    client = await nats.connect(nats_url)
    try:
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
    finally:
        await client.close()
    return count


async def _messages(js: JetStreamContext, stream: str, count: int) -> AsyncGenerator[str]:
    """Read a stream to its end.

    Raises:
        Trouble: it gave less than the `count` messages that it had.
    """
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
    if read < count:  # nothing is acked, so what is lost on its way is not sent again
        raise CliError(f"only {read} of {count} events of {stream} could be read; try again")
    await subscription.unsubscribe()


async def restore_streams(nats_url: str, folder: Path) -> int:
    """Replace the streams by what is in the folder, under the same event ids."""
    count = 0
    client = await nats.connect(nats_url)
    try:
        js = client.jetstream()
        for dump_file in sorted(folder.glob("*.jsonl.gz")):  # noqa: ASYNC240 - as above
            with gzip.open(dump_file, "rt", encoding="utf-8") as file:
                config = StreamConfig.from_response(json.loads(file.readline())["config"])
                present = {info.config.name for info in await js.streams_info()}
                if config.name in present:
                    await js.delete_stream(config.name or "")
                await js.add_stream(config)
                publishes: list[Any] = []
                for line in file:
                    record = json.loads(line)
                    headers = {
                        k: v
                        for k, v in record["headers"].items()
                        if k == "Nats-Msg-Id" or not k.startswith("Nats-")
                    }
                    data = base64.b64decode(record["data"])
                    publishes.append(js.publish(record["subject"], data, headers=headers))
                    count += 1
                    if len(publishes) == MAX_IN_FLIGHT:
                        await asyncio.gather(*publishes)
                        publishes = []
                await asyncio.gather(*publishes)
    finally:
        await client.close()
    return count
