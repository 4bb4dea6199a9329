"""Every benchmark row that docs/scaling.md quotes exists in docs/benchmarks.md."""

import re

import pytest
from manifests import ROOT

PAGE = (ROOT / "docs/scaling.md").read_text()
NAMED_ROWS = sorted({re.sub(r"\s+", " ", name) for name in re.findall(r'"([^"]+)"', PAGE)})
BENCHMARK_SOURCES = "\n".join(file.read_text() for file in (ROOT / "benchmarks").glob("*.py"))


def test_page_names_many_rows() -> None:
    assert len(NAMED_ROWS) >= 10


@pytest.mark.parametrize("name", NAMED_ROWS)
def test_named_row_is_written_by_a_benchmark(name: str) -> None:
    written = re.escape(name).replace(re.escape("..."), r"\{\w+\}")
    assert re.search(written, BENCHMARK_SOURCES)
