"""`make status`: one screen of the running system: who is well, what waits, what was given up."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ticketing_local.errors import CliError
from ticketing_local.stack import client, ports, readiness, replica_set
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.plan import MAX_REPLICAS
from ticketing_local.stack.ports import REPLICA_PORT_OFFSET, SERVICES

METRICS_TIMEOUT_SECONDS: Final = 3.0
PUBLISHED_BY_COMPOSE: Final = ("gateway", "stripe")
OUTBOX_WARNING_SECONDS: Final = 10
"""A living relay publishes within a second; what has waited this long waits for something."""


@dataclass(frozen=True)
class Component:
    """One process: its name, whether it is well, and what it measures."""

    name: str
    healthy: bool
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def service(self) -> str:
        """Whose replica it is."""
        return "expiration" if self.name == "worker" else self.name.partition("-")[0]


def collect(environ: Mapping[str, str]) -> list[Component]:
    """Look at every part at once: those that `make start` starts with this environment."""
    port = ports.resolve_ports(environ)
    replicas = ports.read_int(environ, "REPLICAS", 1, maximum=MAX_REPLICAS)
    base_urls = {name: f"http://127.0.0.1:{number}" for name, number in port.items()}
    checks = {
        "gateway": readiness.http_ok(f"{base_urls['gateway']}/api/tickets"),
        "client": readiness.http_ok(f"{base_urls['client']}/healthz"),
        "mongod": replica_set.is_primary(port["mongod"]),
        "nats": readiness.nats_jetstream(port["nats"]),
        "redis": readiness.redis_pong(port["redis"]),
        "stripe": readiness.http_ok(f"{base_urls['stripe']}/_local/health"),
    }
    if not client.enabled(environ):
        del checks["client"]
    if environ.get("STRIPE_KEY"):  # the real one
        del checks["stripe"]
    services = {
        f"{name}-{n + 1}" if n else name: f"http://127.0.0.1:{port[name] + n * REPLICA_PORT_OFFSET}"
        for name in SERVICES
        for n in range(replicas)
    }
    with ThreadPoolExecutor(len(checks) + len(services) + 1) as pool:
        health = {name: pool.submit(check) for name, check in checks.items()}
        service_futures = [pool.submit(_service, name, base) for name, base in services.items()]
        service_futures.append(pool.submit(_read_metrics, "worker", base_urls["worker"]))
        return [
            *(Component(name, future.result()) for name, future in health.items()),
            *(answer.result() for answer in service_futures),
        ]


def _service(name: str, base: str) -> Component:
    if not readiness.http_ok(f"{base}/readyz")():
        return Component(name, healthy=False)
    return _read_metrics(name, base)


def _read_metrics(name: str, base: str) -> Component:
    try:
        text = httpx.get(f"{base}/metrics", timeout=METRICS_TIMEOUT_SECONDS, trust_env=False).text
    except httpx.HTTPError:
        return Component(name, healthy=False)
    sums: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "outbox_age_seconds":
                sums[sample.name] = max(sums[sample.name], sample.value)
            else:
                sums[sample.name] += sample.value
    return Component(name, healthy=True, metrics=sums)


COLUMNS: Final = {
    "waits in outbox": "outbox_pending_aggregates",
    "oldest, s": "outbox_age_seconds",
    "to be heard": "jetstream_consumer_num_pending",
    "in hand": "jetstream_consumer_ack_pending",
    "dead letters": "dead_letters",
    "stored": "mongo_documents",
}


def render(components: Sequence[Component]) -> str:
    """Write it all on one screen."""
    rows = [["", "", "version", *COLUMNS]]
    for component in components:
        numbers = [
            f"{component.metrics[metric]:.0f}" if metric in component.metrics else ""
            for metric in COLUMNS.values()
        ]
        rows.append(
            [
                component.name,
                "well" if component.healthy else "AWAY",
                _version(component.service),
                *numbers,
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            [*(cell.ljust(w) for cell, w in zip(row[:3], widths, strict=False))]
            + [cell.rjust(w) for cell, w in zip(row[3:], widths[3:], strict=True)]
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *suggestions(components)])


def suggestions(components: Sequence[Component]) -> list[str]:
    """Say what somebody should do something about, and where it is written how."""
    if not any(
        component.healthy for component in components if component.name not in PUBLISHED_BY_COMPOSE
    ):
        return ["No process of `make start` is running. For Compose, run: docker compose ps"]
    messages = [f"{part.name} is away" for part in components if not part.healthy]
    for service in SERVICES:
        metrics = [part.metrics for part in components if part.service == service]
        dead = max((m.get("dead_letters", 0) for m in metrics), default=0)
        oldest = max((m.get("outbox_age_seconds", 0) for m in metrics), default=0)
        if dead:
            messages.append(f"{service} has {dead:.0f} dead letters: make dead-letters")
        if oldest > OUTBOX_WARNING_SECONDS:
            messages.append(
                f"{service} has an event that could not be published for {oldest:.0f} s"
            )
    return [*messages, "See docs/operations.md."] if messages else ["All is well."]


def _version(service: str) -> str:
    file = ROOT / "services" / service / "deploy" / "version.json"
    return str(json.loads(file.read_text())["version"]) if file.exists() else ""


if __name__ == "__main__":
    try:
        components = collect(os.environ)
        print(render(components))
        sys.exit(0 if all(part.healthy for part in components) else 1)
    except CliError as error:
        sys.exit(str(error))
