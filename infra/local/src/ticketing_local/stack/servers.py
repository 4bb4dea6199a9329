"""The servers that are not ours, with the settings that development and tests need."""

import json
import sys
from pathlib import Path

from ticketing_local.stack import binaries, readiness, replica_set
from ticketing_local.stack.program import Program

SYNC_ALWAYS = "always"
SYNC_EVERY_2_MINUTES = "2m"
WEBHOOK_EVENT_TYPES = (
    "payment_intent.succeeded,payment_intent.payment_failed,payment_intent.processing,"
    "payment_intent.requires_action,payment_intent.canceled,"
    "refund.created,refund.updated,refund.failed"
)
"""What payments asks to be told; the README of payments has the list for an account at Stripe."""


def mongod(port: int, data: Path, cache_gigabytes: float = 0.5) -> Program:
    """One mongod as a one-node replica set: majority writes and change streams need one."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(binaries.find(binaries.MONGOD), "--quiet"),
        *("--replSet", replica_set.NAME, "--dbpath", data),
        *("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket"),
        *("--wiredTigerCacheSizeGB", str(cache_gigabytes), "--oplogSize", "512"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # Nobody else could take over: waiting for a successor at each stop is lost time.
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
    )
    return Program("mongod", command, port, replica_set.is_primary(port), stop_seconds=60)


def mongo_url(port: int, database: str = "") -> str:
    """Give the address a driver is given."""
    return f"mongodb://127.0.0.1:{port}/{database}?replicaSet={replica_set.NAME}"


def nats(port: int, data: Path, sync_interval: str = SYNC_ALWAYS) -> Program:
    """One nats-server with JetStream; unless told otherwise, what it acknowledges is on the disk.

    `always` costs: 4,100 acknowledged messages a second instead of 22,000 (64 in flight, ext4 on
    a virtual disk), still above what the services need. A crash of the server alone loses nothing
    either way; with `2m` a power failure can lose two minutes.
    """
    data.mkdir(parents=True, exist_ok=True)
    jetstream = {"store_dir": str(data), "sync_interval": sync_interval}
    config = data / "nats.conf"
    config.write_text(
        json.dumps(
            {"listen": f"127.0.0.1:{port}", "server_name": "local", "jetstream": jetstream},
            indent=2,
        )
    )
    command = (binaries.find(binaries.NATS), "--config", config)
    return Program("nats", command, port, readiness.nats_jetstream(port))


def redis(port: int, data: Path, databases: int = 16) -> Program:
    """One Redis that stores nothing: what it holds is an alarm clock, the truth is in MongoDB."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(binaries.find(binaries.REDIS), "--bind", "127.0.0.1", "--port", str(port), "--dir", data),
        *("--save", "", "--appendonly", "no", "--databases", str(databases)),
        *("--set-proc-title", "no"),  # its new title would wipe the mark that leftovers.py reads
    )
    return Program("redis", command, port, readiness.redis_pong(port))


def stripe(port: int, data: Path, webhook_url: str = "", secret: str = "") -> Program:
    """The stand-in for Stripe; `hook` is who hears of its events, signed with the secret."""
    data.mkdir(parents=True, exist_ok=True)
    command = (
        *(sys.executable, "-m", "stripe_local", "--port", str(port)),
        *("--db", data / "stripe.sqlite"),
        *(("--hook", webhook_url, "--events", WEBHOOK_EVENT_TYPES) if webhook_url else ()),
    )
    health = readiness.http_ok(f"http://127.0.0.1:{port}/_local/health")
    return Program("stripe", command, port, health, {"STRIPE_WEBHOOK_SECRET": secret})
