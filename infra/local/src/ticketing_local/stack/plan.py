"""What runs, in which order, and what each program is told."""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ticketing_local.stack import client, environment, gateway, ports, readiness, servers
from ticketing_local.stack.paths import BIN, Home
from ticketing_local.stack.program import Program

MOST_REPLICAS = 9


@dataclass(frozen=True)
class Plan:
    """The programs in groups: a group starts when the one before is ready, and stops before it."""

    groups: Mapping[str, list[Program]]
    address: str

    @property
    def programs(self) -> list[Program]:
        """Every program, in the order of starting."""
        return [program for group in self.groups.values() for program in group]


def plan(home: Home, caller: Mapping[str, str]) -> Plan:
    """Decide what runs, from the caller's environment and the data folder."""
    port = ports.chosen(caller)
    replicas = ports.number(caller, "REPLICAS", 1, most=MOST_REPLICAS)
    upstreams = {
        name: [port[name] + ports.NEXT_REPLICA * n for n in range(replicas)]
        for name in ports.SERVICES
    }
    stripe = _local_stripe(port["stripe"], caller)
    notice = {"STOP_NOTICE_SECONDS": str(gateway.STOP_NOTICE_SECONDS)} if replicas > 1 else {}
    signing = {"JWT_KEY": environment.jwt_key(home.jwt_key)} | notice | dict(caller)
    told = {
        name: environment.of_service(name, signing, _fixed(name, port, stripe))
        for name in ports.SERVICES
    }
    services = [
        _service(name, n, its, told[name])
        for name in ports.SERVICES
        for n, its in enumerate(upstreams[name])
    ]
    with ThreadPoolExecutor() as pool:  # the first time, both take a while
        building = pool.submit(_client, port, caller)
        stores = _stores(home, port, stripe, caller)
        clients = building.result()
    at = clients[0].port if clients else None
    groups = {
        "stores": stores,
        "services": [*services, _worker(port["worker"], told["expiration"]), *clients],
        "gateway": [gateway.caddy(port["gateway"], home.data / "caddy", upstreams, at)],
    }
    return Plan(groups, f"http://localhost:{port['gateway']}")


def _local_stripe(port: int, caller: Mapping[str, str]) -> dict[str, str]:
    """Without a key of the caller's, payments talks to the stand-in and trusts its events."""
    if caller.get("STRIPE_KEY"):
        return {}
    return {
        "STRIPE_KEY": "sk_test_local",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_API_BASE": f"http://127.0.0.1:{port}",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_local",
        "STRIPE_JS_URL": f"http://localhost:{port}/endive/stripe.js",
    }


def _fixed(name: str, port: Mapping[str, int], stripe: Mapping[str, str]) -> dict[str, str]:
    own = {
        "expiration": {"REDIS_URL": f"redis://127.0.0.1:{port['redis']}"},
        "payments": stripe,
    }
    return {
        "MONGO_URI": servers.mongo_url(port["mongod"], name),
        "NATS_URL": f"nats://127.0.0.1:{port['nats']}",
        **own.get(name, {}),
    }


def _stores(
    home: Home, port: Mapping[str, int], stripe: Mapping[str, str], caller: Mapping[str, str]
) -> list[Program]:
    interval = caller.get("NATS_SYNC_INTERVAL") or servers.SYNC_ALWAYS
    wanted: list[Callable[[], Program]] = [
        lambda: servers.mongod(port["mongod"], home.data / "mongo"),
        lambda: servers.nats(port["nats"], home.data / "nats", interval),
        lambda: servers.redis(port["redis"], home.data / "redis"),
    ]
    if stripe:
        hook = f"http://127.0.0.1:{port['gateway']}/api/payments/webhook"
        secret = stripe["STRIPE_WEBHOOK_SECRET"]
        wanted.append(lambda: servers.stripe(port["stripe"], home.data / "stripe", hook, secret))
    with ThreadPoolExecutor() as pool:  # the first time, each may have to be fetched
        return [made.result() for made in [pool.submit(make) for make in wanted]]


def _client(port: Mapping[str, int], caller: Mapping[str, str]) -> list[Program]:
    return [client.program(port["client"], port["gateway"])] if client.wanted(caller) else []


def _service(name: str, replica: int, port: int, told: Mapping[str, str]) -> Program:
    command = (
        *(BIN / "uvicorn", f"{name}.app:create", "--factory", "--host", "127.0.0.1"),
        *("--port", str(port), "--no-access-log", "--no-server-header"),
        *("--timeout-graceful-shutdown", "20"),
        *("--timeout-keep-alive", "65"),  # longer than the gateway keeps a connection
    )
    return Program(
        f"{name}-{replica + 1}" if replica else name,
        command,
        port,
        readiness.http_ok(f"http://127.0.0.1:{port}/readyz"),
        told,
        stop_seconds=30,
    )


def _worker(port: int, told: Mapping[str, str]) -> Program:
    """The worker takes no requests, but it tells its metrics once it works."""
    address = f"127.0.0.1:{port}"
    return Program(
        "worker",
        (BIN / "arq", "expiration.jobs.Worker"),
        port,
        readiness.http_ok(f"http://{address}/metrics"),
        {**told, "EXPIRATION_METRICS_ADDRESS": address},
        stop_seconds=30,
    )
