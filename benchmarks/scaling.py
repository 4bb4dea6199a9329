"""Orders with 1, 2 and 4 replicas of every service, each held to a share of a CPU."""

import os
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Final

import psutil

from benchmarks.cpu_limits import PERIOD_SECONDS, Group, open_groups
from benchmarks.measure import Meter, Options, Row
from benchmarks.purchase import tickets_caught_up
from benchmarks.testbed import FOLDER, STORES, Testbed, order_requests
from benchmarks.wrk import load
from benchmarks.yardstick import run_yardstick
from ticketing_local.errors import CliError
from ticketing_local.stack.ports import SERVICES

REPLICAS: Final = (1, 2, 4)
CONNECTIONS: Final = 64
"""For each replica of orders: enough to keep it full, and its batches alike in every run."""
MAX_ORDERS_PER_SECOND: Final = 400
"""More than a replica with its share can process."""
DURATION_FACTOR: Final = 3
"""How much longer than other runs these last. From the last request until every ticket is locked,
half a second passes, more with more replicas. It counts, and must not be a tenth of a run."""
MIN_EFFICIENCY: Final = 0.85
UNIT: Final = "orders/s"
NOT_BUSY: Final = {"idle", "iowait", "guest", "guest_nice"}
"""What is not CPU time, or is counted under another name too."""


@dataclass(frozen=True)
class ScalingRun:
    """One run: orders per second until every ticket is locked, and who used how much CPU."""

    replicas: int
    rate: float
    failed: int
    share: dict[str, float]
    """The CPU of each service's replicas relative to their limits."""
    throttled: dict[str, float]
    """The share of the periods in which they had used their limits up."""
    cores: dict[str, float]
    """The CPU of the stores and of the load, in cores."""
    commands: float
    """The commands to MongoDB per order: fewer if batches are larger."""
    machine: float
    """The CPU of the whole machine relative to its cores, with everything else on it."""
    speed: float = 0
    """How often a second of CPU suffices for a fixed piece of work."""
    efficiency: float | None = None
    """The rate relative to the expected one, from the run before with fewer replicas."""


def scaling(_testbed: Testbed, options: Options) -> list[Row]:
    """Measure the rate of orders with each number of replicas."""
    try:
        with open_groups():
            pass
    except CliError as error:
        return [Row(f"orders by replicas of {options.cpus:g} CPU", f"skipped: {error}")]
    runs: dict[int, list[ScalingRun]] = {count: [] for count in REPLICAS}
    with Testbed(FOLDER.with_name("bench-scaling"), max(REPLICAS)) as testbed:
        for _ in range(options.runs):  # in turn, because the speed of a machine changes with time
            before: ScalingRun | None = None
            for count in REPLICAS:
                run = _measure(testbed, count, options)
                if before is not None:
                    run = replace(run, efficiency=run.rate / before.rate / count * before.replicas)
                print(run, flush=True)
                runs[count].append(run)
                before = run
    return _rows(runs, options.cpus)


def _measure(testbed: Testbed, replicas: int, options: Options) -> ScalingRun:
    seconds, cpus = options.seconds * DURATION_FACTOR, options.cpus
    names = {service: testbed.system.replicas_of(service)[:replicas] for service in SERVICES}
    testbed.start_services(*(n for group in names.values() for n in group), LAME_DUCK_SECONDS="0")
    with open_groups() as create_group:
        groups: dict[str, Group] = {}
        for name in (n for group in names.values() for n in group):
            groups[name] = create_group(name, cpus)
            groups[name].add(testbed.process(name).pid)
        for name in STORES:
            create_group(name, None).add(testbed.process(name).pid)
        create_group("load", None).add(os.getpid())
        _run(testbed, names, groups, seconds, cpus)  # warm-up
        return _run(testbed, names, groups, seconds, cpus)


