"""Tests of idempotency keys: a repeated request replays the first response."""

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
from common.values.camel_model import CamelModel
from common.values.clock import utc_now
from common.values.ids import new_id
from common.web import idempotency
from common.web.etags import etag, json_response
from common.web.idempotency import IdempotentRoute, NewId

PATH = "/api/tickets"
HEADERS = {"Idempotency-Key": "once"}


class Body(CamelModel):
    """The request body, and the outcome that the test wants."""

    name: str
    outcome: str = "created"


class Created(CamelModel):
    """The created thing."""

    id: str
    name: str
    time: int


@pytest.fixture
def created_ids() -> list[str]:
    """The ids of the created things, in order."""
    return []


@pytest.fixture
def request_started() -> asyncio.Event:
    """An event that is set when a request hangs."""
    return asyncio.Event()


@pytest.fixture
async def client(
    serve: Serve, settings: ServiceSettings, created_ids: list[str], request_started: asyncio.Event
) -> Client:
    """A client of a service that creates things, and fails on request."""
    service = Service.from_settings("tickets", settings)
    router = APIRouter(route_class=IdempotentRoute)
    call_count = count()

    @router.post(PATH)
    async def create(body: Body, user: CurrentUser, thing_id: NewId) -> Response:
        assert user
        time = next(call_count)
        await asyncio.sleep(0)
        match body.outcome:
            case "rejected":
                raise BadRequest(f"rejected by call {time}")
            case "unavailable" if time == 0:
                raise ServiceUnavailable
            case "long":
                return json_response(Created(id=thing_id, name="x" * 20_000, time=time), 201)
            case "not found" if time == 0:
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


async def test_repeated_request_replays_the_first_response(
    client: Client, created_ids: list[str]
) -> None:
    first = await client.post(PATH, json={"name": "a"}, headers=HEADERS)
    again = await client.post(PATH, json={"name": "a"}, headers=HEADERS)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert created_ids == [first.json()["id"]]


async def test_requests_without_key_are_independent(client: Client, created_ids: list[str]) -> None:
    for _ in range(2):
        await client.post(PATH, json={"name": "a"})

    assert len(set(created_ids)) == 2


async def test_key_reused_with_another_body_is_rejected(
    client: Client, created_ids: list[str]
) -> None:
    await client.post(PATH, json={"name": "a"}, headers=HEADERS)

    other = await client.post(PATH, json={"name": "b"}, headers=HEADERS)

    assert other.status_code == 400
    assert errors(other) == [{"message": "This Idempotency-Key was used for another request"}]
    assert len(created_ids) == 1


async def test_key_of_another_user_is_independent(client: Client, created_ids: list[str]) -> None:
    first = await client.post(PATH, json={"name": "a"}, headers=HEADERS)
    client.sign_in()

    other = await client.post(PATH, json={"name": "b"}, headers=HEADERS)

    assert other.status_code == 201
    assert created_ids == [first.json()["id"], other.json()["id"]]


async def test_concurrent_requests_with_one_key_create_once(
    client: Client, created_ids: list[str]
) -> None:
    copies = await asyncio.gather(
        *(client.post(PATH, json={"name": "a"}, headers=HEADERS) for _ in range(100))
    )

    assert {(copy.status_code, copy.content) for copy in copies} == {(201, copies[0].content)}
    assert len(created_ids) == 1


async def test_rejected_request_is_replayed(client: Client) -> None:
    body = {"name": "a", "outcome": "rejected"}

    first = await client.post(PATH, json=body, headers=HEADERS)
    again = await client.post(PATH, json=body, headers=HEADERS)

    assert first.status_code == again.status_code == 400
    assert errors(first) == errors(again) == [{"message": "rejected by call 0"}]


@pytest.mark.parametrize(("outcome", "status"), [("unavailable", 503), ("crash", 500)])
async def test_temporary_failure_is_not_replayed(
    client: Client, created_ids: list[str], outcome: str, status: int, database: AsyncDatabase[Doc]
) -> None:
    body = {"name": "a", "outcome": outcome}

    failed = await client.post(PATH, json=body, headers=HEADERS)
    record = await database["idempotency"].find_one({})
    again = await client.post(PATH, json=body, headers=HEADERS)

    assert (failed.status_code, again.status_code) == (status, 201)
    assert record is not None
    assert created_ids == [record["new_id"]]


@pytest.mark.parametrize(
    ("body", "status"), [({"name": "a", "outcome": "not found"}, 404), ({"nam": "a"}, 400)]
)
async def test_request_that_did_nothing_leaves_no_record(
    client: Client,
    created_ids: list[str],
    database: AsyncDatabase[Doc],
    body: dict[str, str],
    status: int,
) -> None:
    failed = await client.post(PATH, json=body, headers=HEADERS)
    left = await database["idempotency"].count_documents({})
    again = await client.post(PATH, json={"name": "a"}, headers=HEADERS)

    assert (failed.status_code, left, again.status_code) == (status, 0, 201)
    assert len(created_ids) == 1


