"""The results on the terminal and in docs/benchmarks.json, which has each section's latest run."""

import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from benchmarks import documents
from benchmarks.measure import Row
from benchmarks.testbed import REFERENCE
from ticketing_local.stack import binaries
from ticketing_local.stack.paths import ROOT

MAX_ROUNDS: Final = 3
"""The rounds in a row of which the verdicts are shown."""


def print_rows(rows: list[Row]) -> None:
    """Print the rows of a section."""
    for row in rows:
        verdict = "met" if row.met else "NOT MET"
        suffix = "" if row.met is None else f"  [{verdict}: {row.target}]"
        print(f"{row.work}{suffix}\n    ours       {row.ours}", flush=True)
        if row.theirs:
            print(f"    reference  {row.theirs}\n    ratio      {row.ratio}", flush=True)
        if row.cpu:
            print(f"    CPU ratio  {row.cpu}", flush=True)


def save_rows(section: str, rows: list[Row]) -> None:
    """Replace a section's results in docs/benchmarks.json, and write the documents from it.

    The verdicts of earlier rounds of the same commit are kept, because a target is met if it is met
    several times in a row.
    """
    results = documents.read_results()
    commit = _output("git", "rev-parse", "--short", "HEAD")
    earlier = results.get(section, {})
    verdicts = [row.met for row in rows if row.met is not None]
    is_same_code = earlier.get("commit") == commit
    rounds: list[list[bool]] = earlier.get("rounds", []) if is_same_code else []
    rounds = [one for one in rounds if len(one) == len(verdicts)]
    results[section] = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "commit": commit,
        "rounds": [*rounds, verdicts][-MAX_ROUNDS:],
        "load": os.getloadavg()[0],
        "machine": _machine(),
        "versions": _versions(),
        "rows": [asdict(row) for row in rows],
    }
    documents.RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    documents.write_documents()


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(": ")[2] if named else model
    memory = psutil.virtual_memory().total / 2**30
    return f"{model}, {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def _versions() -> str:
    packages = ("fastapi", "uvicorn", "pymongo", "nats-py", "pydantic")
    our_versions = [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in packages)]
    dependencies: dict[str, str] = json.loads((REFERENCE / "package.json").read_text())[
        "dependencies"
    ]
    reference_versions = [
        f"Node {_output('node', '--version')}",
        *(f"{n} {dependencies[n]}" for n in ("express", "mongoose")),
    ]
    mongod = _output(str(binaries.find(binaries.MONGOD)), "--version").splitlines()[0]
    nats = _output(str(binaries.find(binaries.NATS)), "--version")
    return "; ".join([", ".join(our_versions), ", ".join(reference_versions), mongod, nats])


def _output(*command: str) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
