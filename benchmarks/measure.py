"""Runs of one side, comparisons of two sides, and the rows of the table."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from benchmarks.testbed import OURS, STORES, THEIRS, Testbed
from benchmarks.wrk import Load
from ticketing_local.errors import CliError

MICROSECONDS = 1e6


@dataclass(frozen=True)
class Run:
    """One run of one side: requests per second, times in ms, CPU in µs per response."""

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int
    cpu: dict[str, float]

    @property
    def cpu_all(self) -> float:
        """The CPU of the service and its stores."""
        return sum(self.cpu.values())


@dataclass
class Row:
    """One row of the table."""

    work: str
    ours: str
    theirs: str = ""
    ratio: str = ""
    cpu: str = ""
    target: str = ""
    met: bool | None = None
    runs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    figure: str = ""
    """The figure that is judged, where it is neither the ratio nor the first part of `ours`."""
    unit: str = ""
    """What the points count. The rows of a section with the same unit are one plot."""
    points: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """The row's line in a plot, such as the size of the store and the CPU of a request."""


class Meter:
    """The CPU time of some processes since the creation of the meter, with their ended children."""

    def __init__(self, testbed: Testbed, names: Sequence[str]) -> None:
        self._processes = {name: testbed.process(name) for name in names}
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {
            name: time.user + time.system + time.children_user + time.children_system
            for name, time in times.items()
        }

    def per(self, count: int) -> dict[str, float]:
        """Return the CPU microseconds of each process, divided by `count`."""
        now = self._now()
        return {
            name: (now[name] - before) * MICROSECONDS / max(1, count)
            for name, before in self._before.items()
        }


CPUS: Final = 0.1
"""What each replica is held to when scaling out is measured."""


@dataclass(frozen=True)
class Options:
    """The duration and number of runs, and the CPU of a replica when scaling out is measured."""

    seconds: float
    runs: int
    quick: bool
    cpus: float = CPUS


Work = Callable[[str], Load]
"""Runs the load once against a side, `ours` or `reference`."""


def measure_run(testbed: Testbed, service: str, work: Callable[[], Load]) -> Run:
    """Run the load once and measure the CPU of the service and the stores."""
    meter = Meter(testbed, [service, *STORES[:2]])
    load = work()
    cpu = meter.per(load.answered)
    cpu["service"] = cpu.pop(service)
    return Run(load.rate, load.p50, load.p99, load.refused, load.broken, cpu)


def compare_sides(
    testbed: Testbed,
    name: str,
    service: str,
    work: Work,
    options: Options,
    target: float | None = None,
) -> Row:
    """Run the same load on both sides in turn and compare them pairwise."""
    process_names = {OURS: service, THEIRS: THEIRS}
    for side in process_names:
        work(side)  # warm-up
    pairs: list[dict[str, Run]] = []
    for n in range(options.runs):
        sides = list(process_names) if n % 2 == 0 else list(reversed(process_names))
        pairs.append(
            {
                side: measure_run(testbed, process_names[side], lambda s=side: work(s))
                for side in sides
            }
        )
    if not all(run.rate for pair in pairs for run in pair.values()):
        raise CliError(f"{name}: a run had no response at all; the machine is too busy to measure")
    ratios = [pair[OURS].rate / pair[THEIRS].rate for pair in pairs]
    total_cpu_ratios = [pair[THEIRS].cpu_all / pair[OURS].cpu_all for pair in pairs]
    service_cpu_ratios = [pair[THEIRS].cpu["service"] / pair[OURS].cpu["service"] for pair in pairs]
    ratio = statistics.median(ratios)
    return Row(
        name,
        _format_runs([pair[OURS] for pair in pairs]),
        _format_runs([pair[THEIRS] for pair in pairs]),
        f"{spread(ratios)}",
        f"{spread(service_cpu_ratios)}; with the stores {spread(total_cpu_ratios)}",
        "" if target is None else f"{target:g} times",
        None if target is None else ratio >= target,
        [{side: asdict(run) for side, run in pair.items()} for pair in pairs],
    )


def _format_runs(runs: Sequence[Run]) -> str:
    rate, p50, p99 = (
        statistics.median(values)
        for values in zip(*((r.rate, r.p50, r.p99) for r in runs), strict=True)
    )
    cpu = {name: statistics.median(run.cpu[name] for run in runs) for name in runs[0].cpu}
    times = ", ".join(f"{name} {cpu[name]:.0f}" for name in ("service", "mongod", "nats"))
    failures = sum(run.refused + run.broken for run in runs)
    suffix = f"; {failures} FAILED" if failures else ""
    return f"{rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms; CPU µs: {times}{suffix}"


def spread(values: Sequence[float]) -> str:
    """Format the median with the minimum and maximum."""
    median = statistics.median(values)
    return f"{median:.2f} ({min(values):.2f} to {max(values):.2f})"
