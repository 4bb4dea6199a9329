"""`make start` to ready, from nothing stored and with what a run before has stored."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.measure import Options, Row
from benchmarks.testbed import Stage
from support.ports import free_block
from ticketing_local.errors import Trouble
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.ports import NEXT_REPLICA, PORTS

HOME = ROOT / ".local" / "bench-start"
PATIENCE = 180


def start(_: Stage, options: Options) -> list[Row]:
    """Start the whole system with the one command, wait until it says ready, stop it."""
    shutil.rmtree(HOME, ignore_errors=True)
    first, *later = (_once(HOME) for _ in range(2 if options.quick else 4))
    shutil.rmtree(HOME, ignore_errors=True)
    shown = ", ".join(f"{seconds:.1f}" for seconds in later)
    return [
        Row("make start to ready (tools and packages there)", f"{first:.1f} s; again {shown} s")
    ]


def _once(home: Path) -> float:
    ports = free_block(PORTS, NEXT_REPLICA, 1)
    told = {variable: str(ports[name]) for name, (variable, _) in PORTS.items()}
    began = time.monotonic()
    with subprocess.Popen(
        ["make", "start"],
        cwd=ROOT,
        env={**os.environ, **told, "TICKETING_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as system:
        try:
            for line in system.stdout or ():
                if re.match("Ready after", line):
                    return time.monotonic() - began
            raise Trouble("make start ended without being ready")
        finally:
            os.killpg(system.pid, signal.SIGINT)
            system.communicate(timeout=PATIENCE)
