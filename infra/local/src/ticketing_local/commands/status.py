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

from ticketing_local.errors import Trouble
from ticketing_local.stack import client, ports, readiness, replica_set
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.plan import MOST_REPLICAS
from ticketing_local.stack.ports import NEXT_REPLICA, SERVICES

PATIENCE: Final = 3.0
PUBLISHED_BY_COMPOSE: Final = ("gateway", "stripe")
OLD_SECONDS: Final = 10
"""A living relay publishes within a second; what has waited this long waits for something."""


@dataclass(frozen=True)
class Part:
    """One process: its name, whether it is well, and what it measures."""

    name: str
    well: bool
    measured: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def service(self) -> str:
        """Whose replica it is."""
        return "expiration" if self.name == "worker" else self.name.partition("-")[0]


def look(caller: Mapping[str, str]) -> list[Part]:
    """Look at every part at once: those that `make start` starts with this environment."""
    port = ports.chosen(caller)
    replicas = ports.number(caller, "REPLICAS", 1, most=MOST_REPLICAS)
    at = {name: f"http://127.0.0.1:{number}" for name, number in port.items()}
    checks = {
        "gateway": readiness.http_ok(f"{at['gateway']}/api/tickets"),
        "client": readiness.http_ok(f"{at['client']}/healthz"),
        "mongod": replica_set.primary(port["mongod"]),
        "nats": readiness.nats_jetstream(port["nats"]),
        "redis": readiness.redis_pong(port["redis"]),
        "stripe": readiness.http_ok(f"{at['stripe']}/_local/health"),
    }
    if not client.wanted(caller):
        del checks["client"]
    if caller.get("STRIPE_KEY"):  # the real one
        del checks["stripe"]
    services = {
        f"{name}-{n + 1}" if n else name: f"http://127.0.0.1:{port[name] + n * NEXT_REPLICA}"
        for name in SERVICES
        for n in range(replicas)
    }
    with ThreadPoolExecutor(len(checks) + len(services) + 1) as pool:
        well = {name: pool.submit(check) for name, check in checks.items()}
        seen = [pool.submit(_service, name, base) for name, base in services.items()]
        seen.append(pool.submit(_measured, "worker", at["worker"]))
        return [
            *(Part(name, answer.result()) for name, answer in well.items()),
            *(answer.result() for answer in seen),
        ]


def _service(name: str, base: str) -> Part:
    if not readiness.http_ok(f"{base}/readyz")():
        return Part(name, well=False)
    return _measured(name, base)


def _measured(name: str, base: str) -> Part:
    try:
        told = httpx.get(f"{base}/metrics", timeout=PATIENCE, trust_env=False).text
    except httpx.HTTPError:
        return Part(name, well=False)
    sums: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            if sample.name == "outbox_age_seconds":
                sums[sample.name] = max(sums[sample.name], sample.value)
            else:
                sums[sample.name] += sample.value
    return Part(name, well=True, measured=sums)


COLUMNS: Final = {
    "waits in outbox": "outbox_waiting",
    "oldest, s": "outbox_age_seconds",
    "to be heard": "bus_consumer_pending",
    "in hand": "bus_consumer_unacked",
    "dead letters": "bus_dead_letters_waiting",
    "stored": "store_documents",
}


def screen(parts: Sequence[Part]) -> str:
    """Write it all on one screen."""
    rows = [["", "", "version", *COLUMNS]]
    for part in parts:
        numbers = [
            f"{part.measured[of]:.0f}" if of in part.measured else "" for of in COLUMNS.values()
        ]
        rows.append([part.name, "well" if part.well else "AWAY", _version(part.service), *numbers])
    wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            [*(cell.ljust(w) for cell, w in zip(row[:3], wide, strict=False))]
            + [cell.rjust(w) for cell, w in zip(row[3:], wide[3:], strict=True)]
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *advice(parts)])


def advice(parts: Sequence[Part]) -> list[str]:
    """Say what somebody should do something about, and where it is written how."""
    if not any(part.well for part in parts if part.name not in PUBLISHED_BY_COMPOSE):
        return ["Nothing that make start starts is here; what Compose runs: docker compose ps"]
    found = [f"{part.name} is away" for part in parts if not part.well]
    for service in SERVICES:
        told = [part.measured for part in parts if part.service == service]
        dead = max((m.get("bus_dead_letters_waiting", 0) for m in told), default=0)
        old = max((m.get("outbox_age_seconds", 0) for m in told), default=0)
        if dead:
            found.append(f"{service} has {dead:.0f} dead letters: make dead-letters")
        if old > OLD_SECONDS:
            found.append(f"{service} has an event that could not be published for {old:.0f} s")
    return [*found, "See docs/operations.md."] if found else ["All is well."]


def _version(service: str) -> str:
    file = ROOT / "services" / service / "deploy" / "version.json"
    return str(json.loads(file.read_text())["version"]) if file.exists() else ""


if __name__ == "__main__":
    try:
        parts = look(os.environ)
        print(screen(parts))
        sys.exit(0 if all(part.well for part in parts) else 1)
    except Trouble as trouble:
        sys.exit(str(trouble))
