"""A hostile client: slow bodies, broken chunks, invalid tokens and absurd queries."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from chaos.client_log import ClientLog
from common.testing.raw_http import RawConnection, request_bytes

PAUSE_SECONDS: Final = (0.3, 1.5)
OUTAGE_STATUSES: Final = frozenset({429, 502, 503, 504})
"""Allowed for every request, because processes are killed meanwhile."""
PATHS: Final = ("/api/tickets", "/api/orders", "/api/payments")
JSON: Final = {"Content-Type": "application/json"}
CHUNKED: Final = JSON | {"Transfer-Encoding": "chunked"}
INVALID_TOKENS: Final = (
    "x",
    "a.b.c",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
    "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
    "x" * 6_000,
)
ABSURD_QUERIES: Final = (
    "q=" + "+".join("abcdefghijklmnopqrstuvwxyza") + "&sort=price",
    "q=" + "%00" * 60,
    "q=" + "x" * 5_000,
    "sort=nothing",
    "limit=1000000",
    "limit=-1",
    "minPrice=1e400",
    "cursor=" + "A" * 500,
    "cursor=WyIkZ3QiXQ",
    "unknown[$gt]=" + "y" * 500,
)


class HostileClient:
    """A client without an account. The system must reject what it sends and nothing else."""

    def __init__(self, port: int, rng: random.Random, client_log: ClientLog) -> None:
        self.stopped = False
        self._port = port
        self._rng = rng
        self._client_log = client_log

    async def run(self) -> None:
        """Send hostile requests until stopped."""
        while not self.stopped:
            action = self._rng.choice(ACTIONS)
            try:
                async with await RawConnection.open(self._port) as connection:
                    await action(self, connection)
            except OSError:  # closed without a response, which is allowed
                self._client_log.status_counts["none"] += 1
            await asyncio.sleep(self._rng.uniform(*PAUSE_SECONDS))

    async def _send_slow_body(self, connection: RawConnection) -> None:
        path = self._rng.choice(PATHS)
        await connection.send(request_bytes("POST", path, JSON | {"Content-Length": "5000"}, b"{"))
        await self._expect(connection, {401, 408}, f"an unfinished body for {path}")

    async def _abandon_upload(self, connection: RawConnection) -> None:
        path = self._rng.choice(PATHS)
        await connection.send(
            request_bytes("POST", path, JSON | {"Content-Length": "5000"}, b"{" * 2_000)
        )
        await asyncio.sleep(self._rng.uniform(0, 0.1))
        connection.abort()

    async def _send_broken_chunk(self, connection: RawConnection) -> None:
        path = self._rng.choice((*PATHS, "/api/users/signin"))
        await connection.send(request_bytes("POST", path, CHUNKED) + b"5\r\n{    \r\nzz\r\n")
        await self._expect(connection, {400, 401, 408}, f"a broken chunk for {path}")

    async def _send_invalid_token(self, connection: RawConnection) -> None:
        path = self._rng.choice(("/api/orders", "/api/tickets/mine", "/api/users/sessions"))
        cookie = {"Cookie": f"session={self._rng.choice(INVALID_TOKENS)}{secrets.token_hex(2)}"}
        await connection.send(request_bytes("GET", path, cookie))
        await self._expect(connection, {401}, f"an invalid token for {path}")

    async def _send_absurd_query(self, connection: RawConnection) -> None:
        query = self._rng.choice(ABSURD_QUERIES)
        await connection.send(request_bytes("GET", f"/api/tickets?{query}"))
        await self._expect(connection, {200, 400, 414}, f"the query {query[:40]}")

    async def _expect(self, connection: RawConnection, allowed: set[int], what: str) -> None:
        response = await connection.receive()
        self._client_log.status_counts[f"hostile {response.status}"] += 1
        if response.status not in allowed | OUTAGE_STATUSES:
            self._client_log.forbidden_responses.append(
                f"{what}: {response.status} {response.body[:200]!r}"
            )


ACTIONS: Final[tuple[Callable[[HostileClient, RawConnection], Awaitable[None]], ...]] = (
    HostileClient._send_slow_body,
    HostileClient._abandon_upload,
    HostileClient._send_broken_chunk,
    HostileClient._send_invalid_token,
    HostileClient._send_absurd_query,
)
