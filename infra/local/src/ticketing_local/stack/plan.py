"""The programs of the stack, their start order and their environment."""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ticketing_local.stack import (
    client,
    environment,
    gateway,
    mongo_set_up,
    nats_set_up,
    ports,
    readiness,
    servers,
    vault_keys,
)
from ticketing_local.stack.paths import BIN, Home
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets, read_or_create

MAX_REPLICAS = 9


@dataclass(frozen=True)
class Plan:
    """The programs, in groups that are started in this order and stopped in reverse order."""

    groups: Mapping[str, list[Program]]
    address: str
    environ: Mapping[str, str]
    """The settings of this run."""

    @property
    def programs(self) -> list[Program]:
        """All programs in start order."""
        return [program for group in self.groups.values() for program in group]


def plan(home: Home, environ: Mapping[str, str]) -> Plan:
    """Return the programs for this data folder and environment."""
    port = ports.resolve_ports(environ)
    replicas = ports.read_int(environ, "REPLICAS", 1, maximum=MAX_REPLICAS)
    upstreams = {
        name: [port[name] + ports.REPLICA_PORT_OFFSET * n for n in range(replicas)]
        for name in ports.SERVICES
    }
    stripe = _local_stripe(port["stripe"], environ)
    secrets = StoredSecrets(home.secrets)
    environments = service_environments(home, environ, stripe)
    services = [
        _service(f"{name}.app", f"{name}-{n + 1}" if n else name, replica_port, environments[name])
        for name in ports.SERVICES
        for n, replica_port in enumerate(upstreams[name])
    ]
    with ThreadPoolExecutor() as pool:  # both take long the first time
        building = pool.submit(_client_programs, port, environ)
        stores = _stores(home, port, secrets, stripe, environ)
        client_programs = building.result()
    worker = _service("expiration.worker", "worker", port["worker"], environments["expiration"])
    mailer = _service("auth.mailer", "mailer", port["mailer"], environments["mailer"])
    client_port = client_programs[0].port if client_programs else None
    listeners = gateway.Listeners(port["gateway"], port["internal"])
    groups = {
        "stores": stores,
        "services": [*services, worker, mailer, *client_programs],
        "gateway": [
            gateway.caddy(
                listeners,
                home.data / "caddy",
                upstreams,
                client_port,
                gateway.MailPorts(port["mail"], port["mailer"])
                if _has_local_mail(environ)
                else None,
            )
        ],
    }
    return Plan(groups, f"http://localhost:{port['gateway']}", environ)


def service_environments(
    home: Home, environ: Mapping[str, str], stripe: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    """Return the environment of each service. `stripe` are the settings of the local Stripe."""
    port = ports.resolve_ports(environ)
    secrets = StoredSecrets(home.secrets)
    if stripe is None:
        stripe = _local_stripe(port["stripe"], environ)
    replicas = ports.read_int(environ, "REPLICAS", 1, maximum=MAX_REPLICAS)
    lame_duck = {"LAME_DUCK_SECONDS": str(gateway.LAME_DUCK_SECONDS)} if replicas > 1 else {}
    stored = {
        "JWT_KEY": read_or_create(home.jwt_key),
        "LETTER_KEY": secrets.read("letter-key"),
        **vault_keys.stored_keys(secrets, environ),
    }
    overrides = dict(environ) | {
        name: value for name, value in (stored | lame_duck).items() if not environ.get(name)
    }
    return {
        name: environment.for_service(
            name, overrides, _fixed_environment(name, port, secrets, stripe, environ)
        )
        for name in (*ports.SERVICES, "mailer")
    }


def _has_local_mail(environ: Mapping[str, str]) -> bool:
    """Return whether mail goes to the local mail server, because no other one is named."""
    return not environ.get("SMTP_URL")


def _local_stripe(port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that make payments use the local Stripe server, unless there is a key."""
    if environ.get("STRIPE_KEY"):
        return {}
    return {
        "STRIPE_KEY": "sk_test_local",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "STRIPE_API_BASE": f"http://127.0.0.1:{port}",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_local",
        "STRIPE_JS_URL": f"http://localhost:{port}/endive/stripe.js",
    }


def _fixed_environment(
    name: str,
    port: Mapping[str, int],
    secrets: StoredSecrets,
    stripe: Mapping[str, str],
    environ: Mapping[str, str],
) -> dict[str, str]:
    web_client = {"PUBLIC_URL": f"http://localhost:{port['gateway']}"}
    local_mail = {
        "SMTP_URL": f"smtp://127.0.0.1:{port['smtp']}",
        "LETTER_PREVIEW": "true" if _has_local_mail(environ) else "false",
        **web_client,
    }
    specific = {
        "auth": {key: value for key, value in web_client.items() if not environ.get(key)},
        "mailer": {key: value for key, value in local_mail.items() if not environ.get(key)},
        "expiration": {
            "REDIS_URL": f"redis://127.0.0.1:{port['redis']}",
            "REDIS_PASSWORD": secrets.read(servers.REDIS_PASSWORD),
        },
        "payments": {
            **stripe,
            **{key: value for key, value in web_client.items() if not environ.get(key)},
        },
    }
    user = "auth" if name == "mailer" else name
    return {
        "MONGO_URI": servers.mongo_url(port["mongod"], user),
        "MONGO_PASSWORD": secrets.read(mongo_set_up.secret_name(user)),
        "NATS_URL": servers.nats_url(port["nats"]),
        "NATS_PASSWORD": secrets.read(nats_set_up.secret_name(user)),
        **specific.get(name, {}),
    }


def _stores(
    home: Home,
    port: Mapping[str, int],
    secrets: StoredSecrets,
    stripe: Mapping[str, str],
    environ: Mapping[str, str],
) -> list[Program]:
    interval = environ.get("NATS_SYNC_INTERVAL") or servers.SYNC_ALWAYS
    factories: list[Callable[[], Program]] = [
        lambda: servers.mongod(port["mongod"], home.data / "mongo", secrets),
        lambda: servers.nats(port["nats"], home.data / "nats", interval, secrets),
        lambda: servers.redis(port["redis"], home.data / "redis", secrets),
    ]
    if stripe:
        webhook_url = f"http://127.0.0.1:{port['gateway']}/api/payments/webhook"
        secret = stripe["STRIPE_WEBHOOK_SECRET"]
        factories.append(
            lambda: servers.stripe(port["stripe"], home.data / "stripe", webhook_url, secret)
        )
    if _has_local_mail(environ):
        factories.append(lambda: servers.mail(port["mail"], port["smtp"], home.data / "mail"))
    with ThreadPoolExecutor() as pool:  # the first time, binaries are downloaded
        return [future.result() for future in [pool.submit(factory) for factory in factories]]


def _client_programs(port: Mapping[str, int], environ: Mapping[str, str]) -> list[Program]:
    if not client.enabled(environ):
        return []
    return [client.program(port["client"], port["internal"], environ)]


def _service(app: str, name: str, port: int, env: Mapping[str, str]) -> Program:
    command = (
        *(BIN / "uvicorn", f"{app}:create_app", "--factory", "--host", "127.0.0.1"),
        *("--port", str(port), "--no-access-log", "--no-server-header"),
        *("--no-proxy-headers", "--timeout-graceful-shutdown", "20"),
        *("--timeout-keep-alive", "65"),  # longer than the gateway keeps a connection
    )
    is_ready = readiness.http_ok(f"http://127.0.0.1:{port}/readyz")
    return Program(name, command, port, is_ready, env, stop_seconds=30)
