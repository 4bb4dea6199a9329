"""Hostile clients: what they send keeps nobody else out, at a service and through the gateway."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from common.testing.client import make_user, session_cookie
from common.testing.raw_http import RawConnection, request_bytes
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.stack.gateway import Listeners, caddy
from ticketing_local.stack.ports import SERVICES
from ticketing_local.testing.free_ports import free_port
from ticketing_local.testing.temporary_server import TemporaryServer

CONNECTIONS = 600
ATTACK_SECONDS = 0.7
"""Longer than a gateway with passive health checks needs to mark a replica as down."""
MIN_REQUESTS = 9
"""An attack goes on until a friend has sent as many, however slow the machine is."""
FRIEND_TIMEOUT_SECONDS = 9
"""Less than a service waits for a body: a friend must not wait for the unfinished ones."""
UNFINISHED = {"Content-Length": "5000", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def single(system: System) -> Iterator[str]:
    """The address of a gateway that has one replica of each service."""
    upstreams = {name: [system.port[name]] for name in SERVICES}
    with TemporaryServer(
        lambda port, data, _: caddy(Listeners(port, free_port()), data, upstreams, None)
    ) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(params=["one replica", "two replicas"])
def gateway(request: pytest.FixtureRequest, system: System, single: str) -> str:
    """The address of a gateway."""
    return single if request.param == "one replica" else system.address


@dataclass
class Friend:
    """A user who reads and writes, and the responses that were wrong."""

    http: httpx.AsyncClient
    requests: int = 0
    failures: list[str] = field(default_factory=list[str])

    async def use(self) -> None:
        """Read the public list, write a ticket, and read the own listings."""
        await self._send("GET", "/api/tickets", 200)
        await self._send("POST", "/api/tickets", 201, {"title": "Row 1", "price": 9})
        await self._send("GET", "/api/tickets/mine", 200)

    async def _send(self, method: str, path: str, expected: int, body: object = None) -> None:
        self.requests += 1
        try:
            response = await self.http.request(method, path, json=body)
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return
        if response.status_code != expected:
            self.failures.append(f"{method} {path}: {response.status_code} {response.text}")


@contextlib.asynccontextmanager
async def friend_of(address: str) -> AsyncGenerator[Friend]:
    async with httpx.AsyncClient(
        base_url=address, timeout=FRIEND_TIMEOUT_SECONDS, headers={"Cookie": signed_in()["Cookie"]}
    ) as http:
        yield Friend(http)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def signed_in() -> dict[str, str]:
    return {"Cookie": f"session={session_cookie(make_user())}"}


@pytest.mark.parametrize("cookie", [{}, signed_in()], ids=["anonymous", "signed in"])
async def test_600_unfinished_bodies_at_a_service_keep_nobody_out(
    system: System, cookie: dict[str, str]
) -> None:
    address = f"http://127.0.0.1:{system.port['tickets']}"
    await attack_with_unfinished_bodies(address, cookie)


@pytest.mark.parametrize("cookie", [{}, signed_in()], ids=["anonymous", "signed in"])
async def test_600_unfinished_bodies_at_the_gateway_keep_nobody_out(
    gateway: str, cookie: dict[str, str]
) -> None:
    await attack_with_unfinished_bodies(gateway, cookie)


async def attack_with_unfinished_bodies(address: str, cookie: dict[str, str]) -> None:
    async with (
        RawConnection.open_many(CONNECTIONS, port_of(address)) as hostile,
        friend_of(address) as friend,
    ):
        for connection in hostile:
            await connection.send(request_bytes("POST", "/api/tickets", {**UNFINISHED, **cookie}))
            await connection.send(b"{")
        for _ in range(10):
            await friend.use()

    assert friend.failures == []


Attack = Callable[[RawConnection], Awaitable[None]]
CHUNKED = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}


async def send_malformed_chunk(connection: RawConnection) -> None:
    await connection.send(request_bytes("POST", "/api/tickets", {**CHUNKED, **signed_in()}))
    await connection.send(b"zz\r\nnot a chunk\r\n")
    assert (await connection.receive()).status == 400


async def send_malformed_chunk_with_get(connection: RawConnection) -> None:
    await connection.send(request_bytes("GET", "/api/tickets/mine", {**CHUNKED, **signed_in()}))
    await connection.send(b"zz\r\n")
    assert (await connection.receive()).status == 400


async def send_malformed_chunk_after_a_large_one(connection: RawConnection) -> None:
    await connection.send(request_bytes("POST", "/api/tickets", {**CHUNKED, **signed_in()}))
    await connection.send(b"8000\r\n" + b" " * 0x8000 + b"\r\nzz\r\n")
    assert (await connection.receive()).status == 400


async def send_malformed_trailer(connection: RawConnection) -> None:
    await connection.send(
        request_bytes("POST", "/api/tickets", {**CHUNKED, "Trailer": "x", **signed_in()})
    )
    await connection.send(b"2\r\n{}\r\n0\r\n\x00 bad : trailer\r\n\r\n")
    await connection.receive()


async def give_up_half_way(connection: RawConnection) -> None:
    await connection.send(request_bytes("POST", "/api/tickets", {**UNFINISHED, **signed_in()}))
    await connection.send(b"{" * 2_500)


async def give_up_a_large_upload(connection: RawConnection) -> None:
    headers = {**CHUNKED, **signed_in()}
    await connection.send(request_bytes("POST", "/api/tickets", headers))
    await connection.send((b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 5)


async def give_up_a_file(connection: RawConnection) -> None:
    headers = {"Content-Type": "application/pdf", "Content-Length": "5000000", **signed_in()}
    await connection.send(request_bytes("PUT", f"/api/tickets/{'a' * 24}/file", headers))
    await connection.send(b"%PDF-1.7" + bytes(300_000))


async def send_more_than_declared_is_allowed(connection: RawConnection) -> None:
    await connection.send(
        request_bytes("POST", "/api/tickets", {"Content-Length": "9999999", **signed_in()})
    )
    await connection.send(b" " * 200_000)


async def expect_100_continue_and_leave(connection: RawConnection) -> None:
    headers = {"Expect": "100-continue", **UNFINISHED, **signed_in()}
    await connection.send(request_bytes("POST", "/api/tickets", headers))


async def ask_for_an_upgrade(connection: RawConnection) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **signed_in(),
    }
    await connection.send(request_bytes("GET", "/api/tickets/mine", headers))
    await connection.receive()


async def send_a_large_head(connection: RawConnection) -> None:
    with contextlib.suppress(OSError):
        await connection.send(request_bytes("GET", "/api/tickets", {"X-Large": "x" * 100_000}))
        await connection.receive()


async def leave_before_the_response(connection: RawConnection) -> None:
    await connection.send(request_bytes("GET", "/api/tickets/mine", {**signed_in()}))


async def leave_an_event_stream(connection: RawConnection) -> None:
    await connection.send(request_bytes("GET", "/api/tickets/events"))


async def send_an_unknown_transfer_encoding(connection: RawConnection) -> None:
    await connection.send(
        request_bytes("POST", "/api/tickets", {"Transfer-Encoding": "gzip, chunked"})
    )
    with contextlib.suppress(OSError):
        await connection.receive()


@pytest.mark.parametrize(
    "attack",
    [
        send_malformed_chunk,
        send_malformed_chunk_with_get,
        send_malformed_chunk_after_a_large_one,
        send_malformed_trailer,
        give_up_half_way,
        give_up_a_large_upload,
        give_up_a_file,
        send_more_than_declared_is_allowed,
        expect_100_continue_and_leave,
        ask_for_an_upgrade,
        send_a_large_head,
        leave_before_the_response,
        leave_an_event_stream,
        send_an_unknown_transfer_encoding,
    ],
)
async def test_fault_of_a_client_marks_no_replica_as_down(gateway: str, attack: Attack) -> None:
    deadline = asyncio.get_running_loop().time() + ATTACK_SECONDS
    async with friend_of(gateway) as friend:
        while asyncio.get_running_loop().time() < deadline or friend.requests < MIN_REQUESTS:
            async with await RawConnection.open(port_of(gateway)) as connection:
                await attack(connection)
                await asyncio.sleep(0)  # the gateway begins before the client leaves
            await friend.use()

    assert friend.failures == []


@pytest.fixture
def limited(system: System) -> Iterator[None]:
    """Run tickets with the limits of a deployed service, but small."""
    tickets = system.replicas_of("tickets")
    limits = {"ADDRESS_REQUESTS_PER_SECOND": "5", "ADDRESS_BURST": "10"}
    system.restart(tickets, {**limits, "BODY_TIMEOUT_SECONDS": "1"})
    yield
    system.restart(tickets)


@pytest.mark.usefixtures("limited")
async def test_flood_from_one_address_limits_that_address_only(system: System) -> None:
    internal = f"http://127.0.0.1:{system.port['internal']}"  # where the visitor's address counts
    async with (
        httpx.AsyncClient(base_url=internal, headers={"X-Forwarded-For": "192.0.2.66"}) as flood,
        httpx.AsyncClient(base_url=internal, headers={"X-Forwarded-For": "192.0.2.1"}) as visitor,
        httpx.AsyncClient(base_url=system.address) as neighbour,
    ):
        flooded = await asyncio.gather(*(flood.get("/api/tickets") for _ in range(60)))
        visits = [await visitor.get("/api/tickets") for _ in range(5)]
        others = [await neighbour.get("/api/tickets") for _ in range(5)]

    rejected = [response for response in flooded if response.status_code == 429]
    assert len(rejected) > 10
    assert all(response.headers["retry-after"] == "1" for response in rejected)
    assert {response.status_code for response in (*visits, *others)} == {200}


@pytest.mark.usefixtures("limited")
async def test_forged_address_does_not_evade_the_limit_at_the_gateway(buyer: ApiUser) -> None:
    responses = await asyncio.gather(
        *(
            buyer.request("GET", "/api/tickets", headers={"X-Forwarded-For": f"192.0.2.{n}"})
            for n in range(60)
        )
    )

    assert {response.status_code for response in responses} == {200, 429}


@pytest.mark.usefixtures("limited")
async def test_slow_body_at_the_gateway_is_408(system: System) -> None:
    async with await RawConnection.open(system.port["gateway"]) as connection:
        await connection.send(request_bytes("POST", "/api/tickets", {**UNFINISHED, **signed_in()}))
        await connection.send(b"{")

        response = await connection.receive()

    assert response.status == 408
    assert json.loads(response.body) == {
        "errors": [{"message": "The request did not arrive in time"}]
    }
