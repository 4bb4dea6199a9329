"""The pages and plots of the benchmarks equal what `make docs` writes from their results."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks import documents, plots
from benchmarks.cpu_limits import PERIOD_MICROSECONDS, open_groups
from benchmarks.plots import Plot
from benchmarks.yardstick import run_yardstick
from ticketing_local.errors import CliError

RESULTS: Final = documents.read_results()
SVG: Final = "{http://www.w3.org/2000/svg}"
PLOT: Final = Plot(
    "sizes", "Sizes <of> stores", "stored & kept", "MiB", {"a": [(10, 1), (100, 2)], "b": [(10, 0)]}
)


@pytest.mark.parametrize(
    "path",
    sorted(documents.render_documents(RESULTS)),
    ids=lambda path: path.relative_to(documents.DOCS).as_posix(),
)
def test_benchmark_document_equals_what_make_docs_writes(path: Path) -> None:
    assert path.read_text() == documents.render_documents(RESULTS)[path]


def test_committed_plots_are_those_of_the_results() -> None:
    drawn = {path for path in documents.render_documents(RESULTS) if path.suffix == ".svg"}

    assert set((documents.DOCS / documents.IMAGES).glob("*.svg")) == drawn


def test_every_result_has_its_date_commit_and_machine() -> None:
    for section in RESULTS.values():
        assert section["date"]
        assert section["commit"]
        assert section["machine"]


def test_target_counts_the_rounds_that_met_it() -> None:
    row: dict[str, Any] = {"work": "orders", "ours": "9/s", "target": "8/s", "met": True}
    row |= {"figure": "", "ratio": ""}
    rounds = [[True], [False], [True]]
    section = {"date": "2026-11-29T20:00", "commit": "abc", "rows": [row], "rounds": rounds}

    table = documents.PARTS["targets"]({"orders": section})

    assert table.endswith("| orders | 8/s | 9/s | met | 2 of 3 | orders, 2026-11-29, abc |")


def test_plot_describes_itself_in_words() -> None:
    root = ET.fromstring(plots.render(PLOT))  # noqa: S314 - our own file

    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Sizes <of> stores"
    description = root.findtext(f"{SVG}desc") or ""
    assert description == "MiB, for 10 to 100 stored & kept: a 1 to 2; b 0 to 0."


def test_plot_of_one_value_is_drawn() -> None:
    one = Plot("one", "One", "x", "s", {"only": [(1, 0)]})

    assert "only: 0" in plots.render(one)


def test_skipped_scaling_section_states_the_reason() -> None:
    row: dict[str, Any] = {"work": "orders", "ours": "skipped: no cgroup", "runs": [], "points": []}
    section = {"date": "2026-11-29T20:00", "commit": "abc", "rows": [row]}

    assert documents.PARTS["scaling"]({"scaling": section}) == (
        "skipped: no cgroup (2026-11-29, abc)."
    )


@pytest.mark.parametrize(("cpus", "quota"), [(0.1, 10_000), (None, None)])
def test_cpu_limit_writes_the_quota_of_either_cgroup_version(
    tmp_path: Path, cpus: float | None, quota: int | None
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (first / "cpu").mkdir(parents=True)
    (first / "cpu/cgroup.procs").touch()
    second.mkdir()
    (second / "cgroup.subtree_control").write_text("memory")

    written: dict[str, str] = {}
    for root in (first, second):
        with pytest.raises(OSError), open_groups(root) as create_group:  # noqa: PT011, PT012 - a folder is no cgroup
            folder = create_group("a", cpus).folder
            written |= {file.name: file.read_text() for file in folder.iterdir()}

    assert written["cpu.cfs_quota_us"] == str(-1 if quota is None else quota)
    assert written["cpu.cfs_period_us"] == str(PERIOD_MICROSECONDS)
    assert written["cpu.max"] == f"{'max' if quota is None else quota} {PERIOD_MICROSECONDS}"
    assert (second / "cgroup.subtree_control").read_text() == "+cpu"


def test_cpu_limit_without_cgroups_names_the_reason(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="writable"), open_groups(tmp_path):
        pass


def test_yardstick_measures_the_work_of_a_second_of_cpu() -> None:
    with run_yardstick() as yardstick:
        speed = yardstick.stop()

    assert speed > 0


def test_scaling_table_says_when_the_machine_is_full() -> None:
    run: dict[str, Any] = {
        "replicas": 1,
        "rate": 100.0,
        "efficiency": None,
        "share": {"orders": 0.99},
        "cores": {"mongod": 0.1},
        "commands": 1.0,
        "machine": 0.5,
        "speed": 1000.0,
    }
    more = run | {"replicas": 2, "efficiency": 0.8, "machine": 0.95, "speed": 900.0}
    rows: list[dict[str, Any]] = [{"work": "", "runs": [one], "points": []} for one in (run, more)]
    section = {"date": "2026-11-29T20:00", "commit": "abc", "rows": rows}

    lines = documents.PARTS["scaling"]({"scaling": section}).splitlines()

    assert [line.split(" | ")[-2:] for line in lines if line.startswith(("| 1", "| 2"))] == [
        ["100%", "orders |"],
        ["90%", "orders, the machine |"],
    ]
