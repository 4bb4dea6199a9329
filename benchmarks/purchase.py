"""The whole system at work: purchases, how soon a ticket is shown locked, memory."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import uvloop

from benchmarks.client import Connection, quantile
from benchmarks.measure import Meter, Options, Row
from benchmarks.testbed import Stage, sessions
from benchmarks.wrk import Load, load, request

BUYERS = 64  # as many as wrk has connections
CARD = "pm_card_visa"
"""Takes two calls to Stripe, as the token of our own client does; a bare `tok_` takes three."""
CREATED, OK = 201, 200
RECORD = 135
"""Paid orders a second: TigerFans, FastAPI with TigerBeetle on 4 vCPU, a mock for the payment."""
DURABLE_RECORD = 977
"""Reservations a second: the same."""
EACH_RUN = 4_000
MIB = 2**20


@dataclass
class Bought:
    """What the buyers of one run saw; seconds."""

    orders: list[float] = field(default_factory=list[float])
    whole: list[float] = field(default_factory=list[float])
    failed: list[str] = field(default_factory=list[str])
    seconds: float = 0


def purchases(stage: Stage, options: Options) -> list[Row]:
    """Look at the list, order, pay: as many as they can, at the services and by the gateway."""
    stage.use_all()
    people = sessions(BUYERS * 10)
    rows: list[Row] = []
    for name, gateway in (("asking the services", False), ("through the gateway", True)):
        ports = {
            service: stage.port["gateway" if gateway else service]
            for service in ("tickets", "orders", "payments")
        }
        runs: list[Bought] = []
        costs: list[dict[str, float]] = []
        for n in range(options.runs + 1):
            tickets = stage.sell(int(options.seconds * 400))
            meter = Meter(stage, [*stage.system.services, "mongod", "nats", "redis", "stripe"])
            bought = uvloop.run(_buy(ports, tickets, people, options.seconds))
            if n:  # the first one warms
                runs.append(bought)
                costs.append(meter.per(len(bought.whole)))
        rates = [len(run.whole) / run.seconds for run in runs]
        rows.append(_row(name, runs, rates, costs))
    return rows


def _row(
    name: str, runs: Sequence[Bought], rates: Sequence[float], costs: Sequence[dict[str, float]]
) -> Row:
    orders = [second for run in runs for second in run.orders]
    whole = [second for run in runs for second in run.whole]
    failed = [why for run in runs for why in run.failed]
    cpu = ", ".join(f"{of} {statistics.median(c[of] for c in costs):.0f}" for of in costs[0])
    return Row(
        f"list, order, pay with {BUYERS} buyers at a time, {name}",
        f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f}) paid/s; "
        f"order p50 {quantile(orders, 0.5) * 1000:.0f} ms, p99 {quantile(orders, 0.99) * 1000:.0f};"
        f" whole p50 {quantile(whole, 0.5) * 1000:.0f} ms; CPU µs: {cpu}"
        + (f"; {len(failed)} FAILED: {failed[0]}" if failed else ""),
        bar=f"{RECORD} paid/s",
        met=statistics.median(rates) > RECORD and not failed,
    )


async def _buy(
    ports: dict[str, int], tickets: Sequence[str], people: Sequence[str], seconds: float
) -> Bought:
    bought = Bought()
    fresh = iter(tickets)
    visits = count()
    began = time.perf_counter()

    async def buyer() -> None:
        async with (
            Connection.open(ports["tickets"]) as listing,
            Connection.open(ports["orders"]) as ordering,
            Connection.open(ports["payments"]) as paying,
        ):
            while time.perf_counter() - began < seconds:
                who = people[next(visits) % len(people)]
                await _purchase(bought, listing, ordering, paying, next(fresh), who)

    await asyncio.gather(*(buyer() for _ in range(BUYERS)))
    bought.seconds = time.perf_counter() - began
    return bought


async def _purchase(
    bought: Bought,
    listing: Connection,
    ordering: Connection,
    paying: Connection,
    ticket: str,
    who: str,
) -> None:
    began = time.perf_counter()
    seen = await listing.ask("GET", "/api/tickets", cookie=who)
    ordered = await ordering.ask("POST", "/api/orders", {"ticketId": ticket}, who)
    if seen.status != OK or ordered.status != CREATED:
        bought.failed.append(f"{seen.status}, {ordered.status} {ordered.body[:100]!r}")
        return
    bought.orders.append(ordered.seconds)
    body = {"token": CARD, "orderId": ordered.json["id"]}
    paid = await paying.ask("POST", "/api/payments", body, who)
    while paid.status == 404 and time.perf_counter() - began < 10:
        await asyncio.sleep(0.005)
        paid = await paying.ask("POST", "/api/payments", body, who)
    if paid.status != CREATED:
        bought.failed.append(f"payment {paid.status} {paid.body[:100]!r}")
        return
    bought.whole.append(time.perf_counter() - began)


def locked(stage: Stage, options: Options) -> list[Row]:
    """Orders at full load, then at half of it: how long until the ticket is shown locked."""
    stage.use_all()
    people = sessions(500)
    full = [ordering(stage, people, options.seconds) for _ in range(options.runs + 1)][1:]
    rates = [run.rate for run in full]
    capacity = statistics.median(rates)
    resident = _memory(stage)
    lags: list[float] = []
    for _ in range(options.runs):
        stage.until(lambda: _followed(stage))
        lags += uvloop.run(_lags(stage, people, capacity / 2, options.seconds))
    p50, p99 = quantile(lags, 0.5), quantile(lags, 0.99)
    return [
        Row(
            "orders, each on its own ticket, with every service at work on them",
            f"{capacity:.0f} ({min(rates):.0f} to {max(rates):.0f})/s, "
            f"p50 {statistics.median(r.p50 for r in full):.0f} ms, "
            f"p99 {statistics.median(r.p99 for r in full):.0f} ms; "
            f"{sum(r.refused + r.broken for r in full)} refused",
            bar=f"{DURABLE_RECORD}/s",
            met=capacity > DURABLE_RECORD,
        ),
        Row(
            f"order answered -> ticket shown locked (GET, polled), at {capacity / 2:.0f} orders/s",
            f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, most {max(lags) * 1000:.0f} ms "
            f"({len(lags)} looked at)",
            bar="p50 15 ms, p99 60 ms",
            met=p50 < 0.015 and p99 < 0.060,
        ),
        Row("memory at full load (resident, MiB)", resident),
    ]


def ordering(stage: Stage, people: Sequence[str], seconds: float, rate: float = 0) -> Load:
    tickets = stage.sell(int(seconds * (rate * 1.2 or EACH_RUN)))
    requests = [
        request("POST", "/api/orders", {"ticketId": ticket}, Cookie=people[n % len(people)])
        for n, ticket in enumerate(tickets)
    ]
    return load(stage.port["orders"], requests, seconds, rate=rate)


def _followed(stage: Stage) -> bool:
    """Tell whether tickets has followed every order."""
    live = stage.count("orders", "orders", live=True)
    return stage.count("tickets", "tickets", status="reserved") == live


async def _lags(stage: Stage, people: Sequence[str], rate: float, seconds: float) -> list[float]:
    """Order now and then beside the load, and look at each ticket until it is shown locked."""
    own = iter(stage.sell(int(seconds * 200)))
    loading = asyncio.create_task(asyncio.to_thread(ordering, stage, people, seconds + 2, rate))
    await asyncio.sleep(1.5)
    lags: list[float] = []

    async def looker() -> None:
        async with (
            Connection.open(stage.port["orders"]) as ordering,
            Connection.open(stage.port["tickets"]) as looking,
        ):
            ends = time.perf_counter() + seconds
            while time.perf_counter() < ends:
                ticket = next(own)
                ordered = await ordering.ask("POST", "/api/orders", {"ticketId": ticket}, people[0])
                if ordered.status != CREATED:
                    continue
                since = time.perf_counter()
                while True:
                    seen = await looking.ask("GET", f"/api/tickets/{ticket}")
                    if seen.json["status"] == "reserved":
                        break
                    await asyncio.sleep(0.001)
                lags.append(time.perf_counter() - since)
                await asyncio.sleep(0.02)

    await asyncio.gather(looker(), looker())
    await loading
    return lags


def memory(stage: Stage, options: Options) -> list[Row]:
    """Read what each process keeps in memory, a while after the start."""
    stage.use_all()
    time.sleep(1 if options.quick else 10)
    return [Row("memory idle (resident, MiB)", _memory(stage))]


def _memory(stage: Stage) -> str:
    names = [*stage.system.services, "mongod", "nats", "redis", "stripe", "gateway"]
    return ", ".join(f"{n} {stage.process(n).memory_info().rss / MIB:.0f}" for n in names)
