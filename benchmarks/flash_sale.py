"""Contention: 500 buyers on one ticket, and a flash sale."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence

import uvloop

from benchmarks.client import Connection, Response, quantile
from benchmarks.measure import Options, Row
from benchmarks.testbed import OURS, THEIRS, Testbed, session_cookies

HOT_BUYERS = 500
OK, CREATED = 200, 201
SEATS = 100


def hot(testbed: Testbed, options: Options) -> list[Row]:
    """Measure 500 connected buyers who order the same ticket at the same moment."""
    testbed.start_services("orders", THEIRS)
    buyers = session_cookies(HOT_BUYERS)
    ports = {OURS: testbed.port["orders"], THEIRS: testbed.port[THEIRS]}
    responses_by_side: dict[str, list[list[Response]]] = {side: [] for side in ports}
    for _ in range(options.runs + 1):
        for side, port in ports.items():
            (ticket,) = testbed.insert_tickets(1)
            responses_by_side[side].append(asyncio.run(_order_at_once(port, ticket, buyers)))
    summaries = {side: _summarize(rounds[1:]) for side, rounds in responses_by_side.items()}
    sold_once = all(_count_created(responses) == 1 for responses in responses_by_side[OURS])
    slowest = {side: _slowest_responses(rounds[1:]) for side, rounds in responses_by_side.items()}
    ratios = [theirs / ours for ours, theirs in zip(*slowest.values(), strict=True)]
    return [
        Row(
            f"{HOT_BUYERS} buyers on one ticket",
            summaries[OURS],
            summaries[THEIRS],
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            figure=f"sold {_format_sold(responses_by_side[OURS][1:])} times",
            target="sold once each time",
            met=sold_once,
        )
    ]


async def _order_at_once(port: int, ticket: str, buyers: Sequence[str]) -> list[Response]:
    connections = [Connection(port) for _ in buyers]
    for connection in connections:
        await connection.connect()
    responses = await asyncio.gather(
        *(
            connection.send("POST", "/api/orders", {"ticketId": ticket}, buyer)
            for connection, buyer in zip(connections, buyers, strict=True)
        )
    )
    for connection in connections:
        connection.close()
    return responses


def _count_created(responses: Sequence[Response]) -> int:
    return sum(response.status == CREATED for response in responses)


def _slowest_responses(rounds: Sequence[Sequence[Response]]) -> list[float]:
    return [max(response.seconds for response in responses) for responses in rounds]


def _summarize(rounds: Sequence[Sequence[Response]]) -> str:
    p50 = statistics.median(quantile([r.seconds for r in responses], 0.5) for responses in rounds)
    statuses = Counter(response.status for responses in rounds for response in responses)
    return (
        f"all responses within {statistics.median(_slowest_responses(rounds)) * 1000:.0f} ms, "
        f"p50 {p50 * 1000:.0f} ms; sold {_format_sold(rounds)} times; "
        f"statuses {dict(sorted(statuses.items()))}"
    )


def _format_sold(rounds: Sequence[Sequence[Response]]) -> str:
    return ", ".join(str(_count_created(responses)) for responses in rounds)


def flash(testbed: Testbed, options: Options) -> list[Row]:
    """Measure 20,000 buyers who arrive within a minute to buy one of 100 tickets."""
    buyers, seconds = (500, 5.0) if options.quick else (20_000, 60.0)
    testbed.start_all()
    testbed.insert_tickets(SEATS)
    sale = FlashSale(testbed, session_cookies(buyers), seconds)
    uvloop.run(sale.run())
    testbed.wait_until(lambda: testbed.count("orders", "orders", status="complete") >= SEATS)
    testbed.wait_until(lambda: testbed.count("tickets", "tickets", status="sold") >= SEATS)
    live = testbed.count("orders", "orders", live=True)
    sold = testbed.count("orders", "orders", status="complete")
    taken = testbed.count("tickets", "tickets", status={"$ne": "available"})
    response_times = sale.response_times
    p99 = quantile(response_times, 0.99)
    return [
        Row(
            f"flash sale: {buyers:,} buyers, {SEATS} tickets, {seconds:.0f} s",
            f"{sold} paid, {live} live orders, {taken} tickets taken; "
            f"{len(response_times):,} responses: "
            f"p50 {quantile(response_times, 0.5) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
            f"max {max(response_times):.1f} s; statuses {dict(sorted(sale.statuses.items()))}; "
            f"last response {sale.duration:.1f} s after the start",
            figure=f"{sold} sold, p99 {p99:.1f} s",
            target="100 sold, none twice, p99 2 s",
            met=sold == live == taken == SEATS and p99 < 2,
        )
    ]


class FlashSale:
    """A flash sale in which half of the buyers arrive in the first tenth of the time."""

    def __init__(self, testbed: Testbed, cookies: Sequence[str], seconds: float) -> None:
        self._port = testbed.port["gateway"]
        self._cookies = cookies
        self._seconds = seconds
        self.response_times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.duration = 0.0

    async def run(self) -> None:
        """Start the buyers on schedule and wait until all have finished."""
        started_at = time.perf_counter()
        connection_limit = asyncio.Semaphore(2_000)  # the ports of one machine are limited
        tasks: list[asyncio.Task[None]] = []
        for n, cookie in enumerate(self._cookies):
            place = n / len(self._cookies)
            start_at = place * 0.2 if place < 0.5 else 0.1 + (place - 0.5) * 1.8
            wait = start_at * self._seconds - (time.perf_counter() - started_at)
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(self._visit(cookie, n, connection_limit)))
        await asyncio.gather(*tasks)
        self.duration = time.perf_counter() - started_at

    async def _visit(self, cookie: str, n: int, connection_limit: asyncio.Semaphore) -> None:
        arrived_at = time.perf_counter()
        async with connection_limit, Connection.open(self._port) as connection:
            queue_delay = time.perf_counter() - arrived_at
            for attempt in range(5):
                response = await self._send(connection, "GET", "/api/tickets", delay=queue_delay)
                queue_delay = 0
                available: list[dict[str, str]] = response.json if response.status == OK else []
                if not available:
                    return
                order = {"ticketId": available[(n * 7919 + attempt) % len(available)]["id"]}
                ordered = await self._send(connection, "POST", "/api/orders", order, cookie)
                if ordered.status == CREATED:
                    await self._pay(connection, ordered.json["id"], cookie)
                    return

    async def _pay(self, connection: Connection, order: str, cookie: str) -> None:
        for _ in range(100):
            body = {"token": "tok_visa", "orderId": order}
            paid = await self._send(connection, "POST", "/api/payments", body, cookie)
            if paid.status == CREATED:
                return
            await asyncio.sleep(0.1)

    async def _send(
        self,
        connection: Connection,
        method: str,
        path: str,
        body: object = None,
        cookie: str = "",
        delay: float = 0,
    ) -> Response:
        response = await connection.send(method, path, body, cookie)
        self.response_times.append(response.seconds + delay)
        self.statuses[f"{method} {path.rsplit('/', 1)[1]} {response.status}"] += 1
        return response
