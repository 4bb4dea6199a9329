"""What one purchase does: statements of MongoDB, events, deliveries, calls of Stripe."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Self

import nats
import uvloop

from benchmarks.counting_proxy import CountingProxy
from benchmarks.measure import Options, Row
from benchmarks.purchase import buy
from benchmarks.testbed import Testbed, session_cookies
from ticketing_local.errors import CliError
from ticketing_local.stack.ports import SERVICES

PURCHASES, QUICK_PURCHASES = 500, 20
WARM_UP_PURCHASES: Final = 100
TIMEOUT_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 2.0
"""More than the interval in which published events are removed from their outboxes."""
LEAST: Final = 0.05
"""Per purchase. Less is what was not evenly spread over time of the work in the background."""
OPERATIONS: Final = {"query": "find", "getmore": "find"}
"""Names of the profiler that differ from those of the commands."""

Counts = Mapping[str, float]


def purchase_work(testbed: Testbed, options: Options) -> list[Row]:
    """Count what is done for purchases of different buyers, without what is done when idle."""
    count = QUICK_PURCHASES if options.quick else PURCHASES
    with CountingProxy(testbed.port["stripe"]) as stripe:
        testbed.start_all(STRIPE_API_BASE=f"http://127.0.0.1:{stripe.port}")
        tickets = iter(testbed.insert_tickets(WARM_UP_PURCHASES + count))
        _purchase(testbed, list(islice(tickets, WARM_UP_PURCHASES)))
        idle = _Work.measure(testbed, lambda: time.sleep(IDLE_SECONDS))
        stripe.calls.clear()
        work = _Work.measure(testbed, lambda: _purchase(testbed, list(tickets)))
    return _rows(work.without(idle, count), _per(count, stripe.calls))


@dataclass(frozen=True)
class _Work:
    """What was done in some time."""

    seconds: float
    statements: Counter[str]
    commands: Counter[str]
    events: Counter[str]
    deliveries: Counter[str]

    @classmethod
    def measure(cls, testbed: Testbed, work: Callable[[], object]) -> Self:
        """Count what is done while `work` runs."""
        commands, bus = testbed.count_commands(), asyncio.run(_bus_counts(testbed))
        testbed.start_profiling(SERVICES)
        started_at = time.monotonic()
        work()
        seconds = time.monotonic() - started_at
        statements = _statements(testbed.stop_profiling(SERVICES))
        commands = testbed.count_commands() - commands
        events, deliveries = (
            new - old for new, old in zip(asyncio.run(_bus_counts(testbed)), bus, strict=True)
        )
        return cls(seconds, statements, commands, events, deliveries)

    def without(self, idle: Self, count: int) -> dict[str, Counts]:
        """Return the counts divided by `count`, without those of the same time when idle."""
        share = self.seconds / idle.seconds
        pairs = {
            "statements": (self.statements, idle.statements),
            "commands": (self.commands, idle.commands),
            "events": (self.events, idle.events),
            "deliveries": (self.deliveries, idle.deliveries),
        }
        return {
            name: {
                key: each
                for key, n in own.most_common()
                if (each := (n - background[key] * share) / count) >= LEAST
            }
            for name, (own, background) in pairs.items()
        }


def _rows(work: Mapping[str, Counts], calls: Counts) -> list[Row]:
    by_collection: dict[str, dict[str, float]] = {}
    for name, count in work["statements"].items():
        collection, _, operation = name.partition(" ")
        by_collection.setdefault(collection, {})[operation] = count
    rows = [
        Row(f"MongoDB, {collection}", _describe(counts))
        for collection, counts in sorted(by_collection.items())
    ]
    statements, commands = (sum(work[name].values()) for name in ("statements", "commands"))
    rows.append(
        Row(
            "MongoDB, all collections",
            f"{statements:.1f} statements, in {commands:.1f} commands, which carry statements of "
            f"several purchases: {_describe(work['commands'])}",
        )
    )
    for name, counts in (
        ("events", work["events"]),
        ("deliveries of events to consumers", work["deliveries"]),
        ("calls of Stripe", calls),
    ):
        rows.append(Row(name, f"{sum(counts.values()):.1f}: {_describe(counts)}"))
    return rows


def _per(paid: int, counts: Counter[str]) -> dict[str, float]:
    return {name: n / paid for name, n in counts.most_common()}


def _describe(counts: Counts) -> str:
    return ", ".join(f"{name} {count:.1f}" for name, count in counts.items())


def _purchase(testbed: Testbed, tickets: Sequence[str]) -> None:
    """Sell tickets, and wait until all that follows is done."""
    ports = {service: testbed.port[service] for service in ("tickets", "orders", "payments")}
    sold = testbed.count("tickets", "tickets", status="sold") + len(tickets)
    result = uvloop.run(buy(ports, tickets, session_cookies(len(tickets)), TIMEOUT_SECONDS))
    if len(result.purchase_seconds) < len(tickets):
        raise CliError(f"a purchase failed: {[*result.failures, 'too slow'][0]}")
    testbed.wait_until(lambda: testbed.count("tickets", "tickets", status="sold") == sold)
    time.sleep(SETTLE_SECONDS)


def _statements(profile: Sequence[dict[str, Any]]) -> Counter[str]:
    """Count the statements by collection. Those of one bulk write are profiled singly."""
    counts: Counter[str] = Counter()
    for entry in profile:
        operation = entry["op"]
        if operation == "command":
            operation = next(iter(entry["command"]), operation)
        operation = OPERATIONS.get(operation, operation)
        if not entry["ns"].endswith((".system.profile", ".$cmd")):
            counts[f"{entry['ns']} {operation}"] += entry.get("ninserted", 1)
    return counts


async def _bus_counts(testbed: Testbed) -> tuple[Counter[str], Counter[str]]:
    """Return the stored events by subject, and the deliveries by durable consumer."""
    events: Counter[str] = Counter()
    deliveries: Counter[str] = Counter()
    client = await nats.connect(testbed.system.nats)
    try:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            name = stream.config.name or ""
            found = await jetstream.stream_info(name, subjects_filter=">")
            events.update(found.state.subjects or {})
            for consumer in await jetstream.consumers_info(name):
                delivered = consumer.delivered.consumer_seq if consumer.delivered else 0
                deliveries[consumer.name] = delivered
    finally:
        await client.close()
    return events, deliveries
