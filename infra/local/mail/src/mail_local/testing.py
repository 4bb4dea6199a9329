"""Test support: the server as a process that can be killed."""

import sys
from pathlib import Path
from typing import Any, Final

import httpx

from mail_local.control_api import CONTROL_HEADERS
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import readiness
from ticketing_local.stack.program import Program
from ticketing_local.testing.free_ports import free_port

ReceivedLetter = dict[str, Any]

TIMEOUT_SECONDS: Final = 60.0
"""How long a page of letters may take on a machine that is busy with other tests."""


class MailControl:
    """The control API of a running mail server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def letters(self, to: str = "") -> list[ReceivedLetter]:
        """Return the received letters in the order of their arrival."""
        found: list[ReceivedLetter] = []
        after: int | None = 0
        while after is not None:
            query = {"to": to, "after": after}
            page = httpx.get(
                f"{self.url}/_local/letters",
                params=query,
                headers=CONTROL_HEADERS,
                timeout=TIMEOUT_SECONDS,
            )
            found += page.json()["data"]
            after = page.json()["next"]
        return found

    def fault(self, action: str, **more: Any) -> None:
        """Arm a fault."""
        body = {"action": action, **more}
        httpx.post(
            f"{self.url}/_local/faults", json=body, headers=CONTROL_HEADERS
        ).raise_for_status()

    def clear(self) -> None:
        """Delete all letters and faults."""
        httpx.delete(f"{self.url}/_local/letters", headers=CONTROL_HEADERS).raise_for_status()
        self.clear_faults()

    def clear_faults(self) -> None:
        """Disarm all faults and end their delays."""
        httpx.delete(f"{self.url}/_local/faults", headers=CONTROL_HEADERS).raise_for_status()


class Server(ManagedProcess):
    """The local mail server."""

    def __init__(self, database: Path) -> None:
        self.port, self.smtp_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.smtp_url = f"smtp://127.0.0.1:{self.smtp_port}"
        self.control = MailControl(self.url)
        command = (
            *(sys.executable, "-m", "mail_local"),
            *("--port", str(self.port), "--smtp-port", str(self.smtp_port), "--db", database),
        )
        is_ready = readiness.http_ok(f"{self.url}/_local/health")
        super().__init__(Program("mail", command, self.port, is_ready))
