"""Tests of bodies that are slow, unfinished or broken, on a real server."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.types import Message, Receive, Scope, Send

from common.app import Service
from common.auth.dependencies import CurrentUser
from common.lifecycle import ServiceState
from common.settings import ServiceSettings
from common.testing.client import make_user, session_cookie
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.testing.raw_http import RawConnection, request_bytes
from common.testing.server import serve_over_tcp
from common.web.load_shedding import IN_FLIGHT, ConcurrencyLimit, ConcurrencyLimitMiddleware
from common.web.request_body import MAX_BODY_BYTES, RequestBodyMiddleware

MAX_IN_FLIGHT = 2
BODY_TIMEOUT_SECONDS = 0.5
PATH = "/api/tickets"
READ_BY_ROUTE = re.compile(f"PUT {PATH}/[0-9]/file")
UNFINISHED = {"Content-Length": "5000", "Content-Type": "application/json"}

router = APIRouter(prefix=PATH)


@router.get("")
async def answer() -> None:
    return None


@router.post("/echo")
async def echo(request: Request) -> dict[str, str]:
    return {"body": (await request.body()).decode()}


@router.put("/1/file")
async def read_here(request: Request) -> dict[str, int]:
    return {"length": len(await request.body())}


@router.post("/mine")
async def create(request: Request, user: CurrentUser) -> dict[str, str]:
    assert user
    return {"body": (await request.body()).decode()}


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def signed_in() -> dict[str, str]:
    return {"Cookie": f"session={session_cookie(make_user())}"}


@asynccontextmanager
async def serving(settings: ServiceSettings, **changed: float) -> AsyncGenerator[str]:
    service = Service.from_settings("tickets", settings.model_copy(update=changed))

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        async with service.open([]) as running:
            yield ServiceState(running=running)

    async with serve_over_tcp(
        service.app(lifespan, router, read_by_route=READ_BY_ROUTE)
    ) as address:
        yield address


@pytest.fixture
async def address(published: object, settings: ServiceSettings) -> AsyncGenerator[str]:
    """The address of a service that allows two requests in flight and much time."""
    assert published
    async with serving(settings, max_in_flight_requests=MAX_IN_FLIGHT) as address:
        yield address


@pytest.fixture
async def impatient(published: object, settings: ServiceSettings) -> AsyncGenerator[str]:
    """The address of a service that allows little time."""
    assert published
    async with serving(settings, body_timeout_seconds=BODY_TIMEOUT_SECONDS) as address:
        yield address


@pytest.mark.parametrize("path", [f"{PATH}/echo", f"{PATH}/mine"])
async def test_unfinished_bodies_do_not_count_as_in_flight(address: str, path: str) -> None:
    async with (
        RawConnection.open_many(5 * MAX_IN_FLIGHT, port_of(address)) as hostile,
        httpx.AsyncClient(base_url=address) as friend,
    ):
        for connection in hostile:
            await connection.send(request_bytes("POST", path, {**UNFINISHED, **signed_in()}))
            await connection.send(b"{")

        read = await friend.get(PATH)
        written = await friend.post(f"{PATH}/echo", content=b"friendly")

    assert read.status_code == 200
    assert (written.status_code, written.json()) == (200, {"body": "friendly"})


async def test_missing_session_is_401_before_the_body_arrives(address: str) -> None:
    async with await RawConnection.open(port_of(address)) as connection:
        await connection.send(request_bytes("POST", f"{PATH}/mine", UNFINISHED))

        response = await connection.receive()

    assert response.status == 401
    assert json.loads(response.body) == {"errors": [{"message": "Not authorized"}]}


async def test_missing_session_is_401_instead_of_100_continue(address: str) -> None:
    async with await RawConnection.open(port_of(address)) as connection:
        await connection.send(
            request_bytes("POST", f"{PATH}/mine", {"Expect": "100-continue", **UNFINISHED})
        )

        assert (await connection.receive()).status == 401


async def test_body_that_is_not_complete_in_time_is_408_and_closes(impatient: str) -> None:
    async with await RawConnection.open(port_of(impatient)) as connection:
        await connection.send(request_bytes("POST", f"{PATH}/mine", {**UNFINISHED, **signed_in()}))
        sending = asyncio.create_task(drip(connection))

        response = await connection.receive()

        sending.cancel()
        await connection.wait_until_closed()
    assert response.status == 408
    assert response.headers["connection"] == "close"
    assert json.loads(response.body) == {
        "errors": [{"message": "The request did not arrive in time"}]
    }


async def drip(connection: RawConnection) -> None:
    while True:
        await connection.send(b" ")
        await asyncio.sleep(BODY_TIMEOUT_SECONDS / 10)


async def test_body_in_pieces_is_passed_on_whole(address: str) -> None:
    async with await RawConnection.open(port_of(address)) as connection:
        await connection.send(request_bytes("POST", f"{PATH}/echo", {"Content-Length": "6"}))
        for piece in (b"ab", b"cd", b"ef"):
            await connection.send(piece)

        response = await connection.receive()

    assert json.loads(response.body) == {"body": "abcdef"}


async def test_connection_is_reused_after_a_401_and_the_rest_of_its_body(address: str) -> None:
    async with await RawConnection.open(port_of(address)) as connection:
        await connection.send(request_bytes("POST", f"{PATH}/mine", {"Content-Length": "4"}))
        assert (await connection.receive()).status == 401
        await connection.send(b"rest")

        await connection.send(request_bytes("GET", PATH))

        assert (await connection.receive()).status == 200


@asynccontextmanager
async def full(address: str) -> AsyncGenerator[list[RawConnection]]:
    """Occupy every place of the service by uploads whose bodies lack one byte."""
    async with RawConnection.open_many(MAX_IN_FLIGHT, port_of(address)) as uploads:
        for upload in uploads:
            await upload.send(request_bytes("PUT", f"{PATH}/1/file", {"Content-Length": "1"}))

        async def is_full() -> bool:
            return [s.value for metric in IN_FLIGHT.collect() for s in metric.samples] == [
                MAX_IN_FLIGHT
            ]

        await eventually(is_full)
        yield uploads


async def test_request_at_the_limit_is_503_before_its_session_and_body_are_read(
    address: str,
) -> None:
    async with full(address), await RawConnection.open(port_of(address)) as connection:
        await connection.send(request_bytes("POST", f"{PATH}/mine", UNFINISHED))

        response = await connection.receive()

    assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert response.json() == {"errors": [{"message": "Too busy, please try again"}]}


async def test_connection_is_reused_after_a_503_and_the_rest_of_its_body(address: str) -> None:
    async with full(address) as uploads, await RawConnection.open(port_of(address)) as connection:
        await connection.send(request_bytes("POST", f"{PATH}/mine", {"Content-Length": "4"}))
        assert (await connection.receive()).status == 503
        for upload in uploads:
            await upload.send(b"x")
            assert (await upload.receive()).status == 200

        await connection.send(b"rest")
        await connection.send(request_bytes("GET", PATH))

        assert (await connection.receive()).status == 200


async def test_malformed_chunk_is_400_and_the_next_request_200(address: str) -> None:
    async with (
        await RawConnection.open(port_of(address)) as connection,
        httpx.AsyncClient(base_url=address) as friend,
    ):
        chunked = {"Transfer-Encoding": "chunked", **signed_in()}
        await connection.send(request_bytes("POST", f"{PATH}/mine", chunked))
        await connection.send(b"zz\r\n")

        assert (await connection.receive()).status == 400
        assert (await friend.get(PATH)).status_code == 200


async def test_body_that_its_route_reads_has_no_common_limit(address: str) -> None:
    body = bytes(MAX_BODY_BYTES + 1)

    async with httpx.AsyncClient(base_url=address) as client:
        read_by_route = await client.put(f"{PATH}/1/file", content=body)
        other_method = await client.post(f"{PATH}/1/file", content=body)

    assert (read_by_route.status_code, read_by_route.json()) == (200, {"length": len(body)})
    assert other_method.status_code == 413


class Bodies:
    """An app behind the middleware, and requests whose bodies never end."""

    def __init__(self, max_bodies: int) -> None:
        self.middleware = RequestBodyMiddleware(self.app, timeout_seconds=60, max_bodies=max_bodies)
        self.receiving = 0

    async def app(self, _: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def never(self) -> Message:
        self.receiving += 1
        await asyncio.Event().wait()
        raise AssertionError

    async def at_once(self) -> Message:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def status(self, receive: Callable[[], Awaitable[Message]]) -> int:
        statuses: list[int] = []

        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        scope = {"type": "http", "method": "POST", "headers": [(b"content-length", b"1")]}
        await self.middleware(scope, receive, send)
        return statuses[0]

    async def begin(self, count: int) -> list[asyncio.Task[int]]:
        """Begin requests whose bodies do not end, and wait until they are being read."""
        expected = self.receiving + count
        tasks = [asyncio.create_task(self.status(self.never)) for _ in range(count)]

        async def are_read() -> bool:
            return self.receiving == expected

        await eventually(are_read)
        return tasks


async def test_body_beyond_the_limit_ends_the_oldest() -> None:
    bodies = Bodies(max_bodies=3)
    oldest, *others = await bodies.begin(3)

    complete = await bodies.status(bodies.at_once)

    assert complete == 200
    assert await asyncio.wait_for(oldest, TIMEOUT_SECONDS) == 408
    assert not any(task.done() for task in others)
    for task in others:
        task.cancel()


async def test_ended_bodies_free_their_places() -> None:
    bodies = Bodies(max_bodies=2)
    for task in await bodies.begin(2):
        task.cancel()
        await asyncio.wait([task])
    unfinished = await bodies.begin(1)

    assert await bodies.status(bodies.at_once) == 200
    assert not unfinished[0].done()
    unfinished[0].cancel()


async def test_request_without_body_is_passed_on_without_reading() -> None:
    received: list[Receive] = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        received.append(receive)

    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        raise AssertionError

    middleware = RequestBodyMiddleware(
        ConcurrencyLimitMiddleware(app, limit=ConcurrencyLimit(max_in_flight=1)), timeout_seconds=1
    )
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"x")]}
    await middleware(scope, receive, send)

    assert received == [receive]
