"""A short run of `make chaos`. `tests/chaos` defines what is killed and checked."""

import os
import subprocess
import sys

import pytest

from ticketing_local.stack.paths import ROOT

OPTIONS = {
    "--seed": "7",
    "--minutes": "0.4",
    "--rounds": "2",
    "--rate": "25",  # half of the nightly load, which a busy machine cannot process
    "--users": "60",
    # The nightly run measures the times. Here the machine may be slow and busy with other tests.
    "--max-recovery-seconds": "180",
    "--max-lateness-seconds": "60",
}


@pytest.mark.timeout(900)
def test_short_chaos_run_has_no_violations() -> None:
    path = os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")]))
    options = [part for option in OPTIONS.items() for part in option]
    run = subprocess.run(
        [sys.executable, "-m", "chaos", *options, "--memory"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