def _run(
    testbed: Testbed,
    names: Mapping[str, Sequence[str]],
    groups: Mapping[str, Group],
    seconds: float,
    cpus: float,
) -> ScalingRun:
    ports = [testbed.processes[name].program.port or 0 for name in names["orders"]]
    requests = [
        order_requests(testbed.insert_tickets(int(seconds * MAX_ORDERS_PER_SECOND))) for _ in ports
    ]
    meter = Meter(testbed, [*groups, *STORES])
    load_before = _load_seconds()
    throttled_before = {name: group.read_throttled() for name, group in groups.items()}
    commands_before = testbed.count_commands()
    busy_before = _busy_seconds()
    started_at = time.perf_counter()
    with run_yardstick() as yardstick, ThreadPoolExecutor(len(ports)) as pool:
        futures = [
            pool.submit(load, port, own, seconds, connections=CONNECTIONS)
            for port, own in zip(ports, requests, strict=True)
        ]
        loads = [future.result() for future in futures]
        speed = yardstick.stop()
    testbed.wait_until(lambda: tickets_caught_up(testbed), interval=0.05)
    elapsed = time.perf_counter() - started_at
    cores = {name: used / 1e6 / elapsed for name, used in meter.per(1).items()}
    load_cores = (_load_seconds() - load_before) / elapsed
    throttled = {
        name: group.read_throttled() - throttled_before[name] for name, group in groups.items()
    }
    orders = sum(one.answered for one in loads)
    commands = (testbed.count_commands() - commands_before).total()
    return ScalingRun(
        replicas=len(ports),
        rate=orders / elapsed,
        failed=sum(one.refused + one.broken for one in loads),
        share={
            service: statistics.fmean(cores[name] for name in group) / cpus
            for service, group in names.items()
        },
        throttled={
            service: statistics.fmean(throttled[name] * PERIOD_SECONDS / elapsed for name in group)
            for service, group in names.items()
        },
        cores={**{name: cores[name] for name in STORES}, "load": load_cores},
        commands=commands / max(1, orders),
        machine=(_busy_seconds() - busy_before) / elapsed / (psutil.cpu_count() or 1),
        speed=speed,
    )


def _load_seconds() -> float:
    """Return the CPU time of this process and of the load generators that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _busy_seconds() -> float:
    """Return the CPU time of the machine since its start."""
    times = psutil.cpu_times()._asdict()
    return sum(seconds for name, seconds in times.items() if name not in NOT_BUSY)


def _rows(runs: Mapping[int, Sequence[ScalingRun]], cpus: float) -> list[Row]:
    rates = {count: statistics.median(run.rate for run in own) for count, own in runs.items()}
    efficiencies = [
        statistics.median(run.efficiency or 0 for run in runs[count]) for count in REPLICAS[1:]
    ]
    return [
        Row(
            f"{count} replicas of each service" if count > 1 else "one replica of each service",
            describe(own),
            runs=[asdict(run) for run in own],
        )
        for count, own in runs.items()
    ] + [
        Row(
            f"orders with {', '.join(map(str, REPLICAS))} replicas of {cpus:g} CPU",
            ", ".join(f"{rate:.0f}" for rate in rates.values())
            + "; efficiency of a doubling "
            + ", ".join(f"{efficiency:.0%}" for efficiency in efficiencies),
            figure=", ".join(f"{efficiency:.0%}" for efficiency in efficiencies),
            target=f"{MIN_EFFICIENCY:.0%} of each doubling",
            met=min(efficiencies) >= MIN_EFFICIENCY,
            unit=UNIT,
            points=[(count, round(rate, 1)) for count, rate in rates.items()],
        )
    ]


def describe(runs: Sequence[ScalingRun]) -> str:
    """Return the median rate, and the CPU of each process relative to its limit."""
    middle = sorted(runs, key=lambda run: run.rate)[len(runs) // 2]
    rates = [run.rate for run in runs]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in middle.share.items())
    cores = ", ".join(f"{name} {used:.2f}" for name, used in middle.cores.items())
    return (
        f"{statistics.median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f}) orders/s; "
        f"CPU relative to the limit: {shares}; cores: {cores}; "
        f"{middle.commands:.1f} commands to MongoDB per order; machine {middle.machine:.0%}; "
        f"work of a second of CPU {middle.speed:.0f}"
    )
