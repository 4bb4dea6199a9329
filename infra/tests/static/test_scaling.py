"""docs/scaling.md computes with rows of docs/benchmarks.md: each that it names is one."""

import re

import pytest
from manifests import ROOT

PAGE = (ROOT / "docs/scaling.md").read_text()
NAMED = sorted({re.sub(r"\s+", " ", name) for name in re.findall(r'"([^"]+)"', PAGE)})
BENCHES = "\n".join(file.read_text() for file in (ROOT / "benchmarks").glob("*.py"))


def test_rows_are_named() -> None:
    assert len(NAMED) >= 10


@pytest.mark.parametrize("name", NAMED)
def test_a_named_row_is_one_that_the_benchmarks_write(name: str) -> None:
    written = re.escape(name).replace(re.escape("..."), r"\{\w+\}")
    assert re.search(written, BENCHES)
