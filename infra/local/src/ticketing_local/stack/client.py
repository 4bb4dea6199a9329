"""The web client, built only when its sources have changed."""

import fcntl
import hashlib
import subprocess
from collections.abc import Mapping

import click

from ticketing_local.errors import CliError
from ticketing_local.stack import binaries, environment, node, readiness
from ticketing_local.stack.paths import ROOT, TOOLS
from ticketing_local.stack.program import Program

CLIENT = ROOT / "client"
SERVER = CLIENT / ".next" / "standalone" / "server.js"
BUILD_OUTPUTS = {"node_modules", ".next", "next-env.d.ts", "tsconfig.tsbuildinfo", "README.md"}
BUILD_TIMEOUT_SECONDS = 900
UNBUILDABLE_CHARACTER = "#"
"""Tailwind reads what follows it in a path as a fragment of a URL."""


def enabled(environ: Mapping[str, str]) -> bool:
    """Return whether this run includes the client. `CLIENT=off` excludes it."""
    return environ.get("CLIENT") != "off" and (CLIENT / "package.json").exists()


def program(port: int, gateway_port: int, environ: Mapping[str, str]) -> Program:
    """Build the client if needed, and return its program."""
    executable = binaries.find(binaries.NODE)
    build()
    return Program(
        "client",
        (executable, SERVER),
        port,
        readiness.http_ok(f"http://127.0.0.1:{port}/healthz"),
        {
            "PORT": str(port),
            "HOSTNAME": "127.0.0.1",
            "API_URL": f"http://127.0.0.1:{gateway_port}",
            "NODE_ENV": "production",
            "NEXT_TELEMETRY_DISABLED": "1",
            **environment.select(environ, "ADDRESS_PAGE*", "SITE_*", "TRUSTED_PROXIES"),
        },
    )


def check_path() -> None:
    """Raise `CliError` if the client's build tools cannot read files in this folder."""
    if UNBUILDABLE_CHARACTER in str(CLIENT):
        raise CliError(
            f"The path of this folder contains {UNBUILDABLE_CHARACTER}, with which the web client "
            f"cannot be built: {ROOT}. Rename it, or start without it: CLIENT=off make start"
        )


def is_built() -> bool:
    """Return whether the client is built from its present sources."""
    stamp = CLIENT / ".next" / "built-from"
    return SERVER.exists() and stamp.exists() and stamp.read_text() == _source_hash()


def build() -> None:
    """Run `npm ci` and the build, unless the client is built."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel first runs build once
        if is_built():
            return
        source_hash = _source_hash()
        click.echo("Installing the packages of the web client ...")
        _npm("ci", "--no-audit", "--no-fund")
        click.echo("Building the web client ...")
        _npm("run", "build")
        (CLIENT / ".next" / "built-from").write_text(source_hash)


def _npm(*arguments: str) -> None:
    try:
        result = subprocess.run(
            node.tool("npm", *arguments),
            cwd=CLIENT,
            env=node.environment(),
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
        raise CliError(
            f"npm {' '.join(arguments)} failed in client/. To start without the web client: "
            f"CLIENT=off make start\n{last_lines}"
        )


def _source_hash() -> str:
    """Return a hash of all source files."""
    digest = hashlib.sha256()
    sources = [top for top in CLIENT.iterdir() if top.name not in BUILD_OUTPUTS]
    for path in sorted(file for top in sources for file in [top, *top.rglob("*")]):
        if path.is_file():
            digest.update(f"{path.relative_to(CLIENT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
