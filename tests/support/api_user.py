"""Somebody who uses the system as a browser does: through the gateway, with cookies."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

import httpx

from common.auth.tokens import User
from common.testing.client import make_user, session_cookie
from common.testing.polling import eventually
from support.system import new_email

PASSWORD = "correct horse battery"

NOT_FOUND = 404
VISA = "tok_visa"
CERTIFICATES = ssl.create_default_context()
"""Read once: the people of a crowd would spend most of their time on it."""


class ApiUser:
    """Somebody with an email and cookies."""

    def __init__(self, address: str, email: str) -> None:
        self.email = email
        self.id = ""
        self.http = httpx.AsyncClient(
            base_url=address, timeout=30, trust_env=False, verify=CERTIFICATES
        )

    @classmethod
    async def sign_up(cls, address: str, name: str = "somebody") -> Self:
        """Open an account."""
        user = cls(address, new_email(name))
        credentials = {"email": user.email, "password": PASSWORD}
        account = await user.request_ok("POST", "/api/users/signup", credentials, expect=201)
        user.id = account["id"]
        return user

    @classmethod
    def with_signed_session(cls, address: str, user: User | None = None) -> Self:
        """Be somebody whose session was signed without asking auth: a crowd has no time for it."""
        user = user or make_user()
        api_user = cls(address, user.email)
        api_user.id = user.id
        api_user.http.cookies.set("session", session_cookie(user))
        return api_user

    async def request(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> httpx.Response:
        """Send a request, whatever comes of it."""
        return await self.http.request(method, path, json=body, **options)

    async def request_ok(
        self, method: str, path: str, body: object = None, *, expect: int = 200, **options: Any
    ) -> Any:
        """Send a request that must be answered with this status, and give the answer.

        Not found is asked again for a while: a service may not have heard yet of what another one
        has just done.
        """

        async def request_until_found() -> httpx.Response | None:
            response = await self.request(method, path, body, **options)
            not_yet_known = response.status_code == NOT_FOUND and expect != NOT_FOUND
            return None if not_yet_known else response

        answer = await eventually(request_until_found, 15)
        assert answer is not None
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def sell(self, title: str = "Front row", price: float = 20) -> Any:
        """List a ticket."""
        return await self.request_ok(
            "POST", "/api/tickets", {"title": title, "price": price}, expect=201
        )

    async def order(self, ticket: Any) -> Any:
        """Order a ticket."""
        return await self.request_ok("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201)

    async def pay(self, order: Any, token: str = VISA, *, expect: int = 201) -> Any:
        """Pay for an order."""
        payment = {"token": token, "orderId": order["id"]}
        return await self.request_ok("POST", "/api/payments", payment, expect=expect)

    async def wait_for(self, path: str, seconds: float = 15, **expected: Any) -> Any:
        """Wait until a thing looks like this."""

        async def matches() -> Any:
            response = await self.request("GET", path)
            body = response.json()
            return body if body.items() >= expected.items() else None

        return await eventually(matches, seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()


SignUp = Callable[[str], Awaitable[ApiUser]]
"""Lets somebody sign up."""
MakeSignedInUser = Callable[..., ApiUser]
"""Lets somebody come whose session was signed without asking auth."""
