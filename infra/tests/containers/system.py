"""Runs the Compose project with its own name, volumes and ports."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from ticketing_local.testing.free_ports import free_port

ROOT = Path(__file__).parents[3]
ORDER_EXPIRATION_SECONDS = 8  # short, because the demo waits for an expiration


def is_available(image: str) -> bool:
    """Return whether an image exists locally or can be pulled."""
    return any(
        subprocess.run(["docker", *command, image], capture_output=True, check=False).returncode
        == 0
        for command in (("image", "inspect"), ("pull", "--quiet"))
    )


class ComposeSystem:
    """A Compose project under test."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"
        self.prometheus_port = free_port()
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("STRIPE_")} | {
            "COMPOSE_PROJECT_NAME": "ticketing-test",
            "PORT": str(self.port),
            "STRIPE_PORT": str(free_port()),
            "PROMETHEUS_PORT": str(self.prometheus_port),
            "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
        }

    def compose(self, *arguments: str) -> str:
        result = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise AssertionError(f"docker compose {' '.join(arguments)}: {result.stderr[-3000:]}")
        return result.stdout

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return every container by its service name."""
        ids = self.compose("ps", "--all", "--quiet").split()
        shown = subprocess.run(["docker", "inspect", *ids], capture_output=True, check=True).stdout
        return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in json.loads(shown)}

    def demo(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / ".venv/bin/python", "-m", "ticketing_local", "demo"],
            env=self._environment | {"TICKETING_HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
