"""Lists and searches among 10,000 and among 1,000,000 tickets."""

import asyncio
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.client import Connection, Response, quantile
from benchmarks.measure import Options, Row
from benchmarks.testbed import Testbed
from tickets.search import Sort
from tickets.store.available_tickets import MAX_EXAMINED
from tickets.testing import ticket_document

FEW, MANY = 10_000, 1_000_000
QUICK_FEW, QUICK_MANY = 1_000, 20_000
REQUESTS, QUICK_REQUESTS = 2_000, 100
PROFILED_REQUESTS: Final = 100
MAX_RATIO: Final = 3.0
INSERT_BATCH_SIZE: Final = 10_000
SAMPLE_TIMEOUT_SECONDS: Final = 90.0
"""More than the interval in which the service counts the words of a sample."""
CITIES = [f"city{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300)]
ARTISTS = [f"artist{n}" for n in range(3_000)]
KINDS = ["concert", "football", "theatre", "opera", "festival"]
OK: Final = 200


def search(testbed: Testbed, options: Options) -> list[Row]:
    """Measure the response times, and what MongoDB examines for a request."""
    few, many = (QUICK_FEW, QUICK_MANY) if options.quick else (FEW, MANY)
    count = QUICK_REQUESTS if options.quick else REQUESTS
    p99: list[float] = []
    results: list[str] = []
    examined = 0
    for tickets in (few, many):
        _start(testbed, tickets)
        port = testbed.port["tickets"]
        asyncio.run(_send(port, _paths(count // 10, seed=1)))  # warm-up
        responses = asyncio.run(_send(port, _paths(count, seed=2)))
        times = [response.seconds * 1000 for response in responses]
        p99.append(quantile(times, 0.99))
        results.append(
            f"{tickets:,} tickets: p50 {quantile(times, 0.5):.1f} ms, p99 {p99[-1]:.1f} ms"
        )
        for path in _paths(PROFILED_REQUESTS, seed=3):
            examined = max(examined, _count_examined(testbed, path))
        testbed.drop("tickets", "tickets")
    ratio = p99[1] / p99[0]
    return [
        Row(
            "lists and searches, each another one",
            f"{'; '.join(results)}; p99 {ratio:.1f} times; at most {examined:,} index keys and "
            "documents examined a request",
            target=f"p99 under {MAX_RATIO:g} times, at most {MAX_EXAMINED:,} examined",
            met=ratio < MAX_RATIO and examined <= MAX_EXAMINED,
        )
    ]


def _count_examined(testbed: Testbed, path: str) -> int:
    send = _send(testbed.port["tickets"], [path])
    return testbed.count_examined("tickets", lambda: asyncio.run(send))


def _start(testbed: Testbed, tickets: int) -> None:
    """Start the service with this number of tickets, and wait until it has counted their words."""
    testbed.start_services("tickets")
    draw = random.Random(tickets)
    docs = (
        ticket_document(
            f"{draw.choice(ARTISTS)} {draw.choice(KINDS)} {draw.choice(CITIES)}, row {n % 60}",
            draw.randrange(50, 50_000),
        )
        for n in range(tickets)
    )
    while batch := list(islice(docs, INSERT_BATCH_SIZE)):
        testbed.insert_documents("tickets", "tickets", batch)
    testbed.wait_until(
        lambda: testbed.count("tickets", "words", n={"$gt": 0}) > 0, SAMPLE_TIMEOUT_SECONDS
    )


def _paths(count: int, seed: int) -> list[str]:
    """Return lists and searches: frequent and rare words, all orders, wide and narrow prices."""
    draw = random.Random(seed)
    words = [
        lambda: "",
        lambda: draw.choice(KINDS),
        lambda: f"{draw.choice(KINDS)} {draw.choice(CITIES)}",
        lambda: f"{draw.choice(CITIES)} {draw.choice(ARTISTS)}",
        lambda: f"{draw.choice(KINDS)} {draw.choice(KINDS)}",
        lambda: f"{draw.choice(KINDS)} zzzz{draw.randrange(1_000)}",
        lambda: f"artist{draw.randrange(1, 10)}",
        lambda: draw.choice(CITIES)[:5],
        lambda: " ".join("abcdefghijklmnopqrstuvwxyz"),
    ]

    def parameters() -> Iterator[tuple[str, Any]]:
        yield "q", draw.choice(words)()
        yield "sort", draw.choice([*Sort]).value
        if draw.random() < 1 / 3:
            low = draw.randrange(0, 600)
            yield "minPrice", low
            yield "maxPrice", low + draw.choice([1, 10, 100])

    return [f"/api/tickets?{urlencode([*parameters()])}" for _ in range(count)]


async def _send(port: int, paths: list[str]) -> list[Response]:
    """Send requests one after the other."""
    responses: list[Response] = []
    async with Connection.open(port) as connection:
        for path in paths:
            response = await connection.send("GET", path)
            if response.status != OK:
                raise OSError(f"{path}: status {response.status}")
            responses.append(response)
    return responses
