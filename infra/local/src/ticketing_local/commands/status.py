"""`make status`: health, backlog and dead letters of the running stack on one screen."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ticketing_local.stack import client, ports, readiness, replica_set
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.plan import MAX_REPLICAS
from ticketing_local.stack.ports import REPLICA_PORT_OFFSET, SERVICES

METRICS_TIMEOUT_SECONDS: Final = 3.0
PUBLISHED_BY_COMPOSE: Final = ("gateway", "stripe")
OUTBOX_WARNING_SECONDS: Final = 10
"""A relay normally publishes within a second."""
COLUMNS: Final = {
    "outbox": "outbox_pending_aggregates",
    "oldest (s)": "outbox_age_seconds",
    "pending": "jetstream_consumer_num_pending",
    "unacked": "jetstream_consumer_ack_pending",
    "dead letters": "dead_letters",
    "documents": "mongo_documents",
}


@dataclass(frozen=True)
class Component:
    """One process: its health and its metrics."""

    name: str
    healthy: bool
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def service(self) -> str:
        """The service that this process is a replica or worker of."""
        return {"worker": "expiration", "mailer": "auth"}.get(
            self.name, self.name.partition("-")[0]
        )


def collect(environ: Mapping[str, str]) -> list[Component]:
    """Check in parallel every component that `make start` runs with this environment."""
    port = ports.resolve_ports(environ)
    replicas = ports.read_int(environ, "REPLICAS", 1, maximum=MAX_REPLICAS)
    base_urls = {name: f"http://127.0.0.1:{number}" for name, number in port.items()}
    checks = {
        "gateway": readiness.http_ok(f"{base_urls['gateway']}/api/tickets"),
        "client": readiness.http_ok(f"{base_urls['client']}/healthz"),
        "mongod": replica_set.is_primary(port["mongod"]),
        "nats": readiness.nats_jetstream(port["nats"]),
        "redis": readiness.redis_responds(port["redis"]),
        "stripe": readiness.http_ok(f"{base_urls['stripe']}/_local/health"),
        "mail": readiness.http_ok(f"{base_urls['mail']}/_local/health"),
    }
    if not client.enabled(environ):
        del checks["client"]
    if environ.get("STRIPE_KEY"):  # the real Stripe
        del checks["stripe"]
    if environ.get("SMTP_URL"):  # a real mail server
        del checks["mail"]
    services = {
        f"{name}-{n + 1}" if n else name: f"http://127.0.0.1:{port[name] + n * REPLICA_PORT_OFFSET}"
        for name in SERVICES
        for n in range(replicas)
    }
    with ThreadPoolExecutor(len(checks) + len(services) + 2) as pool:
        health = {name: pool.submit(check) for name, check in checks.items()}
        metrics = [pool.submit(_service, name, base) for name, base in services.items()]
        metrics += [
            pool.submit(_read_metrics, name, base_urls[name]) for name in ("worker", "mailer")
        ]
        return [
            *(Component(name, future.result()) for name, future in health.items()),
            *(future.result() for future in metrics),
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


def render(components: Sequence[Component]) -> str:
    """Return the components as a table, followed by suggestions."""
    rows = [["", "", "version", *COLUMNS]]
    for component in components:
        state = "UP" if component.healthy else "DOWN"
        numbers = [
            f"{component.metrics[metric]:.0f}" if metric in component.metrics else ""
            for metric in COLUMNS.values()
        ]
        rows.append([component.name, state, _version(component.service), *numbers])
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)  # noqa: PLR2004 - three of text
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *suggestions(components)])


def suggestions(components: Sequence[Component]) -> list[str]:
    """Return what needs attention, and where to read about it."""
    if not any(part.healthy for part in components if part.name not in PUBLISHED_BY_COMPOSE):
        return ["No process of `make start` is running. For Compose, run: docker compose ps"]
    messages = [f"{part.name} is down" for part in components if not part.healthy]
    for service in SERVICES:
        metrics = [part.metrics for part in components if part.service == service]
        dead = max((m.get("dead_letters", 0) for m in metrics), default=0)
        oldest = max((m.get("outbox_age_seconds", 0) for m in metrics), default=0)
        if dead:
            messages.append(f"{service} has {dead:.0f} dead letters: make dead-letters")
        if oldest > OUTBOX_WARNING_SECONDS:
            messages.append(f"{service} has an event unpublished for {oldest:.0f} s")
    return [*messages, "See docs/operations.md."] if messages else ["All components are healthy."]


def _version(service: str) -> str:
    file = ROOT / "services" / service / "deploy" / "version.json"
    return str(json.loads(file.read_text())["version"]) if file.exists() else ""
