"""What strangers send leaves the memory of a running service unchanged."""

import httpx
import psutil
import pytest

from support.system import System

SIZE = 15_000
WARM_UP_REQUESTS = 400
REQUESTS = 1_000
MAX_GROWTH_BYTES = 8_000_000
"""Keeping what is sent would take 15 MB."""


def _request(kind: str, number: int) -> tuple[str, dict[str, str]]:
    """Return the path and the headers of a request that differs from all others."""
    text = f"{number:08d}" + "x" * SIZE
    address = {"X-Forwarded-For": f"192.0.2.{number % 250}"}
    match kind:
        case "cookie":
            return "/api/orders", {"Cookie": f"session={text}", **address}
        case "path":
            return f"/api/orders/{text}", address
        case _:
            return "/api/orders", {kind: text, **address}


@pytest.mark.skipif(not psutil.LINUX, reason="RSS means something else elsewhere")
@pytest.mark.parametrize("kind", ["cookie", "path", "User-Agent", "X-Request-Id", "traceparent"])
async def test_long_input_of_strangers_is_not_kept_in_memory(system: System, kind: str) -> None:
    process = system.processes["orders"].find_process()
    assert process is not None
    before = 0
    statuses: set[int] = set()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{system.port['orders']}") as client:
        for number in range(WARM_UP_REQUESTS + REQUESTS):
            if number == WARM_UP_REQUESTS:
                before = process.memory_info().rss
            path, headers = _request(kind, number)
            statuses.add((await client.get(path, headers=headers)).status_code)

    assert statuses == {401}
    assert process.memory_info().rss - before < MAX_GROWTH_BYTES
