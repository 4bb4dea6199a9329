"""What operations cost among 10,000, 100,000 and 1,000,000 orders, charges and accounts."""

import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from benchmarks import stored_data
from benchmarks.examined import Examined, examine
from benchmarks.measure import Meter, Options, Row
from benchmarks.stored_operations import OPERATIONS, ORDER_SECONDS, Shop
from benchmarks.testbed import FOLDER, Testbed
from payments.store.sales import MAX_COUNTED
from ticketing_local import backup_format
from ticketing_local.commands.backup import retain_history
from ticketing_local.stack import environment
from ticketing_local.stack.ports import SERVICES
from tickets.store.vault_gauges import COUNT_LIMIT

SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK_SIZES: Final = (1_000,)
REPETITIONS, QUICK_REPETITIONS = 10, 3
BACKGROUND_SECONDS: Final = 25.0
"""Longer than most periodic work waits; the rest runs at the start."""
MAX_GROWTH: Final = 1.5
"""How much more an operation may examine among the most data than among the least."""
PAGE: Final = 250
"""Of at most 100 orders, listings or notices, and one that says whether there are more."""
BOUNDS: Final = {
    "own orders": PAGE,
    "own listings": PAGE,
    "notices": PAGE,
    "earnings": 2 * MAX_COUNTED + 600,
    "start and periodic work": 3 * COUNT_LIMIT + 5_000,
}
"""Operations that examine more among more data, until a limit."""
NEGLIGIBLE: Final = 20
"""Index keys and documents that periodic work examines beside an operation, more or less."""
SAMPLE: Final = "tickets.tickets aggregate COLLSCAN"
"""MongoDB reads all of a collection of which a sample is more than a twentieth: 40,000 tickets."""
MINUTELY: Final = ("tickets.tickets aggregate", "tickets.words")
"""Statements of the sample, which is taken once a minute during whichever operation."""
STORES: Final = ("mongod", "nats", "redis")
MIB: Final = 2**20
EXAMINED, CPU, SECONDS = "keys and documents examined", "CPU ms", "s"
DISK, MEMORY = "MiB on disk", "MiB of memory"


@dataclass
class _Results:
    """The measured figures by unit and label, and what read a collection without an index."""

    figures: dict[tuple[str, str], list[tuple[float, float]]] = field(
        default_factory=dict[tuple[str, str], list[tuple[float, float]]]
    )
    worst: dict[str, str] = field(default_factory=dict[str, str])
    scans: set[str] = field(default_factory=set[str])

    def add(self, unit: str, label: str, size: int, value: float) -> None:
        self.figures.setdefault((unit, label), []).append((size, round(value, 3)))
        print(f"  {size:,} {label}: {value:,.1f} {unit}", flush=True)

    def add_examined(self, label: str, size: int, examined: Examined, count: int) -> None:
        self.add(EXAMINED, label, size, examined.total / count)
        worst = examined.worst
        self.worst[label] = f"{worst.name}: {worst.examined:,}"
        self.add_scans(label, examined)
        print(f"    most: {self.worst[label]}; scans: {examined.scans}", flush=True)

    def add_scans(self, label: str, examined: Examined) -> None:
        self.scans.update(f"{label}: {scan}" for scan in examined.scans if scan != SAMPLE)


def data_growth(testbed: Testbed, options: Options) -> list[Row]:
    """Measure each operation at each size, and the sizes of the stores."""
    results = _Results()
    for size in QUICK_SIZES if options.quick else SIZES:
        _measure_size(testbed, results, size, is_quick=options.quick)
    return _rows(results)


def _measure_size(testbed: Testbed, results: _Results, size: int, *, is_quick: bool) -> None:
    settings = {"ORDER_EXPIRATION_SECONDS": str(ORDER_SECONDS), "DELETION_WAIT_SECONDS": "6"}
    testbed.start_all(**settings)
    shop = Shop(testbed, QUICK_REPETITIONS if is_quick else REPETITIONS)
    shop.make_originals()
    testbed.stop_services()
    started_at = time.monotonic()
    count = stored_data.fill(testbed.mongo, size)
    print(f"{size:,}: {count:,} documents stored in {time.monotonic() - started_at:.0f} s")
    try:
        _measure_command(testbed, results, size, "republish orders", "orders", "republish-state")
        testbed.purge()
        _measure_backup(testbed, results, size)
        _measure_start(testbed, results, size, settings)
        shop.prepare()
        for label, operation in OPERATIONS.items():
            meter = Meter(testbed, [*testbed.system.services, *STORES])
            examined = examine(testbed, lambda work=operation: work(shop)).without(*MINUTELY)
            done = shop.take_count()
            cpu = sum(meter.per(done).values()) / 1000
            results.add_examined(label, size, examined, done)
            results.add(CPU, label, size, cpu)
        _measure_command(
            testbed, results, size, "reconcile", "payments", "reconcile", "--recheck-seconds=0"
        )
        _measure_stores(testbed, results, size)
    finally:
        for database in SERVICES:
            testbed.mongo.drop_database(database)


