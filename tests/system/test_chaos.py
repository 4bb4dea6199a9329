"""A short run of `make chaos`. `tests/chaos` defines what is killed and checked."""

import os
import subprocess
import sys

import pytest

from ticketing_local.stack.paths import ROOT

SEED = "7"
MINUTES = "0.4"


@pytest.mark.timeout(400)
def test_short_chaos_run_has_no_violations() -> None:
    path = os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
    options = ["--seed", SEED, "--minutes", MINUTES, "--rounds", "2", "--memory"]
    run = subprocess.run(
        [sys.executable, "-m", "chaos", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
