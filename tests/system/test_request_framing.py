"""Requests whose length or method is ambiguous or unused, sent byte by byte through the gateway."""

import asyncio
import contextlib

import pytest

from common.testing.client import errors
from common.testing.raw_http import RawConnection, request_bytes
from support.system import System
from ticketing_local.api_user import ApiUser

SMUGGLED = b"0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS_HEADERS = {
    "both": {"Transfer-Encoding": "chunked", "Content-Length": str(len(SMUGGLED))},
    "shorter": {"Transfer-Encoding": "chunked", "Content-Length": "4"},
    "obfuscated": {"Transfer-Encoding": "xchunked", "Content-Length": str(len(SMUGGLED))},
    "two encodings": {"Transfer-Encoding": "identity, chunked"},
    "space before colon": {"Transfer-Encoding ": "chunked", "Content-Length": "4"},
    "signed length": {"Content-Length": "+3"},
}


@pytest.mark.parametrize("headers", AMBIGUOUS_HEADERS.values(), ids=AMBIGUOUS_HEADERS.keys())
async def test_ambiguous_length_affects_no_other_request(
    system: System, buyer: ApiUser, headers: dict[str, str]
) -> None:
    async def send_ambiguous() -> None:
        async with await RawConnection.open(system.port["gateway"]) as connection:
            with contextlib.suppress(OSError):
                await connection.send(request_bytes("POST", "/api/orders", headers) + SMUGGLED)
                await connection.receive()

    for _ in range(5):
        await asyncio.gather(*(send_ambiguous() for _ in range(4)))
        responses = await asyncio.gather(*(buyer.request("GET", "/api/orders") for _ in range(8)))

        assert [(response.status_code, response.json()) for response in responses] == [
            (200, [])
        ] * 8


@pytest.mark.parametrize("path", ["/api/tickets", "/api/orders", "/api/payments"])
async def test_trace_is_405(buyer: ApiUser, path: str) -> None:
    response = await buyer.request("TRACE", path)

    assert response.status_code == 405
    errors(response)


@pytest.mark.parametrize("path", ["/", "/api/tickets"])
async def test_long_query_is_414_at_the_gateway(buyer: ApiUser, path: str) -> None:
    response = await buyer.request("GET", f"{path}?{'a&' * 7_000}")

    assert response.status_code == 414
    assert errors(response) == [{"message": "The query is too long"}]
