"""Compare two commits on this machine: interleaved runs of `make bench`, medians and ranges.

PYTHONPATH=tests:. .venv/bin/python -m benchmarks.compare 81f475a                 every section
PYTHONPATH=tests:. .venv/bin/python -m benchmarks.compare 81f475a purchases hot   some sections

The other commit is checked out under .local/compare. A commit that still set `SCHED_BATCH` is
measured without it, as it is deployed.
"""

import json
import os
import re
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from benchmarks.measure import spread
from ticketing_local.stack.paths import ROOT

FOLDER = ROOT / ".local" / "compare"
SCHEDULING = re.compile(r"os\.sched_setscheduler\(.*\)")
HIGHER_IS_BETTER = ("per second", "of the peak")
PATTERNS = {
    "per second": r"^([\d,]+)(?: \([^)]*\))?(?: paid)?/s",
    "of the peak": r"([\d.]+) of the peak",
    "all responses, ms": r"^all (?:answered in|responses within) ([\d,]+) ms",
    "p50": r"p50 ([\d.]+)",
    "p99": r"p99 ([\d.]+)",
    "max": r"(?:most|max) ([\d.]+)",
    "CPU ratio": r"CPU (?:of auth|ratio) ([\d.]+)",
    "started again, s": r"^[\d.]+ s; again ([\d.]+)",
}
PROCESS_FIGURE = re.compile(r"(\w+) ([\d.]+)(?:, |$|;)")

Key = tuple[str, int, str]
"""The section, the row's place in it, and the figure."""


def checkout(commit: str) -> Path:
    """Check out a commit with its environment and without its scheduling class."""
    folder = FOLDER / commit
    if not folder.exists():
        subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=ROOT, check=True)
    for file in (folder / "infra/local/src/ticketing_local").rglob("scheduling.py"):
        file.write_text(SCHEDULING.sub("pass", file.read_text()))
    subprocess.run(["make", "install"], cwd=folder, check=True)
    return folder


def run_benchmarks(folder: Path, sections: Sequence[str], seconds: float) -> str:
    """Run the benchmarks of a checkout once and return what they print."""
    module = "benchmarks" if (folder / "benchmarks").is_dir() else "bench"
    options = ("--dry", "--runs", "1", "--seconds", str(seconds))
    run = subprocess.run(
        [folder / ".venv/bin/python", "-m", module, *options, *sections],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "tests:."},
        stdout=subprocess.PIPE,
        text=True,
        check=False,  # a missed target is an error status
    )
    return run.stdout


def parse_rows(output: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield the section, place, workload and our result of each printed row."""
    section, place, previous = "", 0, ""
    for line in output.splitlines():
        if line.startswith("== "):
            section, place = line.removeprefix("== "), 0
        elif line.startswith("    ours "):
            yield (
                section,
                place,
                previous.partition("  [")[0],
                line.removeprefix("    ours").strip(),
            )
            place += 1
        previous = line


def parse_figures(workload: str, result: str) -> dict[str, float]:
    """Return the figures of a row: rate, times, CPU or memory."""
    found = {name: re.search(pattern, result) for name, pattern in PATTERNS.items()}
    figures = {name: float(match[1].replace(",", "")) for name, match in found.items() if match}
    _, is_cpu, processes = result.partition("CPU µs")
    if is_cpu or workload.startswith("memory"):
        costs = PROCESS_FIGURE.findall(processes if is_cpu else result)
        name = "CPU µs without stripe" if is_cpu else "MiB"
        figures[name] = sum(
            float(cost) for process, cost in costs if process != "stripe" or not is_cpu
        )
    return figures


def judge(figure: str, base: Sequence[float], head: Sequence[float]) -> str:
    """Return whether the runs differ by more than the noise: their ranges do not overlap."""
    if max(base) >= min(head) and max(head) >= min(base):
        return ""
    is_greater = statistics.median(head) > statistics.median(base)
    return "faster" if is_greater == (figure in HIGHER_IS_BETTER) else "**slower**"


@click.command(help="Compare this checkout with another commit, in interleaved runs.")
@click.argument("commit")
@click.argument("sections", nargs=-1)
@click.option("--runs", type=int, default=5, show_default=True)
@click.option("--seconds", type=float, default=5, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="A JSON file for every figure.")
def main(
    commit: str, sections: tuple[str, ...], runs: int, seconds: float, output: Path | None
) -> None:
    """Run both checkouts in turn and print a table of every figure that both have."""
    folders = {commit: checkout(commit), "this checkout": ROOT}
    figures: dict[str, defaultdict[Key, list[float]]] = {
        side: defaultdict(list) for side in folders
    }
    workloads: dict[tuple[str, int], str] = {}
    for n in range(runs):
        for side in list(folders) if n % 2 == 0 else list(reversed(folders)):
            click.echo(f"run {n + 1} of {runs}: {side}", err=True)
            for section, place, workload, result in parse_rows(
                run_benchmarks(folders[side], sections, seconds)
            ):
                if side != commit:
                    workloads[section, place] = workload
                for figure, value in parse_figures(workload, result).items():
                    figures[side][section, place, figure].append(value)
    base, head = figures.values()
    click.echo(
        f"| workload | figure | {commit} | this checkout | |\n| --- | --- | --- | --- | --- |"
    )
    for (section, place, figure), values in head.items():
        before = base.get((section, place, figure))
        if before:
            cells = (workloads[section, place], figure, spread(before), spread(values))
            click.echo(f"| {' | '.join(cells)} | {judge(figure, before, values)} |")
    if output:
        raw = {
            side: {" / ".join(map(str, key)): values for key, values in found.items()}
            for side, found in figures.items()
        }
        output.write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
