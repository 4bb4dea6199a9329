"""The third-party servers, with the settings for development and tests."""

import json
import sys
from pathlib import Path

from payments.stripe.mapping import WEBHOOK_EVENT_TYPES
from ticketing_local.stack import binaries, readiness, replica_set
from ticketing_local.stack.program import Program

SYNC_ALWAYS = "always"
SYNC_EVERY_2_MINUTES = "2m"


def mongod(port: int, data: Path, cache_gigabytes: float = 0.5) -> Program:
    """Return a one-node replica set, which majority writes and change streams need."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(binaries.find(binaries.MONGOD), "--quiet"),
        *("--replSet", replica_set.NAME, "--dbpath", data),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
        *("--wiredTigerCacheSizeGB", str(cache_gigabytes), "--oplogSize", "512"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # A stop would otherwise wait for another node to take over.
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    )
    return Program("mongod", command, port, replica_set.is_primary(port), stop_seconds=60)


def mongo_url(port: int, database: str = "") -> str:
    """Return the URL for a driver."""
    return f"mongodb://127.0.0.1:{port}/{database}?replicaSet={replica_set.NAME}"


def nats(port: int, data: Path, sync_interval: str = SYNC_ALWAYS) -> Program:
    """Return a nats-server with JetStream. A power failure loses what was not yet synced."""
    data.mkdir(parents=True, exist_ok=True)
    jetstream = {"store_dir": str(data), "sync_interval": sync_interval}
    settings = {"listen": f"127.0.0.1:{port}", "server_name": "local", "jetstream": jetstream}
    config = data / "nats.conf"
    config.write_text(json.dumps(settings, indent=2))
    command = (binaries.find(binaries.NATS), "--config", config)
    return Program("nats", command, port, readiness.nats_jetstream(port))


def nats_url(port: int) -> str:
    """Return the URL for a client."""
    return f"nats://127.0.0.1:{port}"


def redis(port: int, data: Path, databases: int = 16) -> Program:
    """Return a Redis without persistence, because its timers can be restored from MongoDB."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(binaries.find(binaries.REDIS), "--bind", "127.0.0.1", "--port", str(port), "--dir", data),
        *("--save", "", "--appendonly", "no", "--databases", str(databases)),
        *("--set-proc-title", "no"),  # a new title would overwrite the variables `orphans` reads
    )
    return Program("redis", command, port, readiness.redis_pong(port))


def stripe(port: int, data: Path, webhook_url: str = "", secret: str = "") -> Program:
    """Return the local Stripe server. It sends webhooks to the URL, signed with the secret."""
    data.mkdir(parents=True, exist_ok=True)
    events = ",".join(sorted(WEBHOOK_EVENT_TYPES))
    command = (
        *(sys.executable, "-m", "stripe_local", "--port", str(port)),
        *("--db", data / "stripe.sqlite"),
        *(("--hook", webhook_url, "--events", events) if webhook_url else ()),
    )
    health = readiness.http_ok(f"http://127.0.0.1:{port}/_local/health")
    return Program("stripe", command, port, health, {"STRIPE_WEBHOOK_SECRET": secret})
