"""The system under test: our services and the reference on the same stores."""

import asyncio
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nats
import psutil
from bson import ObjectId
from nats.js.errors import APIError
from pymongo import IndexModel, MongoClient

from benchmarks.wrk import request
from common.testing.client import JWT_KEY, make_user, session_cookie
from common.values.clock import utc_now
from support.system import System
from ticketing_local.errors import CliError
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import readiness
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.program import Program
from ticketing_local.testing.free_ports import free_port
from tickets.domain.ticket import list_ticket
from tickets.store.tickets import to_document as ticket_fields

FOLDER = ROOT / ".local" / "bench"
REFERENCE = Path(__file__).parent / "reference"
OURS, THEIRS = "ours", "reference"
STORES = ("mongod", "nats", "redis")
PRODUCTION_SETTINGS = {
    "PASSWORD_MEMORY_KIB": str(19 * 1024),  # the other tests use a cheaper hash
    "PASSWORD_ITERATIONS": "2",
    "SIGN_UPS_PER_ADDRESS": "1000000",  # all requests come from one address
    "LISTINGS_PER_DAY": "1000000000",  # one seller lists them all
    "LOG_FORMAT": "json",
}
DATA_COMMANDS = ("find", "insert", "update", "delete", "findAndModify", "aggregate")
PROFILE_BYTES = 300_000_000
APP_NAME = "benchmarks"
"""By which MongoDB names the operations of the benchmarks, which are not measured."""
SELLER = make_user()


