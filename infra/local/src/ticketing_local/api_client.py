"""A user of the running system, as the scripts play one: through the gateway, like a browser."""

import json
import os
import time
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from ticketing_local.errors import CliError
from ticketing_local.stack import ports
from ticketing_local.stack.paths import Home

WAIT_TIMEOUT_SECONDS = 15.0
"""Services hear of one another in milliseconds; on a machine that has just started, in seconds."""


class ApiUser:
    """Someone with an email, a password and cookies."""

    def __init__(self, address: str, email: str, password: str) -> None:
        self.email = email
        self._credentials = {"email": email, "password": password}
        self._client = httpx.Client(base_url=address, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def sign_up(self) -> None:
        """Make an account."""
        self.request_ok("POST", "/api/users/signup", self._credentials, expect=201)

    def sign_in_or_up(self) -> None:
        """Come back, or come for the first time."""
        response = self._request("POST", "/api/users/signin", self._credentials)
        if response.status_code != HTTPStatus.OK:
            self.sign_up()

    def request_ok(self, method: str, path: str, body: object = None, *, expect: int = 200) -> Any:
        """Send a request that must be answered with this status, and give the answer.

        Not found is asked again for a while: a service may not have heard yet of what another one
        has just done.
        """
        deadline = time.monotonic() + WAIT_TIMEOUT_SECONDS
        response = self._request(method, path, body)
        while response.status_code == HTTPStatus.NOT_FOUND and time.monotonic() < deadline:
            time.sleep(0.05)
            response = self._request(method, path, body)
        if response.status_code != expect:
            raise CliError(
                f"{method} {path} should answer {expect}, "
                f"but answered {response.status_code}: {response.text[:300]}"
            )
        return response.json() if response.content else None

    def _request(self, method: str, path: str, body: object) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except httpx.TransportError:
            raise CliError(f"{self._client.base_url} does not answer: make start.") from None


def wait_until(
    description: str, condition: Callable[[], bool], seconds: float = WAIT_TIMEOUT_SECONDS
) -> None:
    """Wait until something is so, or say that it never came to be."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CliError(f"After {seconds:.0f} s it is still not so: {description}.")
        time.sleep(0.05)


def gateway_address() -> str:
    """Give the gateway of the system that runs here, wherever its port was moved."""
    try:
        return str(json.loads(Home.from_environment().lock.read_text())["address"])
    except (OSError, ValueError, KeyError):
        return f"http://localhost:{ports.resolve_ports(os.environ)['gateway']}"
