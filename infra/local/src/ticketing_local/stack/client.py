"""The web client: built once, and again only when its sources have changed."""

import fcntl
import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ticketing_local.errors import Trouble
from ticketing_local.stack import readiness
from ticketing_local.stack.paths import ROOT, TOOLS
from ticketing_local.stack.program import Program

CLIENT = ROOT / "client"
SERVER = CLIENT / ".next" / "standalone" / "server.js"
OLDEST_NODE = 20
MADE = {"node_modules", ".next", "next-env.d.ts", "tsconfig.tsbuildinfo", "README.md"}
BUILD_SECONDS = 900
MEND = (
    "Install Node 20 or later (macOS: brew install node; Debian, Ubuntu: apt-get install nodejs "
    "npm), or start without the web client: CLIENT=off make start"
)


def wanted(caller: Mapping[str, str]) -> bool:
    """Say whether the client is part of this run; `CLIENT=off` leaves it out."""
    return caller.get("CLIENT", "on") != "off" and (CLIENT / "package.json").exists()


def program(port: int, gateway: int) -> Program:
    """Give the client's program, built from the sources as they are now."""
    node = _node()
    _build()
    return Program(
        "client",
        (node, SERVER),
        port,
        readiness.http_ok(f"http://127.0.0.1:{port}/healthz"),
        {
            "PORT": str(port),
            "HOSTNAME": "127.0.0.1",
            "API_URL": f"http://127.0.0.1:{gateway}",
            "NODE_ENV": "production",
            "NEXT_TELEMETRY_DISABLED": "1",
        },
    )


def _node() -> Path:
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        raise Trouble(f"node and npm are not in PATH. {MEND}")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)", said)
    if not version or int(version[1]) < OLDEST_NODE:
        raise Trouble(f"{found} is {said.strip() or 'broken'}, too old. {MEND}")
    return Path(found)


def _build() -> None:
    """Install and build, unless this very state was built before."""
    stamp = CLIENT / ".next" / "built-from"
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first runs at once build it once
        state = _state()
        if SERVER.exists() and stamp.exists() and stamp.read_text() == state:
            return
        print("Building the web client; the first time this takes a minute ...", flush=True)
        _npm("ci", "--no-audit", "--no-fund")
        _npm("run", "build")
        stamp.write_text(state)


def _npm(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["npm", *arguments],
            cwd=CLIENT,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"npm {arguments[0]} did not end in {BUILD_SECONDS} s.") from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Trouble(
            f"npm {' '.join(arguments)} fails in client/. {MEND}\n" + "\n".join(said[-12:])
        )


def _state() -> str:
    """Name the state of the sources: changed when any of them is."""
    digest = hashlib.sha256()
    for path in sorted(CLIENT.rglob("*")):
        inside = path.relative_to(CLIENT)
        if inside.parts[0] not in MADE and path.is_file():
            digest.update(f"{inside}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
