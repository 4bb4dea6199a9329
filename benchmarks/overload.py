"""Overload: the rate at three times the peak, how the rest is shed, and the recovery."""

import asyncio
import statistics
import time

from benchmarks.client import Connection, quantile
from benchmarks.measure import Options, Row
from benchmarks.purchase import load_orders
from benchmarks.testbed import Testbed, order_requests, session_cookies
from benchmarks.wrk import Load, load

OVERLOAD_FACTOR = 3
MIN_PEAK_RATIO = 0.8
CONNECTIONS = 1_000
FAST_SECONDS = 0.25
"""A response within this time is as fast as before the overload."""


def overload(testbed: Testbed, options: Options) -> list[Row]:
    """Offer three times the peak rate of orders in an open loop."""
    testbed.start_all()
    peaks = [load_orders(testbed, options.seconds) for _ in range(options.runs + 1)][1:]
    peak = statistics.median(run.rate for run in peaks)
    offered, recovery = asyncio.run(_run_overload(testbed, peak, options))
    peak_ratio = (offered.answered / offered.seconds) / peak
    return [
        Row(
            f"orders at {OVERLOAD_FACTOR} times the peak of {peak:.0f}/s "
            f"({CONNECTIONS:,} connections)",
            f"{offered.requests / offered.seconds:.0f}/s offered, "
            f"{offered.rate:.0f}/s accepted: {peak_ratio:.2f} of the peak; "
            f"statuses {offered.statuses}, "
            f"{offered.unretried} of the 503 without Retry-After, {offered.broken} broken; "
            f"p50 {offered.p50:.0f} ms, p99 {offered.p99:.0f} ms; "
            f"recovered after {recovery:.1f} s",
            figure=f"{peak_ratio:.2f} of the peak, recovered after {recovery:.1f} s",
            target=f"{MIN_PEAK_RATIO:g} of the peak, 503 and Retry-After, recovered within 5 s",
            met=peak_ratio >= MIN_PEAK_RATIO
            and not offered.unretried
            and not offered.broken
            and set(offered.statuses) <= {"201", "503"}
            and recovery < 5,
        )
    ]


async def _run_overload(testbed: Testbed, peak: float, options: Options) -> tuple[Load, float]:
    seconds = options.seconds * (1 if options.quick else 3)
    rate = peak * OVERLOAD_FACTOR
    tickets = testbed.insert_tickets(int(seconds * rate * 1.1))
    requests = order_requests(tickets)
    probes = zip(testbed.insert_tickets(1_000), session_cookies(1_000), strict=True)
    offered = await asyncio.to_thread(
        load, testbed.port["orders"], requests, seconds, connections=CONNECTIONS, rate=rate
    )
    ended_at = time.perf_counter()
    response_times: list[float] = []
    async with Connection.open(testbed.port["orders"]) as connection:
        while time.perf_counter() - ended_at < 30:
            ticket, cookie = next(probes)
            response = await connection.send("POST", "/api/orders", {"ticketId": ticket}, cookie)
            response_times = [*response_times, response.seconds] if response.status == 201 else []
            if len(response_times) >= 10 and quantile(response_times[-10:], 0.9) < FAST_SECONDS:
                break
            await asyncio.sleep(0.02)
    return offered, time.perf_counter() - ended_at
