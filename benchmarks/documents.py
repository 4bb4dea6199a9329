"""Writes what docs/ says about the benchmarks, from docs/benchmarks.json: pages and plots.

`make docs` and `make bench` write it. The same results give the same bytes.
"""

import json
import re
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import plots
from ticketing_local.stack.paths import ROOT

DOCS: Final = ROOT / "docs"
RESULTS: Final = DOCS / "benchmarks.json"
PAGES: Final = ("benchmarks.md", "scaling.md")
IMAGES: Final = Path("images") / "benchmarks"
SCALING: Final = "scaling"
PURCHASE_WORK: Final = "purchase-work"
FULL: Final = 0.9
"""The share of a limit from which a process counts as full."""

Results = dict[str, Any]


def read_results() -> Results:
    """Return the latest results of each section."""
    return json.loads(RESULTS.read_text())


def render_documents(results: Results) -> dict[Path, str]:
    """Return the content of every generated file and of every page with generated parts."""
    files = {
        DOCS / IMAGES / f"{plot.name}.svg": plots.render(plot) for plot in plots.find_plots(results)
    }
    for name in PAGES:
        text = (DOCS / name).read_text()
        for part, render in PARTS.items():
            text = _replace_part(text, part, render(results))
        files[DOCS / name] = text
    return files


def write_documents() -> None:
    """Write the documents, and remove plots of sections that are gone."""
    files = render_documents(read_results())
    folder = DOCS / IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.svg"):
        if path not in files:
            path.unlink()
    for path, content in files.items():
        path.write_text(content)


def _replace_part(text: str, name: str, content: str) -> str:
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda match: f"{match[1]}{content}\n{match[2]}", text, flags=re.DOTALL)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _when(found: Results) -> str:
    return f"{found['date'][:10]}, {found['commit']}"


def _targets(results: Results) -> str:
    rows: list[list[str]] = []
    for name, found in results.items():
        judged = [row for row in found["rows"] if row["met"] is not None]
        for row, verdicts in zip(judged, _rounds(found, judged), strict=True):
            met = "met" if row["met"] else "**not met**"
            count = f"{sum(verdicts)} of {len(verdicts)}"
            rows.append(
                [row["work"], row["target"], _figure(row), met, count, f"{name}, {_when(found)}"]
            )
    header = ("work", "target", "measured", "", "rounds that met it", "section, date, commit")
    return _table(header, rows)


def _rounds(found: Results, judged: Sequence[Results]) -> list[list[bool]]:
    """Return the verdicts of the latest rounds, for each row that is judged."""
    latest = [row["met"] for row in judged]
    rounds: list[list[bool]] = found.get("rounds") or [latest]
    return [[verdicts[n] for verdicts in rounds] for n in range(len(judged))]


def _figure(row: Results) -> str:
    """Return the figure that is judged, without those that explain it."""
    ratio = f"{row['ratio']} times" if row["ratio"] else ""
    return row["figure"] or ratio or row["ours"].partition(";")[0]


def _plots(results: Results) -> str:
    return "\n".join(
        f"![{plot.title}. {plot.description}]({IMAGES.as_posix()}/{plot.name}.svg)\n"
        for plot in plots.find_plots(results)
        if not plot.name.startswith(f"{SCALING}-")
    ).rstrip()


def _scaling(results: Results) -> str:
    found = results.get(SCALING)
    if found is None:
        return "Not measured yet: `make bench ONLY=scaling`."
    runs = [row["runs"] for row in found["rows"] if row["runs"]]
    if not runs:
        return f"{found['rows'][0]['ours']} ({_when(found)})."
    rows: list[list[str]] = []
    speeds: list[float] = []
    for group in runs:
        speeds.append(statistics.median(run.get("speed", 0) for run in group))
        run = sorted(group, key=lambda run: run["rate"])[len(group) // 2]
        rates, efficiencies = ([run[name] for run in group] for name in ("rate", "efficiency"))
        full = [name for name, share in run["share"].items() if share >= FULL]
        full += ["the machine"] * (run["machine"] >= FULL)
        rows.append(
            [
                str(run["replicas"]),
                f"{run['rate']:.0f} ({min(rates):.0f} to {max(rates):.0f})",
                "" if None in efficiencies else f"{statistics.median(efficiencies):.0%}",
                ", ".join(f"{name} {share:.0%}" for name, share in run["share"].items()),
                ", ".join(f"{name} {cores:.2f}" for name, cores in run["cores"].items()),
                f"{run['commands']:.1f}",
                f"{run['machine']:.0%}",
                f"{speeds[-1] / speeds[0]:.0%}" if speeds[0] else "",
                ", ".join(full) or "none of them",
            ]
        )
    header = (
        *("replicas of each service", "orders/s", "efficiency of the doubling"),
        *("CPU relative to the limit", "cores of the stores and the load"),
        *("commands to MongoDB per order", "CPU of the machine"),
        *("work of a second of CPU", "full"),
    )
    images = [
        f"![{plot.title}. {plot.description}]({IMAGES.as_posix()}/{plot.name}.svg)"
        for plot in plots.find_plots({SCALING: found})
    ]
    return "\n\n".join([*images, _table(header, rows), f"({_when(found)})"])


def _purchase_work(results: Results) -> str:
    found = results.get(PURCHASE_WORK)
    if found is None:
        return f"Not counted yet: `make bench ONLY={PURCHASE_WORK}`."
    rows = [[row["work"], row["ours"]] for row in found["rows"]]
    return f"{_table(('', 'for each purchase'), rows)}\n\n({_when(found)})"


def _all_results(results: Results) -> str:
    environments: dict[tuple[str, str], list[str]] = {}
    for name, found in results.items():
        environments.setdefault((found["machine"], found["versions"]), []).append(name)
    lines = [
        f"Machine of {', '.join(names)}: {machine}; {versions}.\n"
        for (machine, versions), names in environments.items()
    ]
    header = ("workload", "ours", "reference", "throughput ratio", "CPU ratio", "target", "")
    rows: list[list[str]] = []
    for name, found in results.items():
        load = f"load average {found['load']:.0f}"
        rows.append([f"**{name}** ({_when(found)}, {load})", *[""] * (len(header) - 1)])
        for row in found["rows"]:
            met = {None: "", True: "met", False: "**not met**"}[row["met"]]
            columns = ("work", "ours", "theirs", "ratio", "cpu", "target")
            rows.append([*(row[column] for column in columns), met])
    return "\n".join([*lines, _table(header, rows)])


PARTS: Final[dict[str, Callable[[Results], str]]] = {
    "targets": _targets,
    "plots": _plots,
    SCALING: _scaling,
    PURCHASE_WORK: _purchase_work,
    "results": _all_results,
}

if __name__ == "__main__":
    write_documents()
