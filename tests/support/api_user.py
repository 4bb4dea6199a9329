"""Somebody who uses the system as a browser does: through the gateway, with cookies."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

import httpx

from common.auth.tokens import User
from common.testing.plugin import eventually, session_cookie, someone
from support.system import new_email

PASSWORD = "correct horse battery"

NOT_FOUND = 404
VISA = "tok_visa"
CERTIFICATES = ssl.create_default_context()
"""Read once: the people of a crowd would spend most of their time on it."""


class Person:
    """Somebody with an email and cookies."""

    def __init__(self, address: str, email: str) -> None:
        self.email = email
        self.id = ""
        self.http = httpx.AsyncClient(
            base_url=address, timeout=30, trust_env=False, verify=CERTIFICATES
        )

    @classmethod
    async def signed_up(cls, address: str, name: str = "somebody") -> Self:
        """Open an account."""
        person = cls(address, new_email(name))
        credentials = {"email": person.email, "password": PASSWORD}
        answer = await person.ask("POST", "/api/users/signup", credentials, expect=201)
        person.id = answer["id"]
        return person

    @classmethod
    def known(cls, address: str, user: User | None = None) -> Self:
        """Be somebody whose session was signed without asking auth: a crowd has no time for it."""
        user = user or someone()
        person = cls(address, user.email)
        person.id = user.id
        person.http.cookies.set("session", session_cookie(user))
        return person

    async def send(
        self, method: str, path: str, body: object = None, **more: Any
    ) -> httpx.Response:
        """Send a request, whatever comes of it."""
        return await self.http.request(method, path, json=body, **more)

    async def ask(
        self, method: str, path: str, body: object = None, *, expect: int = 200, **more: Any
    ) -> Any:
        """Send a request that must be answered with this status, and give the answer.

        Not found is asked again for a while: a service may not have heard yet of what another one
        has just done.
        """

        async def answered() -> httpx.Response | None:
            answer = await self.send(method, path, body, **more)
            early = answer.status_code == NOT_FOUND and expect != NOT_FOUND
            return None if early else answer

        answer = await eventually(answered, 15)
        assert answer is not None
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def sell(self, title: str = "Front row", price: float = 20) -> Any:
        """List a ticket."""
        return await self.ask("POST", "/api/tickets", {"title": title, "price": price}, expect=201)

    async def order(self, ticket: Any) -> Any:
        """Order a ticket."""
        return await self.ask("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201)

    async def pay(self, order: Any, token: str = VISA, *, expect: int = 201) -> Any:
        """Pay for an order."""
        paid = {"token": token, "orderId": order["id"]}
        return await self.ask("POST", "/api/payments", paid, expect=expect)

    async def sees(self, path: str, patience: float = 15, **expected: Any) -> Any:
        """Wait until a thing looks like this."""

        async def so() -> Any:
            answer = await self.send("GET", path)
            shown = answer.json()
            return shown if shown.items() >= expected.items() else None

        return await eventually(so, patience)

    async def leave(self) -> None:
        """Close the connections."""
        await self.http.aclose()


Arrive = Callable[[str], Awaitable[Person]]
"""Lets somebody sign up."""
Known = Callable[..., Person]
"""Lets somebody come whose session was signed without asking auth."""
