"""The same key and user again gives the first answer again, and nothing is made twice."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from fastapi import APIRouter, Response
from pymongo.asynchronous.database import AsyncDatabase

from common.app import Service
from common.auth.dependencies import CurrentUser
from common.errors import BadRequest, NotFound, ServiceUnavailable
from common.lifecycle import ServiceState
from common.persistence.mongo import Doc
from common.settings import ServiceSettings
from common.testing.client import Client, errors
from common.testing.plugin import Serve
from common.values.clock import utc_now
from common.values.ids import new_id
from common.web import idempotency
from common.web.etags import etag, json_response
from common.web.idempotency import IdempotentRoute, NewId
from common.web.schemas import CamelModel

PATH = "/api/tickets"
KEYED = {"Idempotency-Key": "once"}


class Body(CamelModel):
    """What is sent, and what is to be done about it."""

    name: str
    outcome: str = "made"


class Created(CamelModel):
    """What was made."""

    id: str
    name: str
    time: int


@pytest.fixture
def created_ids() -> list[str]:
    """The ids that were made, in order."""
    return []


@pytest.fixture
def request_started() -> asyncio.Event:
    """Set when a request hangs."""
    return asyncio.Event()


@pytest.fixture
async def client(
    serve: Serve, settings: ServiceSettings, created_ids: list[str], request_started: asyncio.Event
) -> Client:
    """A service that creates things slowly and fails on request."""
    service = Service.from_settings("tickets", settings)
    router = APIRouter(route_class=IdempotentRoute)
    call_count = count()

    @router.post(PATH)
    async def create(body: Body, user: CurrentUser, thing_id: NewId) -> Response:
        assert user
        time = next(call_count)
        await asyncio.sleep(0)
        match body.outcome:
            case "refused":
                raise BadRequest(f"no, for the {time}th time")
            case "unavailable" if time == 0:
                raise ServiceUnavailable
            case "unheard" if time == 0:
                raise NotFound
            case "crash" if time == 0:
                raise RuntimeError
            case "hangs" if time == 0:
                request_started.set()
                await asyncio.Event().wait()
                raise AssertionError
            case _:
                created_ids.append(thing_id)
                return json_response(
                    Created(id=thing_id, name=body.name, time=time), 201, tag=etag(0)
                )

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        async with service.open([]) as running:
            yield ServiceState(running=running)

    client = await serve(service.app(lifespan, router))
    client.sign_in()
    return client


async def test_the_first_answer_is_given_again(client: Client, created_ids: list[str]) -> None:
    first = await client.post(PATH, json={"name": "a"}, headers=KEYED)
    again = await client.post(PATH, json={"name": "a"}, headers=KEYED)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert created_ids == [first.json()["id"]]


async def test_without_a_key_every_request_is_its_own(
    client: Client, created_ids: list[str]
) -> None:
    for _ in range(2):
        await client.post(PATH, json={"name": "a"})

    assert len(set(created_ids)) == 2


async def test_another_body_under_the_same_key_is_refused(
    client: Client, created_ids: list[str]
) -> None:
    await client.post(PATH, json={"name": "a"}, headers=KEYED)

    other = await client.post(PATH, json={"name": "b"}, headers=KEYED)

    assert other.status_code == 400
    assert errors(other) == [{"message": "This Idempotency-Key was used for another request"}]
    assert len(created_ids) == 1


async def test_a_key_is_its_users_own(client: Client, created_ids: list[str]) -> None:
    first = await client.post(PATH, json={"name": "a"}, headers=KEYED)
    client.sign_in()

    other = await client.post(PATH, json={"name": "b"}, headers=KEYED)

    assert other.status_code == 201
    assert created_ids == [first.json()["id"], other.json()["id"]]


async def test_of_a_hundred_copies_at_once_one_makes_and_all_get_its_answer(
    client: Client, created_ids: list[str]
) -> None:
    copies = await asyncio.gather(
        *(client.post(PATH, json={"name": "a"}, headers=KEYED) for _ in range(100))
    )

    assert {(copy.status_code, copy.content) for copy in copies} == {(201, copies[0].content)}
    assert len(created_ids) == 1


async def test_a_refusal_is_kept(client: Client) -> None:
    body = {"name": "a", "outcome": "refused"}

    first = await client.post(PATH, json=body, headers=KEYED)
    again = await client.post(PATH, json=body, headers=KEYED)

    assert first.status_code == again.status_code == 400
    assert errors(first) == errors(again) == [{"message": "no, for the 0th time"}]


@pytest.mark.parametrize(
    ("outcome", "status"), [("unavailable", 503), ("crash", 500), ("unheard", 404)]
)
async def test_an_answer_that_time_may_change_is_not_kept_and_the_next_copy_makes_it(
    client: Client, created_ids: list[str], outcome: str, status: int, database: AsyncDatabase[Doc]
) -> None:
    body = {"name": "a", "outcome": outcome}

    failed = await client.post(PATH, json=body, headers=KEYED)
    record = await database["idempotency"].find_one({})
    again = await client.post(PATH, json=body, headers=KEYED)

    assert (failed.status_code, again.status_code) == (status, 201)
    assert record is not None
    assert created_ids == [record["new_id"]]


async def leave_abandoned_claim(
    client: Client, database: AsyncDatabase[Doc], lease: timedelta
) -> tuple[bytes, str]:
    """Leave the claim of a request whose process died on the way; give its body and its id."""
    user = client.sign_in()
    body, claimed = b'{"name":"a"}', new_id()
    await database["idempotency"].insert_one(
        {
            "_id": f"{user.id}:once",
            "fingerprint": hashlib.sha256(f"POST {PATH}\n".encode() + body).hexdigest(),
            "new_id": claimed,
            "at": utc_now(),
            "until": utc_now() + lease,
        }
    )
    return body, claimed


async def send(client: Client, body: bytes) -> Any:
    return await client.post(
        PATH, content=body, headers={**KEYED, "content-type": "application/json"}
    )


async def test_after_a_crash_the_next_copies_make_it_once_under_the_claimed_id(
    client: Client, created_ids: list[str], database: AsyncDatabase[Doc]
) -> None:
    body, claimed = await leave_abandoned_claim(client, database, -timedelta(seconds=1))

    copies = await asyncio.gather(*(send(client, body) for _ in range(10)))

    assert {copy.json()["id"] for copy in copies} == {claimed}
    assert created_ids == [claimed]


async def test_while_another_has_the_claim_a_copy_waits_and_then_says_so(
    client: Client,
    created_ids: list[str],
    database: AsyncDatabase[Doc],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.1)
    body, _ = await leave_abandoned_claim(client, database, timedelta(minutes=1))

    response = await send(client, body)

    assert response.status_code == 409
    assert response.headers["retry-after"] == "1"
    assert created_ids == []


async def test_a_request_that_is_cancelled_leaves_the_key_free_for_the_next_try(
    client: Client, created_ids: list[str], request_started: asyncio.Event
) -> None:
    body = {"name": "a", "outcome": "hangs"}
    hanging = asyncio.create_task(client.post(PATH, json=body, headers=KEYED))
    await request_started.wait()
    hanging.cancel()
    await asyncio.wait({hanging})

    again = await client.post(PATH, json=body, headers=KEYED)

    assert again.status_code == 201
    assert created_ids == [again.json()["id"]]


async def test_what_was_done_is_answered_though_the_answer_could_not_be_kept(
    client: Client, created_ids: list[str], database: AsyncDatabase[Doc]
) -> None:
    await client.post(PATH, json={"name": "a"}, headers={"Idempotency-Key": "another"})
    await database.command("collMod", "idempotency", validator={"status": None})

    response = await client.post(PATH, json={"name": "a"}, headers=KEYED)

    assert response.status_code == 201
    assert created_ids[-1] == response.json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_1_to_255_characters(client: Client, key: str) -> None:
    response = await client.post(PATH, json={"name": "a"}, headers={"Idempotency-Key": key})

    assert response.status_code == 400
    assert errors(response)


async def test_records_are_forgotten_after_a_day(
    client: Client, database: AsyncDatabase[Doc]
) -> None:
    assert client
    indexes = await database["idempotency"].index_information()

    assert indexes["at_1"]["expireAfterSeconds"] == 86_400
