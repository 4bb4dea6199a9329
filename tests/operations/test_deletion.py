"""A deleted person: no store, stream, key or log of the system has what identified the person."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import nats
from bson import ObjectId
from pymongo import MongoClient
from redis import Redis

from common.testing.polling import eventually
from common.values.ids import new_id
from mail_local.testing import MailControl
from support.system import System
from ticketing_local.api_user import PASSWORD, ApiUser
from ticketing_local.stack.ports import SERVICES
from tickets.sample_files import ticket_png

PASSKEY_NAME = "Zoe's phone in the drawer"


def read_databases(system: System) -> dict[str, bytes]:
    """Return the documents of every collection of every service."""
    with MongoClient[Any](system.mongo) as client:
        return {
            f"{service}.{name}": b"".join(client[service][name].find_raw_batches())
            for service in SERVICES
            for name in client[service].list_collection_names()
        }


async def read_streams(system: System) -> dict[str, bytes]:
    """Return the messages of every stream, with their headers."""
    found: dict[str, bytes] = {}
    async with await nats.connect(system.nats) as client:
        js = client.jetstream()
        for info in await js.streams_info():
            name, state = info.config.name or "", info.state
            sequences = range(state.first_seq or 1, state.last_seq + 1)
            messages = [await js.get_msg(name, seq=one) for one in sequences]
            found[f"stream {name}"] = b"\n".join(
                json.dumps(message.headers or {}).encode() + (message.data or b"")
                for message in messages
            )
    return found


def read_redis(system: System) -> bytes:
    """Return every key and value of Redis."""
    password = system.processes["expiration"].program.environment["REDIS_PASSWORD"]
    with Redis(port=system.port["redis"], password=password) as redis:
        keys = [cast(bytes, key) for key in cast(list[object], redis.keys())]
        return b"\n".join([*keys, *(cast(bytes, redis.dump(key)) or b"" for key in keys)])


def read_logs(folder: Path) -> dict[str, bytes]:
    """Return the logs of every program of ours."""
    programs = (*SERVICES, "worker", "mailer")
    return {name: next(folder.rglob(f"{name}.log")).read_bytes() for name in programs}


def forms_of(text: str) -> Iterator[bytes]:
    """Yield the ways in which a text could be stored readably."""
    data = text.encode()
    yield from (data, data.hex().encode(), base64.b64encode(data).rstrip(b"="))


async def end_payout(system: System, seller_id: str) -> bool:
    """Forget that a seller waits for the money of a sale, as if it had been paid."""
    with MongoClient[Any](system.mongo) as client:
        waiting = {"seller_id": seller_id, "of_seller.kind": "payout"}
        paid = {"$set": {"of_seller": None}}
        return client["auth"]["obligations"].update_one(waiting, paid).modified_count == 1


async def test_nothing_of_a_deleted_person_is_left_anywhere(system: System, folder: Path) -> None:
    person, buyer = [await ApiUser.sign_up(system.address, name) for name in ("zoe", "bob")]
    user_id = (await person.request_ok("GET", "/api/users/currentuser"))["currentUser"]["id"]
    sold, unsold = await person.sell(), await person.sell("Zoe cannot go")
    await person.upload(unsold, ticket_png(f"ZOE-{new_id()}".encode()), "image/png")
    order = await buyer.order(sold)
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    wrong = {"email": person.email, "password": "not the password"}
    await person.request("POST", "/api/users/signin", wrong)
    await person.request_ok("POST", "/api/users/forgot", {"email": person.email}, expect=202)
    with MongoClient[Any](system.mongo) as client:
        account = client["auth"]["accounts"].find_one({"_id": ObjectId(user_id)})
        assert account is not None
        passkey = {"user_id": user_id, "name": PASSKEY_NAME, "credential_id": new_id()}
        client["auth"]["passkeys"].insert_one(passkey)
    secrets = (person.email, person.email.lower(), account["password_hash"], PASSKEY_NAME)
    needles = {form for secret in secrets for form in forms_of(secret)}

    def hits(places: dict[str, bytes]) -> list[str]:
        return sorted(name for name, data in places.items() if any(one in data for one in needles))

    assert {"auth.accounts", "auth.passkeys"} <= set(hits(read_databases(system)))
    await eventually(lambda: end_payout(system, user_id))

    async def is_accepted() -> bool:  # once auth knows that the sale is paid and paid out
        return (await person.request("DELETE", "/api/users/account")).status_code == 202

    await eventually(is_accepted)

    async def is_erased() -> bool:
        with MongoClient[Any](system.mongo) as client:
            erased = client["auth"]["erased_users"].find_one({"_id": ObjectId(user_id)})
        return erased is not None and erased["is_complete"]

    await eventually(is_erased)
    mail = MailControl(f"http://127.0.0.1:{system.port['mail']}")

    async def has_last_letter() -> bool:
        return "Your account was deleted" in [one["subject"] for one in mail.letters(person.email)]

    await eventually(has_last_letter)

    async def is_gone() -> bool:
        return not hits(read_databases(system))

    await eventually(is_gone)
    assert not hits(await read_streams(system))
    assert not hits({"redis": read_redis(system)})
    logs = read_logs(folder)
    assert logs
    assert not hits(logs)

    async def is_shredded() -> bool:
        with MongoClient[Any](system.mongo) as client:
            (entry,) = client["tickets"]["vault"].find({"ticket_id": unsold["id"]}).to_list()
        return entry["state"] == "void" and entry["sealed"] is None

    await eventually(is_shredded)

    async def has_no_keys() -> bool:
        with MongoClient[Any](system.mongo) as client:
            query = {"_id": {"$regex": user_id}}
            counts = [client[service]["idempotency"].count_documents(query) for service in SERVICES]
        return not any(counts)

    await eventually(has_no_keys)
    await buyer.wait_for(f"/api/tickets/{unsold['id']}", withdrawn=True)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    again = await person.request(
        "POST", "/api/users/signup", {"email": person.email, "password": PASSWORD}
    )
    assert again.status_code == 201, "the address is free again"
    for user in (person, buyer):
        await user.close()
