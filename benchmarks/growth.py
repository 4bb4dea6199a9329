"""Lists and searches among 10,000, 100,000 and 1,000,000 tickets."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.client import Connection, Response, quantile
from benchmarks.measure import Options, Row
from benchmarks.testbed import Testbed
from common.persistence.mongo import Doc
from common.shows import ShowCategory, ShowFacts
from common.values.clock import utc_now
from tickets.search import Sort
from tickets.store.available_tickets import MAX_EXAMINED
from tickets.store.tickets import TicketDocument
from tickets.testing import show_facts, ticket_document

SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK_SIZES: Final = (1_000, 5_000, 20_000)
REQUESTS, QUICK_REQUESTS = 100, 40
PROFILED_REQUESTS: Final = 25
MAX_RATIO: Final = 3.0
TICKETS_PER_SHOW: Final = 50
DAYS: Final = 700
DEEP_PAGES: Final = 20
DEEP_PAGE: Final = f"page {DEEP_PAGES} of the newest"
COPIES: Final = 20
"""How many tickets have the same title and show, because making a document in Python is slow."""
SAMPLE_TIMEOUT_SECONDS: Final = 90.0
"""More than the interval in which the service counts the words of a sample."""
CITIES = [f"city{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(300)]
ARTISTS = [f"artist{n}" for n in range(3_000)]
KINDS = ["concert", "football", "theatre", "opera", "festival"]
OK: Final = 200
EXAMINED: Final = "index keys and documents examined"

Parameters = dict[str, Any]


class _Requests:
    """The requests of each kind, drawn at random: frequent and rare words, all orders."""

    def __init__(self, shows: list[ShowFacts], seed: int) -> None:
        self._shows = shows
        self._draw = random.Random(seed)
        self.kinds: dict[str, Callable[[], Parameters]] = {
            "lists in each order": self._order,
            "words": lambda: self._order() | {"q": self._words()},
            "words, prices": lambda: self._order() | {"q": self._words()} | self._prices(),
            "tickets of a show": lambda: self._order() | {"showId": self._show().id},
            "city": lambda: self._order() | self._city(),
            "days": lambda: self._order() | self._days(self._draw.choice([1, 2, 7, 90, 900])),
            "city, days": lambda: self._order() | self._city() | self._days(2),
            "all filters, words, prices": lambda: (
                self._order()
                | self._city()
                | self._days(60)
                | self._prices()
                | {"q": self._words(), "category": self._draw.choice([*ShowCategory]).value}
            ),
        }

    def paths(self, kind: str, count: int) -> list[str]:
        """Return the paths of some requests of a kind."""
        make = self.kinds[kind]
        return [f"/api/tickets?{urlencode(make())}" for _ in range(count)]

    def _order(self) -> Parameters:
        return {"sort": self._draw.choice([*Sort]).value}

    def _show(self) -> ShowFacts:
        return self._draw.choice(self._shows)

    def _city(self) -> Parameters:
        return {"city": self._draw.choice(CITIES)}

    def _days(self, days: int) -> Parameters:
        first = utc_now().date() + timedelta(days=self._draw.randrange(DAYS))
        return {"from": first, "to": first + timedelta(days=days - 1)}

    def _prices(self) -> Parameters:
        low = self._draw.randrange(0, 600)
        return {"minPrice": low, "maxPrice": low + self._draw.choice([1, 10, 100])}

    def _words(self) -> str:
        draw = self._draw
        return draw.choice(
            [
                draw.choice(KINDS),
                f"{draw.choice(KINDS)} {draw.choice(CITIES)}",
                f"{draw.choice(CITIES)} {draw.choice(ARTISTS)}",
                f"{draw.choice(KINDS)} {draw.choice(KINDS)}",
                f"{draw.choice(KINDS)} zzzz{draw.randrange(1_000)}",
                f"artist{draw.randrange(1, 10)}",
                draw.choice(CITIES)[:5],
                " ".join("abcdefghijklmnopqrstuvwxyz"),
            ]
        )


def growth(testbed: Testbed, options: Options) -> list[Row]:
    """Measure the response times, and what MongoDB examines for a request."""
    sizes = QUICK_SIZES if options.quick else SIZES
    count = QUICK_REQUESTS if options.quick else REQUESTS
    results: dict[str, list[str]] = {}
    points: dict[str, list[tuple[float, float]]] = {}
    p99s: list[float] = []
    examined = 0
    for size in sizes:
        shows = _start(testbed, size)
        port = testbed.port["tickets"]
        warm_up, measured, profiled = (_Requests(shows, seed) for seed in (1, 2, 3))
        times: list[float] = []
        for kind in measured.kinds:
            asyncio.run(_send(port, warm_up.paths(kind, count // 10)))
            responses = asyncio.run(_send(port, measured.paths(kind, count)))
            most = max(
                _count_examined(testbed, path) for path in profiled.paths(kind, PROFILED_REQUESTS)
            )
            results.setdefault(kind, []).append(_describe(size, responses, most))
            points.setdefault(kind, []).append((size, most))
            times += [response.seconds for response in responses]
            examined = max(examined, most)
        first, deep, most = _deep_cursor(testbed)
        points.setdefault(DEEP_PAGE, []).append((size, most))
        results.setdefault(DEEP_PAGE, []).append(
            f"{size:,}: {deep * 1000:.1f} ms (page 1: {first * 1000:.1f} ms), {most:,} examined"
        )
        p99s.append(quantile(times, 0.99) * 1000)
        print(f"{size:,} tickets: p99 {p99s[-1]:.1f} ms, {examined:,} examined", flush=True)
        testbed.drop("tickets", "tickets")
    ratio = p99s[-1] / p99s[0]
    rows = [
        Row(kind, "; ".join(cells), unit=EXAMINED, points=points[kind])
        for kind, cells in results.items()
    ]
    p99 = "; ".join(f"{size:,}: p99 {one:.1f} ms" for size, one in zip(sizes, p99s, strict=True))
    rows.append(
        Row(
            "lists and searches: all of these",
            f"{p99}; {ratio:.1f} times; at most {examined:,} index keys and documents examined",
            figure=f"{ratio:.1f} times; at most {examined:,} examined",
            target=f"p99 under {MAX_RATIO:g} times, at most {MAX_EXAMINED:,} examined",
            met=ratio < MAX_RATIO and examined <= MAX_EXAMINED,
        )
    )
    return rows


def _describe(size: int, responses: list[Response], examined: int) -> str:
    times = [response.seconds * 1000 for response in responses]
    return (
        f"{size:,}: p50 {quantile(times, 0.5):.1f}, p99 {quantile(times, 0.99):.1f} ms, "
        f"{examined:,} examined"
    )


def _deep_cursor(testbed: Testbed) -> tuple[float, float, int]:
    """Return the seconds of the first and of a deep page, and what the deep one examines."""
    port = testbed.port["tickets"]
    path = "/api/tickets"
    seconds: list[float] = []
    for page in range(DEEP_PAGES):
        [response] = asyncio.run(_send(port, [path]))
        seconds.append(response.seconds)
        if page < DEEP_PAGES - 1:
            link = response.headers.get("link")
            if link is None:
                break
            path = link.partition("<")[2].partition(">")[0]
    return seconds[0], seconds[-1], _count_examined(testbed, f"{path}&limit=99")  # not cached


def _count_examined(testbed: Testbed, path: str) -> int:
    send = _send(testbed.port["tickets"], [path])
    return testbed.count_examined("tickets", lambda: asyncio.run(send))


def _start(testbed: Testbed, tickets: int) -> list[ShowFacts]:
    """Start the service with this number of tickets, and wait until it has counted their words."""
    testbed.start_services("tickets")
    draw = random.Random(tickets)
    shows = [
        show_facts(
            utc_now() + timedelta(days=draw.randrange(DAYS), hours=draw.randrange(1, 24)),
            name=f"{draw.choice(ARTISTS)} {draw.choice(KINDS)}",
            city=draw.choice(CITIES),
            category=draw.choice([*ShowCategory]),
        )
        for _ in range(tickets // TICKETS_PER_SHOW)
    ]
    docs = [*_tickets(shows, tickets // COPIES, draw)]
    testbed.fill("tickets", "tickets", docs, COPIES, TicketDocument.Settings.indexes)
    testbed.restart("tickets")  # it samples the words at once
    testbed.wait_until(
        lambda: testbed.count("tickets", "words", n={"$gt": 0}) > 0, SAMPLE_TIMEOUT_SECONDS
    )
    return shows


def _tickets(shows: list[ShowFacts], count: int, draw: random.Random) -> Iterator[Doc]:
    """Generate tickets, three of four of them with a show."""
    for n in range(count):
        show = draw.choice(shows) if n % 4 else None
        title = f"{draw.choice(ARTISTS)} {draw.choice(KINDS)} {draw.choice(CITIES)}, row {n % 60}"
        yield ticket_document(title, draw.randrange(50, 50_000), show=show)


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
