"""Three times more than it can take: what is still done, how the rest is refused, and after it."""

import asyncio
import statistics
import time

from benchmarks.client import Connection, quantile
from benchmarks.measure import Options, Row
from benchmarks.purchase import ordering
from benchmarks.testbed import Stage, sessions
from benchmarks.wrk import Load, load, request

TIMES = 3
KEPT = 0.8
CROWD = 1_000
SOON = 0.25
"""Seconds: an answer as fast as before the overload."""


def overload(stage: Stage, options: Options) -> list[Row]:
    """Offer three times the orders that were taken at the peak, in an open loop."""
    stage.use_all()
    people = sessions(500)
    peaks = [ordering(stage, people, options.seconds) for _ in range(options.runs + 1)][1:]
    peak = statistics.median(run.rate for run in peaks)
    offered, recovery = asyncio.run(_offered(stage, people, peak, options))
    kept = (offered.answered / offered.seconds) / peak
    return [
        Row(
            f"orders at {TIMES} times the peak of {peak:.0f}/s ({CROWD:,} connections)",
            f"{offered.requests / offered.seconds:.0f}/s offered, "
            f"{offered.rate:.0f}/s taken: {kept:.2f} of the peak; statuses {offered.statuses}, "
            f"{offered.unretried} of the 503 without Retry-After, {offered.broken} broken; "
            f"p50 {offered.p50:.0f} ms, p99 {offered.p99:.0f} ms; "
            f"as fast as before {recovery:.1f} s after it",
            bar=f"{KEPT:g} of the peak, 503 and Retry-After, well again in 5 s",
            met=kept >= KEPT
            and not offered.unretried
            and not offered.broken
            and set(offered.statuses) <= {"201", "503"}
            and recovery < 5,
        )
    ]


async def _offered(
    stage: Stage, people: list[str], peak: float, options: Options
) -> tuple[Load, float]:
    seconds = options.seconds * (1 if options.quick else 3)
    rate = peak * TIMES
    tickets = stage.sell(int(seconds * rate * 1.1))
    own = iter(stage.sell(1_000))
    requests = [
        request("POST", "/api/orders", {"ticketId": ticket}, Cookie=people[n % len(people)])
        for n, ticket in enumerate(tickets)
    ]
    offered = await asyncio.to_thread(
        load, stage.port["orders"], requests, seconds, connections=CROWD, rate=rate
    )
    over = time.perf_counter()
    calm: list[float] = []
    async with Connection.open(stage.port["orders"]) as door:
        while time.perf_counter() - over < 30:
            answer = await door.ask("POST", "/api/orders", {"ticketId": next(own)}, people[0])
            calm = [*calm, answer.seconds] if answer.status == 201 else []
            if len(calm) >= 10 and quantile(calm[-10:], 0.9) < SOON:
                break
            await asyncio.sleep(0.02)
    return offered, time.perf_counter() - over
