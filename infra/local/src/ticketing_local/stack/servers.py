"""The third-party servers, with the settings for development and tests."""

import re
import sys
from dataclasses import replace
from pathlib import Path

from payments.stripe.mapping import ACCOUNT_EVENT_TYPES, WEBHOOK_EVENT_TYPES
from ticketing_local.stack import binaries, mongo_set_up, nats_set_up, readiness, replica_set
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets

REDIS_PASSWORD = "redis"  # noqa: S105 - the name of the stored secret
NATS_ACCOUNTS = ROOT / "infra" / "nats" / "accounts.conf"
SNAPSHOT_HISTORY_SECONDS = 0
"""How long mongod retains what is overwritten. Only a backup reads it, and asks for more."""
SYNC_ALWAYS = "always"
SYNC_EVERY_2_MINUTES = "2m"


def mongod(port: int, data: Path, secrets: StoredSecrets, cache_gigabytes: float = 0.5) -> Program:
    """Return a one-node replica set, which majority writes and change streams need."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(binaries.find(binaries.MONGOD), "--quiet"),
        *("--replSet", replica_set.NAME, "--dbpath", data),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
        *("--keyFile", secrets.file("mongo-keyfile")),  # turns authentication on
        # CVE-2025-14847: the wheel's version discloses memory to compressed messages.
        *("--networkMessageCompressors", "disabled"),
        *("--wiredTigerCacheSizeGB", str(cache_gigabytes), "--oplogSize", "512"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", f"minSnapshotHistoryWindowInSeconds={SNAPSHOT_HISTORY_SECONDS}"),
        # A stop would otherwise wait for another node to take over.
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    )
    return Program(
        "mongod",
        command,
        port,
        replica_set.is_primary(port),
        stop_seconds=60,
        set_up=mongo_set_up.set_up(port, secrets),
    )


def mongo_url(port: int, database: str = "") -> str:
    """Return the URL for a service, which authenticates with its own user and password."""
    return f"mongodb://127.0.0.1:{port}/{database}?replicaSet={replica_set.NAME}"


def mongo_url_as(user: str, port: int, secrets: StoredSecrets, database: str = "") -> str:
    """Return the URL with a user's name and password, for commands and tests."""
    password = secrets.read(mongo_set_up.secret_name(user))
    query = f"replicaSet={replica_set.NAME}&authSource=admin"
    return f"mongodb://{user}:{password}@127.0.0.1:{port}/{database}?{query}"


def nats(
    port: int,
    data: Path,
    sync_interval: str = SYNC_ALWAYS,
    secrets: StoredSecrets | None = None,
) -> Program:
    """Return a nats-server with JetStream. A power failure loses what was not yet synced.

    Args:
        port: where it listens.
        data: the folder of its streams.
        sync_interval: how often it syncs them to the disk.
        secrets: the passwords of its users. Without them, every client may do everything, and
            nothing is declared.
    """
    data.mkdir(parents=True, exist_ok=True)
    lines = [
        f"listen: 127.0.0.1:{port}",
        "server_name: local",
        f"jetstream: {{store_dir: {_quote(str(data))}, sync_interval: {_quote(sync_interval)}}}",
    ]
    config = data / "nats.conf"
    config.write_text("\n".join([*lines, NATS_ACCOUNTS.read_text() if secrets else ""]))
    command = (binaries.find(binaries.NATS), "--config", config)
    program = Program("nats", command, port, readiness.nats_jetstream(port))
    if secrets is None:
        return program
    _move_streams_of_earlier_versions(data / "jetstream")
    return replace(
        program,
        environment=nats_set_up.passwords(secrets),
        set_up=nats_set_up.set_up(port, secrets),
    )


def _quote(text: str) -> str:
    """Return a string of NATS's configuration, which has fewer escapes than JSON."""
    escaped = re.sub(r'[\x00-\x1f"\\]', lambda found: f"\\x{ord(found[0]):02x}", text)
    return f'"{escaped}"'


def nats_url_as(user: str, port: int, secrets: StoredSecrets) -> str:
    """Return the URL with a user's name and password, for commands and tests."""
    return f"nats://{user}:{secrets.read(nats_set_up.secret_name(user))}@127.0.0.1:{port}"


def _move_streams_of_earlier_versions(folder: Path) -> None:
    """Move the streams from the account `$G`, where they were before NATS had users."""
    if (folder / "$G").exists() and not (folder / "bus").exists():
        (folder / "$G").rename(folder / "bus")


def nats_url(port: int) -> str:
    """Return the URL for a service, which authenticates with its own user and password."""
    return f"nats://127.0.0.1:{port}"


def redis(port: int, data: Path, secrets: StoredSecrets, databases: int = 16) -> Program:
    """Return a Redis without persistence, because its timers can be restored from MongoDB."""
    data.mkdir(parents=True, exist_ok=True)
    password = secrets.read(REDIS_PASSWORD)
    config = secrets.folder / "redis.conf"  # `ps` would show an argument
    config.touch(mode=0o600)
    config.write_text(f"requirepass {password}\n")
    command = (
        *(binaries.find(binaries.REDIS), config),
        *("--bind", "127.0.0.1", "--port", str(port), "--dir", data),
        *("--save", "", "--appendonly", "no", "--databases", str(databases)),
        *("--set-proc-title", "no"),  # a new title would overwrite the variables `orphans` reads
    )
    return Program("redis", command, port, readiness.redis_responds(port))


def redis_url_with_password(port: int, secrets: StoredSecrets) -> str:
    """Return the URL with the password, for tests."""
    return f"redis://:{secrets.read(REDIS_PASSWORD)}@127.0.0.1:{port}"


def mail(port: int, smtp_port: int, data: Path) -> Program:
    """Return the local mail server, which shows the letters that it receives."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(sys.executable, "-m", "mail_local"),
        *("--port", str(port), "--smtp-port", str(smtp_port), "--db", data / "mail.sqlite"),
    )
    health = readiness.http_ok(f"http://127.0.0.1:{port}/_local/health")
    return Program("mail", command, port, health, second_port=("smtp", smtp_port))


def stripe(port: int, data: Path, webhook_url: str = "", secret: str = "") -> Program:
    """Return the local Stripe server. It sends webhooks to the URL, signed with the secret."""
    data.mkdir(parents=True, exist_ok=True)
    events = ",".join(sorted(WEBHOOK_EVENT_TYPES | ACCOUNT_EVENT_TYPES))
    command = (
        *(sys.executable, "-m", "stripe_local", "--port", str(port)),
        *("--public", f"http://localhost:{port}"),  # the origin of stripe.js, which pages allow
        *("--db", data / "stripe.sqlite"),
        *(("--hook", webhook_url, "--events", events) if webhook_url else ()),
    )
    health = readiness.http_ok(f"http://127.0.0.1:{port}/_local/health")
    return Program("stripe", command, port, health, {"STRIPE_WEBHOOK_SECRET": secret})
