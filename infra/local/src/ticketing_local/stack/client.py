"""The web client, built only when its sources have changed."""

import fcntl
import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import click

from ticketing_local.errors import CliError
from ticketing_local.stack import environment, readiness
from ticketing_local.stack.paths import ROOT, TOOLS
from ticketing_local.stack.program import Program

CLIENT = ROOT / "client"
SERVER = CLIENT / ".next" / "standalone" / "server.js"
MIN_NODE_VERSION = 20
BUILD_OUTPUTS = {"node_modules", ".next", "next-env.d.ts", "tsconfig.tsbuildinfo", "README.md"}
BUILD_TIMEOUT_SECONDS = 900
NODE_HINT = (
    "Install Node 20 or later (macOS: brew install node; Debian, Ubuntu: apt-get install nodejs "
    "npm), or start without the web client: CLIENT=off make start"
)


def enabled(environ: Mapping[str, str]) -> bool:
    """Return whether this run includes the client. `CLIENT=off` excludes it."""
    return environ.get("CLIENT", "on") != "off" and (CLIENT / "package.json").exists()


def program(port: int, gateway_port: int, environ: Mapping[str, str]) -> Program:
    """Build the client if needed, and return its program."""
    node = _find_node()
    _build()
    return Program(
        "client",
        (node, SERVER),
        port,
        readiness.http_ok(f"http://127.0.0.1:{port}/healthz"),
        {
            "PORT": str(port),
            "HOSTNAME": "127.0.0.1",
            "API_URL": f"http://127.0.0.1:{gateway_port}",
            "NODE_ENV": "production",
            "NEXT_TELEMETRY_DISABLED": "1",
            **environment.select(environ, "ADDRESS_PAGE*", "TRUSTED_PROXIES"),
        },
    )


def _find_node() -> Path:
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        raise CliError(f"node and npm are not in PATH. {NODE_HINT}")
    result = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)", result.stdout)
    if not version or int(version[1]) < MIN_NODE_VERSION:
        reported = result.stdout.strip() or "no version"
        raise CliError(f"{found} is too old ({reported}). {NODE_HINT}")
    return Path(found)


def _build() -> None:
    """Run `npm ci` and the build, unless these sources are already built."""
    stamp = CLIENT / ".next" / "built-from"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel first runs build once
        source_hash = _source_hash()
        if SERVER.exists() and stamp.exists() and stamp.read_text() == source_hash:
            return
        click.echo("Building the web client. This takes about a minute ...")
        _npm("ci", "--no-audit", "--no-fund")
        _npm("run", "build")
        stamp.write_text(source_hash)


def _npm(*arguments: str) -> None:
    try:
        result = subprocess.run(
            ["npm", *arguments],
            cwd=CLIENT,
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        command = f"npm {arguments[0]}"
        raise CliError(f"{command} did not finish within {BUILD_TIMEOUT_SECONDS} s.") from None
    if result.returncode:
        output = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        last_lines = "\n".join(output[-12:])
        raise CliError(f"npm {' '.join(arguments)} failed in client/. {NODE_HINT}\n{last_lines}")


def _source_hash() -> str:
    """Return a hash of all source files."""
    digest = hashlib.sha256()
    for path in sorted(CLIENT.rglob("*")):
        relative = path.relative_to(CLIENT)
        if relative.parts[0] not in BUILD_OUTPUTS and path.is_file():
            digest.update(f"{relative}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
