"""Plots of the benchmarks as SVG. The same input gives the same bytes."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final
from xml.sax.saxutils import escape

Points = Sequence[Sequence[float]]

TEMPLATE: Final = Template(Path(__file__).with_name("plot.svg.template").read_text())
TITLES: Final = {
    "growth": "Lists and searches, by the number of stored tickets",
    "data-growth": "By the number of stored orders, charges and accounts",
    "scaling": "Orders per second, by the number of replicas of each service",
}
X_LABELS: Final = {"growth": "stored tickets", "scaling": "replicas of each service"}
LINEAR: Final = "twice the rate for twice the replicas"
COLOURS, DASHES = 9, 3
"""The classes of lines in the template. Neighbours differ by more than their colour."""
LEFT, RIGHT, TOP, BOTTOM = 76, 500, 64, 300
LEGEND_LEFT, LEGEND_STEP = RIGHT + 20, 21.0


@dataclass(frozen=True)
class Plot:
    """One plot: its file, its words, and its lines by their labels."""

    name: str
    title: str
    x_label: str
    unit: str
    lines: dict[str, Points]

    @property
    def description(self) -> str:
        """The plot in words, for a reader who does not see it."""
        xs = [x for points in self.lines.values() for x, _ in points]
        parts = [
            f"{label} {_number(points[0][1])} to {_number(points[-1][1])}"
            for label, points in self.lines.items()
        ]
        span = f"{_number(min(xs))} to {_number(max(xs))} {self.x_label}"
        return f"{self.unit}, for {span}: {'; '.join(parts)}."


def find_plots(results: dict[str, Any]) -> list[Plot]:
    """Return a plot for each section and unit whose rows have points."""
    plots: dict[str, Plot] = {}
    for section, found in results.items():
        for row in found["rows"]:
            if not row["points"]:
                continue
            unit = row["unit"]
            name = f"{section}-{re.sub('[^a-z]+', '-', unit.lower()).strip('-')}"
            title = TITLES.get(section, section.replace("-", " ").capitalize())
            x_label = X_LABELS.get(section, "stored documents")
            plot = plots.setdefault(name, Plot(name, title, x_label, unit, {}))
            plot.lines[row["work"]] = row["points"]
            if section == "scaling":
                first_x, first_y = row["points"][0]
                plot.lines[LINEAR] = [(x, first_y * x / first_x) for x, _ in row["points"]]
    return list(plots.values())


def render(plot: Plot) -> str:
    """Return the SVG of a plot.

    The values on the left are logarithmic if they span more than tenfold, those below always.
    """
    xs = sorted({x for points in plot.lines.values() for x, _ in points})
    values = [y for points in plot.lines.values() for _, y in points]
    is_log = min(values) > 0 and max(values) > 10 * min(values)
    ticks = _log_ticks(min(values), max(values)) if is_log else _linear_ticks(max(values))
    low, high = ticks[0], ticks[-1]
    width = math.log(xs[-1] / xs[0]) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        along = math.log(x / xs[0]) / width
        up = math.log(y / low) / math.log(high / low) if is_log else y / high
        return LEFT + (RIGHT - LEFT) * along, BOTTOM - (BOTTOM - TOP) * up

    parts: list[str] = []
    for tick in ticks:
        _, y = place(xs[0], tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{LEFT - 8}" y="{y + 4:.1f}">{_number(tick)}</text>')
    for one in xs:
        x, _ = place(one, high)
        parts.append(f'<text class="middle" x="{x:.1f}" y="{BOTTOM + 20}">{_number(one)}</text>')
    step = min(LEGEND_STEP, (BOTTOM - TOP) / len(plot.lines))
    ordered = sorted(plot.lines.items(), key=lambda line: -line[1][-1][1])
    for n, (label, points) in enumerate(ordered):
        colour = f"var(--c{n % COLOURS})"
        line = f'class="line d{n % DASHES}" stroke="{colour}"'
        places = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline {line} points="{path}"/>')
        parts += [f'<circle fill="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
        legend_y, end = TOP + step * n, LEGEND_LEFT + 24
        parts.append(f'<path {line} d="M{LEGEND_LEFT} {legend_y:.1f}H{end}"/>')
        text = f"{escape(label)}: {_number(points[-1][1])}"
        parts.append(f'<text x="{end + 8}" y="{legend_y + 4:.1f}">{text}</text>')
    return TEMPLATE.substitute(
        title=escape(plot.title),
        description=escape(plot.description),
        unit=escape(plot.unit),
        x_label=escape(plot.x_label),
        body="\n".join(parts),
    )


def _log_ticks(low: float, high: float) -> list[float]:
    return [10.0**n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def _linear_ticks(high: float) -> list[float]:
    size = 10.0 ** math.floor(math.log10(high or 1))
    step = next(size * part for part in (0.2, 0.5, 1, 2) if high <= size * part * 6)
    return [step * n for n in range(max(1, math.ceil(high / step - 1e-9)) + 1)]


def _number(value: float) -> str:
    """Return a number with three significant digits, or all digits before the point."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