class Testbed:
    """The stores and the services that a section starts."""

    def __init__(self, folder: Path = FOLDER, replicas: int = 1) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.system = System(folder, PRODUCTION_SETTINGS, replicas=replicas)
        self.processes = dict(self.system.processes)
        self.port = {**self.system.port, THEIRS: free_port()}
        self.processes[THEIRS] = ManagedProcess(
            self._reference(), folder / "logs" / "reference.log"
        )
        self._running: set[str] = set()
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(
            self.system.mongo, connect=False, appname=APP_NAME
        )

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
        self.mongo.close()
        for process in reversed(self.processes.values()):
            process.kill()

    def start_services(self, *names: str, **overrides: str) -> None:
        """Stop the running services, empty the stores, start the named services and wait.

        Args:
            names: the services to start.
            overrides: environment variables to change.
        """
        for name in self._running:
            self.processes[name].terminate()
        self._running = set(names)
        self._empty()
        for name in names:
            self.processes[name].start(overrides)
        for name in names:
            self.processes[name].wait_ready()

    def restart(self, name: str) -> None:
        """Restart a running service with the data that it has."""
        self.processes[name].terminate()
        self.processes[name].start()
        self.processes[name].wait_ready()

    def stop_services(self) -> None:
        """Stop the running services. What they stored stays."""
        for name in self._running:
            self.processes[name].terminate()

    def start_again(self, **overrides: str) -> None:
        """Start the stopped services with the data that they had."""
        for name in self._running:
            self.processes[name].start(overrides)
        for name in self._running:
            self.processes[name].wait_ready()

    def start_all(self, **overrides: str) -> None:
        """Start the whole system."""
        self.start_services("stripe", *self.system.services, "gateway", **overrides)

    def process(self, name: str) -> psutil.Process:
        """Return a running process.

        Raises:
            CliError: it is not running.
        """
        found = self.processes[name].find_process()
        if found is None:
            raise CliError(f"{name} is not running")
        return found

    def insert_tickets(self, count: int) -> list[str]:
        """Insert available tickets into every database that has a copy of them."""
        now = utc_now()
        ids = [str(ObjectId()) for _ in range(count)]
        changes = [
            list_ticket(
                ticket_id=i,
                title=f"Row {n % 50}, seat {n}",
                price=2000,
                seller_id=SELLER.id,
                now=now,
            )
            for n, i in enumerate(ids)
        ]
        for start in range(0, count, 5_000):
            batch = [change.after for change in changes[start : start + 5_000]]
            self.mongo["tickets"]["tickets"].insert_many(
                {"_id": ObjectId(t.id), "version": 0, **ticket_fields(t), "outbox": []}
                for t in batch
            )
            self.mongo["orders"]["tickets"].insert_many(
                {
                    "_id": ObjectId(t.id),
                    "version": 0,
                    "title": t.title,
                    "price": t.price,
                    "user_id": t.user_id,
                }
                for t in batch
            )
            self.mongo[THEIRS]["tickets"].insert_many(
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
                for t in batch
            )
        return ids

    def count(self, database: str, collection: str, **query: object) -> int:
        """Count the documents that match the query."""
        return self.mongo[database][collection].count_documents(query)

    def fill(
        self,
        database: str,
        collection: str,
        docs: list[dict[str, Any]],
        copies: int,
        indexes: Sequence[IndexModel],
    ) -> None:
        """Replace the documents of a collection by copies of some, each with an id and a price.

        MongoDB makes the copies, and builds the indexes at the end: both are many times as fast.
        """
        mongo = self.mongo[database]
        mongo[collection].delete_many({})
        mongo[collection].drop_indexes()
        mongo["originals"].insert_many(docs, ordered=False)
        price: dict[str, Any] = {"$toInt": {"$add": [50, {"$multiply": [{"$rand": {}}, 50_000]}]}}
        into = {"into": collection, "whenMatched": "fail", "whenNotMatched": "insert"}
        for _ in range(copies):
            mongo["originals"].aggregate(
                [{"$set": {"price": price}}, {"$unset": "_id"}, {"$merge": into}]
            )
        mongo.drop_collection("originals")
        mongo[collection].create_indexes(indexes)

    def drop(self, database: str, collection: str) -> None:
        """Drop a collection. The next start of its service creates it again with its indexes."""
        self.mongo[database].drop_collection(collection)

    def count_examined(self, database: str, work: Callable[[], object]) -> int:
        """Return how many index keys and documents are examined by the reads during some work."""
        self.start_profiling([database])
        work()
        reads = [
            operation
            for operation in self.stop_profiling([database])
            if operation["op"] in {"query", "getmore", "command"}
            and not any(  # background tasks have pipelines
                "pipeline" in operation.get(name, {}) for name in ("command", "originatingCommand")
            )
        ]
        return sum(op.get("keysExamined", 0) + op.get("docsExamined", 0) for op in reads)

    def start_profiling(self, databases: Sequence[str]) -> None:
        """Start to record every operation on these databases."""
        for name in databases:
            self.mongo[name].drop_collection("system.profile")  # of an operation that ended late
            self.mongo[name].create_collection("system.profile", capped=True, size=PROFILE_BYTES)
            self.mongo[name].command("profile", 2)

    def stop_profiling(self, databases: Sequence[str]) -> list[dict[str, Any]]:
        """Return the recorded operations and forget them."""
        operations: list[dict[str, Any]] = []
        for name in databases:
            self.mongo[name].command("profile", 0)
            operations += self.mongo[name]["system.profile"].find()
            self.mongo[name].drop_collection("system.profile")
        return operations

    def count_commands(self) -> Counter[str]:
        """Return the commands that read and write documents, by name, since MongoDB started."""
        counts = self.mongo.admin.command("serverStatus")["metrics"]["commands"]
        return Counter({name: counts[name]["total"] for name in DATA_COMMANDS})

    def wait_until(
        self, condition: Callable[[], bool], timeout: float = 60, interval: float = 0.2
    ) -> None:
        """Wait until the condition is met or the timeout has passed."""
        deadline = time.monotonic() + timeout
        while not condition() and time.monotonic() < deadline:
            time.sleep(interval)

    def _empty(self) -> None:
        for database in ("auth", "tickets", "orders", "expiration", "payments", THEIRS):
            for collection in self.mongo[database].list_collection_names():
                self.mongo[database][collection].delete_many({})
        self.purge()

    def purge(self) -> None:
        """Delete all events."""
        asyncio.run(self._purge())

    async def _purge(self) -> None:
        client = await nats.connect(self.system.nats)
        try:
            for info in await client.jetstream().streams_info():
                await client.jetstream().purge_stream(info.config.name or "")
        except APIError as error:
            raise CliError(f"NATS could not purge its streams: {error}") from error
        finally:
            await client.close()

    def _reference(self) -> Program:
        if not (REFERENCE / "node_modules").is_dir():
            install = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(install, check=True, cwd=REFERENCE)
        port = self.port[THEIRS]
        env = {
            "NODE_ENV": "production",
            "PORT": str(port),
            "MONGO_URI": self.system.mongo.replace("/?", f"/{THEIRS}?"),
            "NATS_URL": self.system.nats,
            "JWT_KEY": JWT_KEY,
        }
        address = f"http://127.0.0.1:{port}/api/tickets"
        return Program(
            THEIRS, ("node", REFERENCE / "server.js"), port, readiness.http_ok(address), env
        )


def order_requests(tickets: Sequence[str]) -> list[bytes]:
    """Return an order of each ticket, by a new user each: their unpaid orders are limited."""
    return [
        request("POST", "/api/orders", {"ticketId": ticket}, Cookie=cookie)
        for ticket, cookie in zip(tickets, session_cookies(len(tickets)), strict=True)
    ]


def session_cookies(count: int) -> list[str]:
    """Return the Cookie headers of new users, valid for fifteen minutes."""
    return [f"session={session_cookie(make_user())}" for _ in range(count)]
