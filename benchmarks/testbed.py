"""What is measured: our system and the reference, on the same stores, each process by its name."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nats
import psutil
from bson import ObjectId
from nats.js.errors import APIError
from pymongo import MongoClient

from common.testing.plugin import JWT_KEY, session_cookie, someone
from common.values.clock import utc_now
from support.process import Process
from support.system import System
from ticketing_local.errors import Trouble
from ticketing_local.stack import readiness
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.program import Program
from ticketing_local.testing.temporary_server import free_port
from tickets.domain import listed
from tickets.store import _write as ticket_fields

FOLDER = ROOT / ".local" / "bench"
REFERENCE = Path(__file__).parent / "reference"
OURS, THEIRS = "ours", "reference"
STORES = ("mongod", "nats", "redis")
AS_SHIPPED = {
    "PASSWORD_MEMORY_KIB": str(19 * 1024),  # the harness of the other tests cheapens the hash
    "PASSWORD_ITERATIONS": "2",
    "SIGN_UPS_PER_ADDRESS": "1000000",  # all come from one address here
    "LOG_FORMAT": "json",
}
SELLER = someone()


class Stage:
    """The stores, and whichever services a measurement asks for."""

    def __init__(self) -> None:
        """Prepare everything on free ports, with an empty folder; nothing is started."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        self.system = System(FOLDER, AS_SHIPPED, replicas=1)
        self.processes = dict(self.system.processes)
        self.port = {**self.system.port, THEIRS: free_port()}
        self.processes[THEIRS] = Process(self._reference(), FOLDER / "logs" / "reference.log")
        self._running: set[str] = set()
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(self.system.mongo, connect=False)

    def __enter__(self) -> Self:
        for name in STORES:
            self.processes[name].start()
        self.system.wait_ready(STORES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mongo.close()
        for process in reversed(self.processes.values()):
            process.kill()

    def use(self, *names: str, **changed: str) -> None:
        """Stop every other service, empty the stores, start these and wait for them.

        Args:
            names: which.
            changed: what is different in their environment.
        """
        for name in self._running:
            self.processes[name].terminate()
        self._running = set(names)
        self._empty()
        for name in names:
            self.processes[name].start(changed)
        for name in names:
            self.processes[name].wait_ready()

    def use_all(self, **changed: str) -> None:
        """Start the whole system, with some of its environment changed."""
        self.use("stripe", *self.system.services, "gateway", **changed)

    def process(self, name: str) -> psutil.Process:
        """Give a running process."""
        found = self.processes[name]._found()
        if found is None:
            raise Trouble(f"{name} is not running")
        return found

    def sell(self, count: int) -> list[str]:
        """Put tickets up for sale, wherever a ticket is kept, as if they had been for long."""
        now = utc_now()
        ids = [str(ObjectId()) for _ in range(count)]
        changes = [
            listed(ticket_id=i, title=f"Row {n % 50}, seat {n}", price=2000, by=SELLER.id, now=now)
            for n, i in enumerate(ids)
        ]
        for start in range(0, count, 5_000):
            some = [change.after for change in changes[start : start + 5_000]]
            self._mongo["tickets"]["tickets"].insert_many(
                {"_id": ObjectId(t.id), "version": 0, **ticket_fields(t), "outbox": []}
                for t in some
            )
            self._mongo["orders"]["tickets"].insert_many(
                {
                    "_id": ObjectId(t.id),
                    "version": 0,
                    "title": t.title,
                    "price": t.price,
                    "user_id": t.user_id,
                }
                for t in some
            )
            self._mongo[THEIRS]["tickets"].insert_many(
                {
                    "_id": ObjectId(t.id),
                    "version": 0,
                    "title": t.title,
                    "price": t.price / 100,
                    "userId": t.user_id,
                    "orderId": None,
                    "createdAt": now,
                    "updatedAt": now,
                }
                for t in some
            )
        return ids

    def count(self, database: str, collection: str, **having: object) -> int:
        """Count what is stored."""
        return self._mongo[database][collection].count_documents(having)

    def until(self, so: Callable[[], bool], patience: float = 60) -> None:
        """Wait until the services have come to an end with what they were given, or give up."""
        deadline = time.monotonic() + patience
        while not so() and time.monotonic() < deadline:
            time.sleep(0.2)

    def _empty(self) -> None:
        for database in ("auth", "tickets", "orders", "expiration", "payments", THEIRS):
            for collection in self._mongo[database].list_collection_names():
                self._mongo[database][collection].delete_many({})
        asyncio.run(self._purge())

    async def _purge(self) -> None:
        client = await nats.connect(self.system.nats)
        try:
            for info in await client.jetstream().streams_info():
                await client.jetstream().purge_stream(info.config.name or "")
        except APIError as error:
            raise Trouble(f"NATS does not empty its streams: {error}") from error
        finally:
            await client.close()

    def _reference(self) -> Program:
        if not (REFERENCE / "node_modules").is_dir():
            install = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(install, check=True, cwd=REFERENCE)
        port = self.port[THEIRS]
        told = {
            "NODE_ENV": "production",
            "PORT": str(port),
            "MONGO_URI": self.system.mongo.replace("/?", f"/{THEIRS}?"),
            "NATS_URL": self.system.nats,
            "JWT_KEY": JWT_KEY,
        }
        address = f"http://127.0.0.1:{port}/api/tickets"
        return Program(
            THEIRS, ("node", REFERENCE / "server.js"), port, readiness.http_ok(address), told
        )


def sessions(count: int) -> list[str]:
    """Sign in that many people, good for fifteen minutes; give their Cookie headers."""
    return [f"session={session_cookie(someone())}" for _ in range(count)]
