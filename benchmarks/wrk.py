"""Load by wrk: a closed loop of connections, or requests at a fixed rate."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ticketing_local.errors import CliError

SCRIPT = Path(__file__).with_name("wrk.lua")
CONNECTIONS = 64


@dataclass(frozen=True)
class Load:
    """The results of wrk, with times in milliseconds."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float
    longest: float
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    """Responses by status; counted only at a fixed rate."""
    unretried: int = 0
    """503 responses without Retry-After."""

    @property
    def answered(self) -> int:
        """The number of successful responses."""
        return self.requests - self.refused

    @property
    def rate(self) -> float:
        """Successful responses per second."""
        return self.answered / self.seconds


def load(
    port: int,
    requests: Sequence[bytes],
    seconds: float,
    *,
    connections: int = CONNECTIONS,
    rate: float = 0,
) -> Load:
    """Send the requests in a cycle for the given time.

    Raises:
        CliError: wrk is not installed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise CliError(
            "wrk is not installed. Debian, Ubuntu: apt-get install wrk; macOS: brew install wrk"
        )
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(requests))
        file.flush()
        command = (
            *(wrk, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"),
            *("-s", SCRIPT, f"http://127.0.0.1:{port}", "--", file.name, str(rate)),
        )
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (line,) = (line for line in output.splitlines() if line.startswith("JSON"))
    return Load(**json.loads(line.removeprefix("JSON")))


def request(method: str, path: str, body: object = None, **headers: str) -> bytes:
    """Render an HTTP request. Underscores in header names become dashes."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content