async def test_claim_that_was_taken_over_keeps_its_id(
    client: Client, created_ids: list[str], database: AsyncDatabase[Doc]
) -> None:
    user = client.sign_in()
    body, claimed = b'{"name":"a","outcome":"not found"}', new_id()
    await database["idempotency"].insert_one(abandoned_claim(user.id, body, claimed))

    missing, created = await post_raw(client, body), await post_raw(client, body)

    assert (missing.status_code, created.status_code) == (404, 201)
    assert created_ids == [claimed]


async def test_keys_beyond_the_limit_of_a_user_are_429(
    client: Client, database: AsyncDatabase[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEYS_PER_USER", 4)
    monkeypatch.setattr(idempotency, "KEYS_BETWEEN_CHECKS", 2)

    statuses = [
        (await client.post(PATH, json={"name": "a"}, headers={"Idempotency-Key": f"{n}"}))
        for n in range(9)
    ]
    client.sign_in()
    other = await client.post(PATH, json={"name": "a"}, headers=HEADERS)

    assert [response.status_code for response in statuses] == [201] * 5 + [429] * 4
    assert int(statuses[-1].headers["retry-after"]) > 0
    assert await database["idempotency"].count_documents({}) == 6
    assert other.status_code == 201


async def test_long_response_is_not_stored(
    client: Client, created_ids: list[str], database: AsyncDatabase[Doc]
) -> None:
    body = {"name": "a", "outcome": "long"}

    for _ in range(2):
        assert (await client.post(PATH, json=body, headers=HEADERS)).status_code == 201

    assert len(created_ids) == 0
    (record,) = await database["idempotency"].find({}).to_list()
    assert record.get("body") is None


async def leave_abandoned_claim(
    client: Client, database: AsyncDatabase[Doc], lease: timedelta
) -> tuple[bytes, str]:
    """Insert the claim of a request that never finished, and return its body and its id."""
    user = client.sign_in()
    body, claimed = b'{"name":"a"}', new_id()
    await database["idempotency"].insert_one(abandoned_claim(user.id, body, claimed, lease))
    return body, claimed


def abandoned_claim(
    user_id: str, body: bytes, claimed: str, lease: timedelta = -timedelta(seconds=1)
) -> Doc:
    return {
        "_id": f"{user_id}:once",
        "fingerprint": hashlib.sha256(f"POST {PATH}\n".encode() + body).hexdigest(),
        "new_id": claimed,
        "at": utc_now(),
        "until": utc_now() + lease,
    }


async def post_raw(client: Client, body: bytes) -> Any:
    return await client.post(
        PATH, content=body, headers={**HEADERS, "content-type": "application/json"}
    )


async def test_expired_claim_is_retried_once_with_its_id(
    client: Client, created_ids: list[str], database: AsyncDatabase[Doc]
) -> None:
    body, claimed = await leave_abandoned_claim(client, database, -timedelta(seconds=1))

    copies = await asyncio.gather(*(post_raw(client, body) for _ in range(10)))

    assert {copy.json()["id"] for copy in copies} == {claimed}
    assert created_ids == [claimed]


async def test_request_whose_key_stays_claimed_is_409(
    client: Client,
    created_ids: list[str],
    database: AsyncDatabase[Doc],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.1)
    body, _ = await leave_abandoned_claim(client, database, timedelta(minutes=1))

    response = await post_raw(client, body)

    assert response.status_code == 409
    assert response.headers["retry-after"] == "1"
    assert created_ids == []


async def test_cancelled_request_releases_its_key(
    client: Client, created_ids: list[str], request_started: asyncio.Event
) -> None:
    body = {"name": "a", "outcome": "hangs"}
    hanging = asyncio.create_task(client.post(PATH, json=body, headers=HEADERS))
    await request_started.wait()
    hanging.cancel()
    await asyncio.wait({hanging})

    again = await client.post(PATH, json=body, headers=HEADERS)

    assert again.status_code == 201
    assert created_ids == [again.json()["id"]]


async def test_response_that_cannot_be_stored_is_still_returned(
    client: Client, created_ids: list[str], database: AsyncDatabase[Doc]
) -> None:
    await client.post(PATH, json={"name": "a"}, headers={"Idempotency-Key": "another"})
    await database.command("collMod", "idempotency", validator={"status": None})

    response = await client.post(PATH, json={"name": "a"}, headers=HEADERS)

    assert response.status_code == 201
    assert created_ids[-1] == response.json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_key_of_invalid_length_is_400(client: Client, key: str) -> None:
    response = await client.post(PATH, json={"name": "a"}, headers={"Idempotency-Key": key})

    assert response.status_code == 400
    assert errors(response)


async def test_idempotency_records_expire_after_a_day(
    client: Client, database: AsyncDatabase[Doc]
) -> None:
    assert client
    indexes = await database["idempotency"].index_information()

    assert indexes["at_1"]["expireAfterSeconds"] == 86_400
