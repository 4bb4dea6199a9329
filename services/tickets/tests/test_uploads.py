"""Tests of the transport of an upload: who may send, how much, how slowly, and how many at once."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from common.auth.tokens import User
from common.testing.client import make_user, session_cookie
from common.testing.polling import eventually
from common.testing.raw_http import RawConnection, RawResponse, request_bytes
from common.testing.server import serve_over_tcp
from tickets import uploads
from tickets.app import create_app
from tickets.sample_files import pdf, ticket_pdf
from tickets.settings import Settings

FILE = ticket_pdf(b"0123456789123456")
LARGE = pdf([b"%" + b"x" * 300_000])
FILE_TOO_LARGE = str(uploads.MAX_FILE_BYTES + 1)


def length_of(file: bytes) -> dict[str, str]:
    return {"Content-Length": str(len(file))}


class Market:
    """A service behind a port, a seller and another person."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self.app = app
        self._address = address
        self.seller = make_user()

    def _client(self, user: User) -> httpx.AsyncClient:
        cookies = {"session": session_cookie(user)}
        return httpx.AsyncClient(base_url=self._address, cookies=cookies)

    async def list_ticket(self, seller: User | None = None) -> str:
        async with self._client(seller or self.seller) as client:
            response = await client.post("/api/tickets", json={"title": "Row 1", "price": 20})
            response.raise_for_status()
            return response.json()["id"]

    async def is_stored(self, ticket_id: str) -> bool:
        async with self._client(self.seller) as client:
            ticket = (await client.get(f"/api/tickets/{ticket_id}")).json()
        entries: int = await self.app.state.service.running.database["vault"].count_documents({})
        return ticket["protection"]["grade"] == "vault" and entries > 0

    @asynccontextmanager
    async def upload(
        self, ticket_id: str, headers: dict[str, str], seller: User | None = None
    ) -> AsyncGenerator[RawConnection]:
        """Send the head of an upload."""
        fields = {
            "Cookie": f"session={session_cookie(seller or self.seller)}",
            "Content-Type": "application/pdf",
            **headers,
        }
        port = int(self._address.rpartition(":")[2])
        async with await RawConnection.open(port) as connection:
            path = f"/api/tickets/{ticket_id}/file"
            await connection.send(request_bytes("PUT", path, fields))
            yield connection

    async def send(
        self, ticket_id: str, data: bytes = FILE, seller: User | None = None
    ) -> RawResponse:
        """Upload a file at once."""
        async with self.upload(ticket_id, length_of(data), seller) as connection:
            await connection.send(data)
            return await connection.receive()

    @asynccontextmanager
    async def unfinished(self, *begun: int) -> AsyncGenerator[list[RawConnection]]:
        """Begin an upload of another seller for each of these numbers of bytes."""
        async with AsyncExitStack() as stack:
            connections: list[RawConnection] = []
            for length in begun:
                seller = make_user()
                ticket_id = await self.list_ticket(seller)
                upload = self.upload(ticket_id, length_of(LARGE), seller)
                connections.append(await stack.enter_async_context(upload))
                await connections[-1].send(LARGE[:length])
            await self.wait_until_arriving(sum(begun))
            yield connections

    async def wait_until_arriving(self, received: int) -> None:
        arrivals = self.app.state.service.uploads._arrivals

        async def are_received() -> bool:
            return sum(arrival.received for arrival in arrivals.values()) == received

        await eventually(are_received)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove most limits of time, so that a slow machine ends no upload."""
    for limit in ("GRACE_SECONDS", "TIMEOUT_SECONDS", "MAX_PAUSE_SECONDS"):
        monkeypatch.setattr(uploads, limit, 600)
    monkeypatch.setattr(uploads, "DISPLACED_AFTER_SECONDS", 600)


@pytest.fixture
async def market(environment: dict[str, Any], published: object) -> AsyncGenerator[Market]:
    assert published
    app = create_app(Settings(**environment, uploads_per_day=3))
    async with serve_over_tcp(app) as address:
        yield Market(app, address)


async def test_file_longer_than_other_bodies_is_stored(market: Market) -> None:
    ticket_id = await market.list_ticket()

    response = await market.send(ticket_id, LARGE)

    assert response.status == 200
    assert await market.is_stored(ticket_id)


async def test_chunked_upload_is_stored(market: Market) -> None:
    ticket_id = await market.list_ticket()

    async with market.upload(ticket_id, {"Transfer-Encoding": "chunked"}) as connection:
        for piece in (FILE[:1_000], FILE[1_000:], b""):
            await connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        response = await connection.receive()

    assert response.status == 200
    assert await market.is_stored(ticket_id)


async def test_upload_is_refused_before_its_first_byte(market: Market) -> None:
    ticket_id = await market.list_ticket()
    length = length_of(FILE)
    cases = {
        401: market.upload(ticket_id, length | {"Expect": "100-continue"}, make_user()),
        404: market.upload("a" * 24, length),
        413: market.upload(ticket_id, {"Content-Length": FILE_TOO_LARGE}),
        415: market.upload(ticket_id, length | {"Content-Type": "text/html"}),
    }

    for status, upload in cases.items():
        async with upload as connection:
            assert (await connection.receive()).status == status


async def test_upload_without_session_is_401_before_its_first_byte(market: Market) -> None:
    ticket_id = await market.list_ticket()

    async with market.upload(ticket_id, length_of(FILE) | {"Cookie": ""}) as connection:
        assert (await connection.receive()).status == 401


async def test_chunked_file_above_the_limit_is_413(market: Market) -> None:
    ticket_id = await market.list_ticket()

    async with market.upload(ticket_id, {"Transfer-Encoding": "chunked"}) as connection:
        await connection.send(b"%x\r\n" % (uploads.MAX_FILE_BYTES + 1))
        await connection.send(bytes(uploads.MAX_FILE_BYTES + 1))
        response = await connection.receive()

    assert response.status == 413
    assert not await market.is_stored(ticket_id)


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        pytest.param("GRACE_SECONDS", -1.0, id="rate"),
        pytest.param("TIMEOUT_SECONDS", 0.5, id="whole time"),
        pytest.param("MAX_PAUSE_SECONDS", 0.5, id="pause"),
    ],
)
async def test_slow_upload_is_408_and_closes(
    market: Market, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(uploads, limit, value)
    ticket_id = await market.list_ticket()

    async with market.upload(ticket_id, length_of(LARGE)) as connection:
        if limit != "GRACE_SECONDS":
            await connection.send(LARGE[:-1])
        response = await connection.receive()
        await connection.wait_until_closed()

    assert response.status == 408
    assert response.headers["connection"] == "close"
    assert response.json()["errors"] == [
        {"message": "The file arrives too slowly", "field": "file"}
    ]
    assert not await market.is_stored(ticket_id)


async def test_upload_cut_half_way_stores_nothing_and_frees_its_place(market: Market) -> None:
    ticket_id = await market.list_ticket()
    async with market.upload(ticket_id, length_of(LARGE)) as connection:
        await connection.send(LARGE[:-1])
        await market.wait_until_arriving(len(LARGE) - 1)
        connection.abort()
    await market.wait_until_arriving(0)
    assert not await market.is_stored(ticket_id)

    assert (await market.send(ticket_id)).status == 200


async def test_second_upload_of_an_account_at_a_time_is_429(market: Market) -> None:
    first, second = await market.list_ticket(), await market.list_ticket()
    async with market.upload(first, length_of(FILE)) as connection:
        await connection.send(FILE[:1_000])
        await market.wait_until_arriving(1_000)

        refused = await market.send(second)

        await connection.send(FILE[1_000:])
        assert (await connection.receive()).status == 200
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 0


async def test_upload_beyond_the_places_is_503(market: Market) -> None:
    ticket_id = await market.list_ticket()

    async with market.unfinished(*[1_000] * uploads.MAX_UPLOADS):
        refused = await market.send(ticket_id)

    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0


async def test_upload_beyond_the_places_displaces_the_slowest(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_id = await market.list_ticket()
    begun = [50_000, 40_000, 1_000, 30_000]
    assert len(begun) == uploads.MAX_UPLOADS

    async with market.unfinished(*begun) as connections:
        monkeypatch.setattr(uploads, "DISPLACED_AFTER_SECONDS", 0)
        response = await market.send(ticket_id)
        slowest = await connections[2].receive()
        await connections[0].send(LARGE[begun[0] :])
        fastest = await connections[0].receive()

    assert (response.status, slowest.status, fastest.status) == (200, 408, 200)


async def test_uploads_beyond_the_limit_of_a_day_are_429(market: Market) -> None:
    ticket_id = await market.list_ticket()

    statuses = [(await market.send(ticket_id, b"no file")).status for _ in range(4)]

    assert statuses == [400, 400, 400, 429]
