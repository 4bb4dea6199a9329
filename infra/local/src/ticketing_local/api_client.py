"""A user of the running system, as the scripts play one: through the gateway, like a browser."""

import json
import os
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from ticketing_local.errors import Trouble
from ticketing_local.stack import ports
from ticketing_local.stack.paths import Home

PATIENCE = 15.0
"""Services hear of one another in milliseconds; on a machine that has just started, in seconds."""


class Person:
    """Someone with an email, a password and cookies."""

    def __init__(self, address: str, email: str, password: str) -> None:
        self.email = email
        self._credentials = {"email": email, "password": password}
        self._http = httpx.Client(base_url=address, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def sign_up(self) -> None:
        """Make an account."""
        self.ask("POST", "/api/users/signup", self._credentials, expect=201)

    def sign_in_or_up(self) -> None:
        """Come back, or come for the first time."""
        known = self._send("POST", "/api/users/signin", self._credentials)
        if known.status_code != HTTPStatus.OK:
            self.sign_up()

    def ask(self, method: str, path: str, body: object = None, *, expect: int = 200) -> Any:
        """Send a request that must be answered with this status, and give the answer.

        Not found is asked again for a while: a service may not have heard yet of what another one
        has just done.
        """
        deadline = time.monotonic() + PATIENCE
        answer = self._send(method, path, body)
        while answer.status_code == HTTPStatus.NOT_FOUND and time.monotonic() < deadline:
            time.sleep(0.05)
            answer = self._send(method, path, body)
        if answer.status_code != expect:
            raise Trouble(
                f"{method} {path} should answer {expect}, "
                f"but answered {answer.status_code}: {answer.text[:300]}"
            )
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, body: object) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body)
        except httpx.TransportError:
            raise Trouble(f"{self._http.base_url} does not answer: make start.") from None


def until(what: str, is_so: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something is so, or say that it never came to be."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise Trouble(f"After {seconds:.0f} s it is still not so: {what}.")
        time.sleep(0.05)


def running_address() -> str:
    """Give the gateway of the system that runs here, wherever its port was moved."""
    try:
        return str(json.loads(Home.from_environment().lock.read_text())["address"])
    except (OSError, ValueError, KeyError):
        return f"http://localhost:{ports.chosen(os.environ)['gateway']}"
