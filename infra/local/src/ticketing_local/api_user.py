"""A user of the API, for tests and scripts: through the gateway, with cookies, like a browser."""

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx

from ticketing_local.errors import CliError
from ticketing_local.stack import ports
from ticketing_local.stack.paths import Home
from ticketing_local.stack.run_record import find_running

PASSWORD = "correct horse battery"  # noqa: S105 - of users that exist only in a test
VISA = "tok_visa"
TIMEOUT_SECONDS = 60.0
"""How long a user waits for a response, and for an event to reach another service. Both take
milliseconds, or seconds just after a start and on a busy machine."""
POLL_INTERVAL_SECONDS = 0.05
CERTIFICATES = ssl.create_default_context()
"""Shared, because loading it for each of many users takes long."""


class ApiUser:
    """A user with an email, a password and cookies."""

    def __init__(self, address: str, email: str, password: str = PASSWORD) -> None:
        self.email = email
        self.id = ""
        self.credentials = {"email": email, "password": password}
        self.http = httpx.AsyncClient(
            base_url=address, timeout=TIMEOUT_SECONDS, trust_env=False, verify=CERTIFICATES
        )

    @classmethod
    async def sign_up(cls, address: str, name: str = "user", password: str = PASSWORD) -> Self:
        """Create an account with a new email address."""
        user = cls(address, new_email(name), password)
        await user.create_account()
        return user

    async def create_account(self) -> None:
        """Sign up with these credentials."""
        account = await self.request_ok("POST", "/api/users/signup", self.credentials, expect=201)
        self.id = account["id"]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def request(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> httpx.Response:
        """Send a request and return the response, whatever its status."""
        return await self.http.request(method, path, json=body, **options)

    async def request_ok(
        self, method: str, path: str, body: object = None, *, expect: int = 200, **options: Any
    ) -> Any:
        """Send a request, check the status, and return the body. Retry 404: events may be late."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        response = await self.request(method, path, body, **options)
        while (
            response.status_code == HTTPStatus.NOT_FOUND != expect and time.monotonic() < deadline
        ):
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            response = await self.request(method, path, body, **options)
        if response.status_code != expect:
            raise CliError(
                f"{method} {path}: expected status {expect}, got {response.status_code}: "
                f"{response.text[:300]}"
            )
        return response.json() if response.content else None

    async def sell(self, title: str = "Front row", price: float = 20) -> Any:
        """List a ticket."""
        ticket = {"title": title, "price": price}
        return await self.request_ok("POST", "/api/tickets", ticket, expect=201)

    async def upload(
        self, ticket: Any, file: bytes, media_type: str = "application/pdf", *, expect: int = 200
    ) -> Any:
        """Put the original of a ticket into the vault."""
        path = f"/api/tickets/{ticket['id']}/file"
        headers = {"Content-Type": media_type}
        return await self.request_ok("PUT", path, content=file, headers=headers, expect=expect)

    async def order(self, ticket: Any) -> Any:
        """Order a ticket."""
        return await self.request_ok("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201)

    async def pay(self, order: Any, token: str = VISA, *, expect: int = 201) -> Any:
        """Pay for an order."""
        payment = {"token": token, "orderId": order["id"]}
        return await self.request_ok("POST", "/api/payments", payment, expect=expect)

    async def wait_for(self, path: str, seconds: float = TIMEOUT_SECONDS, **expected: Any) -> Any:
        """Wait until the resource has these fields, and return it."""
        return await self.poll(path, lambda body: body.items() >= expected.items(), seconds)

    async def poll(
        self, path: str, condition: Callable[[Any], bool], seconds: float = TIMEOUT_SECONDS
    ) -> Any:
        """Get a resource until it meets the condition, and return it."""
        deadline = time.monotonic() + seconds
        while not condition(body := (await self.request("GET", path)).json()):
            if time.monotonic() > deadline:
                raise CliError(f"Timed out after {seconds:.0f} s waiting for {path}: {body}")
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
        return body


def new_email(name: str = "user") -> str:
    """Return an unused email address."""
    return f"{name}-{secrets.token_hex(6)}@example.com"


def run_script(
    script: Callable[[str], Coroutine[None, None, None]],
    address: str | None = None,
    ca_file: Path | None = None,
) -> None:
    """Run a script against an address, by default that of the running stack.

    Args:
        script: gets the address.
        address: such as https://ticketing.dev.
        ca_file: a certificate authority to trust besides those of the machine.
    """
    if ca_file:
        try:
            CERTIFICATES.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            raise CliError(f"{ca_file} contains no certificate in PEM format.") from None
    target = address.rstrip("/") if address else _running_address()
    try:
        asyncio.run(script(target))
    except httpx.UnsupportedProtocol:
        raise CliError(f"{target} is not an address such as https://ticketing.dev.") from None
    except httpx.TransportError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise CliError(
                f"The certificate of {target} is not trusted. Name its authority: CA=<file>. "
                "That of `make certificate` is .local/certificate/tls.crt or mkcert's rootCA.pem."
            ) from None
        fix = "" if address else " Run `make start`."
        raise CliError(f"{target} is not reachable.{fix}") from None


def _running_address() -> str:
    """Return the address of the running stack, or else the default one, where Compose listens."""
    running = find_running(Home.from_environment())
    default = f"http://localhost:{ports.resolve_ports(os.environ)['gateway']}"
    return running.address if running and running.address else default
