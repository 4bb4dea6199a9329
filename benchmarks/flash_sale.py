"""Crowds: 500 buyers on one ticket at once, and a flash sale."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence

import uvloop

from benchmarks.client import Answer, Connection, quantile
from benchmarks.measure import Options, Row
from benchmarks.testbed import OURS, THEIRS, Stage, sessions

HOT = 500
OK, CREATED = 200, 201
SEATS = 100


def hot(stage: Stage, options: Options) -> list[Row]:
    """Let 500 buyers, already connected, order the same ticket at the same moment."""
    stage.use("orders", THEIRS)
    buyers = sessions(HOT)
    of = {OURS: stage.port["orders"], THEIRS: stage.port[THEIRS]}
    seen: dict[str, list[list[Answer]]] = {side: [] for side in of}
    for _ in range(options.runs + 1):
        for side, port in of.items():
            (ticket,) = stage.sell(1)
            seen[side].append(asyncio.run(_rush(port, ticket, buyers)))
    shown = {side: _of_rushes(rounds[1:]) for side, rounds in seen.items()}
    each_once = all(_sold(answers) == 1 for answers in seen[OURS])
    slowest = {side: _slowest(rounds[1:]) for side, rounds in seen.items()}
    ratios = [theirs / ours for ours, theirs in zip(*slowest.values(), strict=True)]
    return [
        Row(
            f"{HOT} buyers on one ticket",
            shown[OURS],
            shown[THEIRS],
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            bar="sold once each time",
            met=each_once,
        )
    ]


async def _rush(port: int, ticket: str, buyers: Sequence[str]) -> list[Answer]:
    connections = [Connection(port) for _ in buyers]
    for connection in connections:
        await connection.connect()
    answers = await asyncio.gather(
        *(
            connection.ask("POST", "/api/orders", {"ticketId": ticket}, buyer)
            for connection, buyer in zip(connections, buyers, strict=True)
        )
    )
    for connection in connections:
        connection.close()
    return answers


def _sold(answers: Sequence[Answer]) -> int:
    return sum(answer.status == CREATED for answer in answers)


def _slowest(rounds: Sequence[Sequence[Answer]]) -> list[float]:
    return [max(answer.seconds for answer in answers) for answers in rounds]


def _of_rushes(rounds: Sequence[Sequence[Answer]]) -> str:
    p50 = statistics.median(quantile([a.seconds for a in answers], 0.5) for answers in rounds)
    statuses = Counter(answer.status for answers in rounds for answer in answers)
    return (
        f"all answered in {statistics.median(_slowest(rounds)) * 1000:.0f} ms, "
        f"p50 {p50 * 1000:.0f} ms; sold {', '.join(str(_sold(a)) for a in rounds)} times; "
        f"statuses {dict(sorted(statuses.items()))}"
    )


def flash(stage: Stage, options: Options) -> list[Row]:
    """Let 20,000 come within a minute for 100 tickets: look, order, pay, or see it sold out."""
    people, minute = (500, 5.0) if options.quick else (20_000, 60.0)
    stage.use_all()
    stage.sell(SEATS)
    sale = Sale(stage, sessions(people), minute)
    uvloop.run(sale.run())
    stage.until(lambda: stage.count("orders", "orders", status="complete") >= SEATS)
    stage.until(lambda: stage.count("tickets", "tickets", status="sold") >= SEATS)
    live = stage.count("orders", "orders", live=True)
    sold = stage.count("orders", "orders", status="complete")
    held = stage.count("tickets", "tickets", status={"$ne": "available"})
    waits = sale.waits
    p99 = quantile(waits, 0.99)
    return [
        Row(
            f"flash sale: {people:,} buyers, {SEATS} tickets, {minute:.0f} s",
            f"{sold} paid, {live} live orders, {held} tickets taken; {len(waits):,} answers: "
            f"p50 {quantile(waits, 0.5) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
            f"most {max(waits):.1f} s; statuses {dict(sorted(sale.statuses.items()))}; "
            f"the last was answered {sale.over:.1f} s after the doors opened",
            bar="100 sold, none twice, p99 2 s",
            met=sold == live == held == SEATS and p99 < 2,
        )
    ]


class Sale:
    """A flash sale: half of the buyers come in the first tenth of the time."""

    def __init__(self, stage: Stage, people: Sequence[str], seconds: float) -> None:
        self._port = stage.port["gateway"]
        self._people = people
        self._seconds = seconds
        self.waits: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.over = 0.0

    async def run(self) -> None:
        """Open the doors, and wait until everybody has left."""
        began = time.perf_counter()
        inside = asyncio.Semaphore(2_000)  # connections that one machine opens to itself
        leaving: list[asyncio.Task[None]] = []
        for n, person in enumerate(self._people):
            place = n / len(self._people)
            early = place * 0.2 if place < 0.5 else 0.1 + (place - 0.5) * 1.8
            wait = early * self._seconds - (time.perf_counter() - began)
            if wait > 0:
                await asyncio.sleep(wait)
            leaving.append(asyncio.create_task(self._visit(person, n, inside)))
        await asyncio.gather(*leaving)
        self.over = time.perf_counter() - began

    async def _visit(self, person: str, n: int, inside: asyncio.Semaphore) -> None:
        arrived = time.perf_counter()
        async with inside, Connection.open(self._port) as door:
            late = time.perf_counter() - arrived
            for attempt in range(5):
                seen = await self._ask(door, "GET", "/api/tickets", late=late)
                late = 0
                left: list[dict[str, str]] = seen.json if seen.status == OK else []
                if not left:
                    return
                wanted = {"ticketId": left[(n * 7919 + attempt) % len(left)]["id"]}
                ordered = await self._ask(door, "POST", "/api/orders", wanted, person)
                if ordered.status == CREATED:
                    await self._pay(door, ordered.json["id"], person)
                    return

    async def _pay(self, door: Connection, order: str, person: str) -> None:
        for _ in range(100):
            body = {"token": "tok_visa", "orderId": order}
            paid = await self._ask(door, "POST", "/api/payments", body, person)
            if paid.status == CREATED:
                return
            await asyncio.sleep(0.1)

    async def _ask(
        self,
        door: Connection,
        method: str,
        path: str,
        body: object = None,
        person: str = "",
        late: float = 0,
    ) -> Answer:
        answer = await door.ask(method, path, body, person)
        self.waits.append(answer.seconds + late)
        self.statuses[f"{method} {path.rsplit('/', 1)[1]} {answer.status}"] += 1
        return answer