def _measure_start(
    testbed: Testbed, results: _Results, size: int, settings: dict[str, str]
) -> None:
    """Measure the start of the stores, and of the services with their first periodic work."""
    for name in ("mongod", "nats"):
        started_at = time.monotonic()
        testbed.processes[name].terminate()
        testbed.processes[name].start()
        testbed.processes[name].wait_ready()
        results.add(SECONDS, f"restart of {name}", size, time.monotonic() - started_at)

    def start() -> None:
        started_at = time.monotonic()
        testbed.start_again(**settings)
        results.add(SECONDS, "start of the services", size, time.monotonic() - started_at)
        time.sleep(BACKGROUND_SECONDS)

    results.add_examined("start and periodic work", size, examine(testbed, start), 1)


def _measure_command(
    testbed: Testbed, results: _Results, size: int, label: str, service: str, *command: str
) -> None:
    """Measure an operator's command, and the memory of its process."""
    program = testbed.processes[service].program
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    meter = Meter(testbed, STORES)
    started_at = time.monotonic()

    def run() -> None:
        subprocess.run(
            [sys.executable, "-m", "common.operations.cli", service, *command],
            env={
                **environment.select(os.environ, *environment.BASE_VARIABLES, "PYTHONPATH"),
                **program.environment,
                "LOG_LEVEL": "ERROR",
            },
            check=False,
            stdout=subprocess.DEVNULL,
        )

    examined = examine(testbed, run)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    stores = sum(meter.per(1).values()) / 1e6
    results.add(SECONDS, label, size, time.monotonic() - started_at)
    results.add("CPU s", label, size, own + stores)
    results.add_scans(label, examined)


def _measure_backup(testbed: Testbed, results: _Results, size: int) -> None:
    """Measure the backup of all databases."""
    folder = FOLDER / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    started_at = time.monotonic()
    with retain_history(testbed.system.mongo):
        backup_format.dump_databases(testbed.system.mongo, SERVICES, folder)
    results.add(SECONDS, "backup of the databases", size, time.monotonic() - started_at)
    written = sum(file.stat().st_size for file in folder.rglob("*.gz"))
    results.add(DISK, "backup of the databases", size, written / MIB)
    shutil.rmtree(folder, ignore_errors=True)


def _measure_stores(testbed: Testbed, results: _Results, size: int) -> None:
    for database in SERVICES:
        stats = testbed.mongo[database].command("dbStats", scale=MIB)
        results.add(DISK, f"{database}: data", size, stats["storageSize"])
        results.add(DISK, f"{database}: indexes", size, stats["indexSize"])
    for name in (*STORES, *testbed.system.services):
        with suppress(LookupError):
            memory = testbed.process(name).memory_info().rss / MIB
            results.add(MEMORY, name, size, memory)


def _rows(results: _Results) -> list[Row]:
    rows: list[Row] = []
    grown: list[str] = []
    for (unit, label), points in results.figures.items():
        text = "; ".join(f"{size:,.0f}: {value:,.1f}" for size, value in points)
        worst = results.worst.get(label, "") if unit == EXAMINED else ""
        rows.append(
            Row(
                label,
                f"{text} {unit}" + (f" (most: {worst})" if worst else ""),
                unit=unit,
                points=points,
            )
        )
        first, last = points[0][1], points[-1][1]
        allowed = max(MAX_GROWTH * first + NEGLIGIBLE, BOUNDS.get(label, 0))
        if unit == EXAMINED and last > allowed:
            grown.append(label)
    failed = [*(f"grows: {label}" for label in grown), *sorted(results.scans)]
    rows.append(
        Row(
            "what is examined",
            "; ".join(failed) or "the same at each size, and no collection without an index",
            target="the same at each size, always by an index",
            met=not failed,
        )
    )
    return rows
