"""Stolen data: no store, log, trace or backup reveals a code or a file of the vault (V6)."""

import asyncio
import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pymongo import MongoClient
from redis import Redis

from common.testing.polling import eventually
from common.values.ids import new_id
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.commands.backup import write_backup
from ticketing_local.commands.trace_viewer import TraceStore
from ticketing_local.stack.ports import SERVICES
from tickets.sample_files import ticket_pdf, ticket_png

TITLE = "Sealed seat in the dump"
HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
KEYS = ("VAULT_KEY", "FINGERPRINT_KEY")


def forms_of(data: bytes) -> Iterator[bytes]:
    """Yield the ways in which bytes could be stored readably."""
    yield from (data, data.hex().encode(), base64.b64encode(data), base64.urlsafe_b64encode(data))


def needles_of(payload: bytes, symbology: str, file: bytes) -> set[bytes]:
    """Return what must not be found: the code, the file, and hashes that a guess would confirm."""
    guessable = (payload, symbology.encode() + payload, symbology.encode() + b"\0" + payload, file)
    hashes = [hashlib.new(name, data).digest() for name in HASHES for data in guessable]
    readable = [payload, file[:90], file[len(file) // 2 :][:90], *hashes]
    return {form for data in readable for form in forms_of(data)}


async def buy(system: System, ticket: Any) -> ApiUser:
    """Return a user who has bought a ticket and may see its original."""
    buyer = signed_in_user(system.address)
    await buyer.pay(await buyer.order(ticket))

    async def may_reveal() -> bool:
        state = await buyer.request("GET", f"/api/tickets/{ticket['id']}/pass")
        return state.status_code == 200 and state.json()["canReveal"]

    await eventually(may_reveal)
    return buyer


@pytest.fixture
async def planted(system: System) -> set[bytes]:
    """Upload, refuse, sell, reveal and read originals, and return what must not be found."""
    seller, rival = signed_in_user(system.address), signed_in_user(system.address)
    pdf_code, png_code = f"PDF-{new_id()}".encode(), f"PNG-{new_id()}".encode()
    pdf, png = ticket_pdf(pdf_code), ticket_png(png_code, b"https://example.com/app")
    sold, kept, copied = await seller.sell(TITLE), await seller.sell(TITLE), await rival.sell(TITLE)
    await seller.upload(sold, pdf)
    await seller.upload(kept, png, "image/png")
    buyer = await buy(system, sold)  # before its copy, which would keep it from being ordered
    await rival.upload(copied, pdf, expect=409)
    await rival.upload(copied, pdf[:300], expect=400)  # broken
    path = f"/api/tickets/{sold['id']}/pass"
    await buyer.request_ok("POST", f"{path}/reveal", {})
    file = await buyer.request("GET", f"{path}/file")
    code = await buyer.request("GET", f"{path}/qr.svg")
    assert (file.content, code.status_code) == (pdf, 200)
    for user in (seller, rival, buyer):
        await user.close()
    keys = [system.processes["tickets"].program.environment[name] for name in KEYS]
    needles = needles_of(pdf_code, "qr", pdf) | needles_of(png_code, "qr", png)
    return needles | {form for key in keys for form in (key.encode(), bytes.fromhex(key))}


def read_databases(system: System) -> bytes:
    """Return the documents of all services, and the oplog."""
    with MongoClient[Any](system.mongo, document_class=dict) as client:
        collections = [
            client[database].get_collection(name)
            for database in SERVICES
            for name in client[database].list_collection_names()
        ]
        collections.append(client["local"]["oplog.rs"])
        batches = [batch for each in collections for batch in each.find_raw_batches()]
    return b"".join(batches)


def read_redis(system: System) -> bytes:
    """Return every key and value of Redis."""
    password = system.processes["expiration"].program.environment["REDIS_PASSWORD"]
    with Redis(port=system.port["redis"], password=password) as redis:
        keys = [cast(bytes, key) for key in cast(list[object], redis.keys())]
        values = [cast(bytes | None, redis.dump(key)) or b"" for key in keys]
    return b"\n".join([*keys, *values])


def read_files(folder: Path) -> Iterator[bytes]:
    """Yield the content of every file in a folder, and what a backup encodes in it."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # a server has just removed a temporary file
            continue
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        yield content
        if path.name.endswith(".jsonl.gz"):  # messages of a stream
            messages = [json.loads(line).get("data", "") for line in content.splitlines()]
            yield b"\n".join(base64.b64decode(message) for message in messages)


async def test_stolen_data_contains_no_code_file_hash_or_key(
    system: System, folder: Path, traces: TraceStore, planted: set[bytes], tmp_path: Path
) -> None:
    keys = {name: system.processes["tickets"].program.environment[name] for name in KEYS}
    backup = tmp_path / "backup"
    await asyncio.to_thread(write_backup, system.port, system.secrets, keys, backup)
    stored = {
        "MongoDB": read_databases(system),
        "NATS": b"".join(read_files(folder / "data" / "nats")),
        "Redis": read_redis(system),
        "files of MongoDB": b"".join(read_files(folder / "data" / "mongo")),
        "logs": b"".join(read_files(folder / "logs")),
        "traces": repr(traces.traces).encode(),
        "backup": b"".join(read_files(backup)),
    }
    for place in ("MongoDB", "NATS", "backup"):  # the search finds what is there
        assert TITLE.encode() in stored[place], place
    assert all(content for place, content in stored.items() if place != "Redis")
    for place, content in stored.items():
        assert not [needle for needle in planted if needle in content], place
