"""A user: a random but seeded mix of what people do, with the patience that people have."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import httpx
import jwt

from chaos.client_log import Promises
from chaos.rate_limiter import Pace
from common.values.clock import utc_now
from payments.testing import Bank
from support.api_user import CERTIFICATES, PASSWORD

TRIES: Final = 14
PASSING: Final = frozenset({409, 429, 502, 503, 504})
MARKET: Final = 40
"""How many of the newest tickets people look at: few enough to get in each other's way."""
DECLINED: Final = ("tok_chargeDeclined", "tok_chargeDeclinedInsufficientFunds")
GOOD: Final = ("tok_visa", "tok_mastercard", "pm_card_visa", "tok_pendingRefund")
CHALLENGED: Final = "pm_card_threeDSecure2Required"


class User:
    """Somebody who lists, edits, orders, pays, cancels and forgets to pay."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        chance: random.Random,
        pace: Pace,
        promises: Promises,
        market: list[Any],
        bank: Bank,
    ) -> None:
        self.name = name
        self.over = False
        self._email = f"{name}@example.com"
        self._chance = chance
        self._pace = pace
        self._promises = promises
        self._market = market
        self._bank = bank
        self._mine: list[Any] = []
        self._counted = 0
        self._http = httpx.AsyncClient(
            base_url=address, timeout=20, trust_env=False, verify=CERTIFICATES
        )

    async def live(self) -> None:
        """Go on until it is over."""
        try:
            await self._sign_up()
            while not self.over:
                acts, weights = zip(*ACTS.items(), strict=True)
                (act,) = self._chance.choices(acts, weights)
                await act(self)
        finally:
            await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        allowed: set[int],
        key: bool = True,
        tries: int = TRIES,
    ) -> httpx.Response | None:
        """Ask until there is an answer; one that must never be given is noted."""
        self._counted += 1
        headers = {"Idempotency-Key": f"{self.name}-{self._counted}"} if key else {}
        for attempt in range(tries):
            await self._pace.turn()
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                self._promises.answers["none"] += 1
                await self._wait(0.2, 1)
                continue
            status = answer.status_code
            self._promises.answers[str(status)] += 1
            if status in allowed:
                return answer
            if status == 401 and path not in {"/api/users/signin", "/api/users/refresh"}:
                await self._sign_in()
                continue
            if status not in PASSING:
                told = f"{method} {path} try {attempt + 1}: {status} {answer.text[:200]}"
                self._promises.broken.append(told)
                return None
            await self._wait(0.2, 1.5)
            if self.over and attempt > 2:
                return None
        return None

    async def _wait(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most))

    async def _sign_up(self) -> None:
        wanted = {"email": self._email, "password": PASSWORD}
        answer = None
        while answer is None:
            answer = await self._ask("POST", "/api/users/signup", wanted, allowed={201, 400})
        if answer.status_code == 400:  # an earlier try arrived, its answer did not
            answer = await self._sign_in()
        if answer is not None:
            self._promises.accounts[self._email] = answer.json()["id"]

    async def _sign_in(self) -> httpx.Response | None:
        credentials = {"email": self._email, "password": PASSWORD}
        return await self._ask("POST", "/api/users/signin", credentials, allowed={200})

    async def _sign_out_and_in(self) -> None:
        token = self._http.cookies.get("session", "")
        if await self._ask("POST", "/api/users/signout", {}, allowed={200}) and token:
            claims = jwt.decode(token, options={"verify_signature": False})
            self._promises.ended[claims["sid"]] = token
        await self._sign_in()

    async def _refresh(self) -> None:
        answer = await self._ask("POST", "/api/users/refresh", {}, allowed={200, 401})
        if answer is not None and answer.status_code == 401:
            await self._sign_in()

    async def _sell(self) -> None:
        title = f"{self.name} {self._counted}"
        price = self._chance.randrange(50, 20_000) / 100
        wanted = {"title": title, "price": price}
        answer = await self._ask("POST", "/api/tickets", wanted, allowed={201})
        if answer is not None:
            ticket = answer.json()
            self._promises.tickets[ticket["id"]] = title
            self._mine.append(ticket)
            self._market.append(ticket)

    async def _edit(self) -> None:
        if not self._mine:
            return
        ticket = self._chance.choice(self._mine)
        wanted = {"title": ticket["title"], "price": self._chance.randrange(50, 20_000) / 100}
        path = f"/api/tickets/{ticket['id']}"
        answer = await self._ask("PUT", path, wanted, allowed={200, 400})
        if answer is not None and answer.status_code == 200:
            self._promises.editions.append((ticket["id"], answer.json()["version"]))

    async def _look(self) -> None:
        path = self._chance.choice(["/api/tickets", "/api/orders", "/api/tickets/mine"])
        await self._ask("GET", path, allowed={200})

    async def _buy(self) -> None:
        if not self._market:
            return
        ticket = self._chance.choice(self._market[-MARKET:])
        answer = await self._ask(
            "POST",
            "/api/orders",
            {"ticketId": ticket["id"]},
            allowed={201, 400, 404},
            key=self._chance.random() < 0.7,
        )
        if answer is None or answer.status_code != 201:
            return
        order = answer.json()
        self._promises.orders[order["id"]] = order["userId"]
        fates, weights = zip(*FATES.items(), strict=True)
        (fate,) = self._chance.choices(fates, weights)
        await fate(self, order)

    async def _pay(self, order: Any, token: str) -> httpx.Response | None:
        """Pay; a buyer whom nobody can tell whether it worked asks again, with the same card."""
        paid = {"token": token, "orderId": order["id"]}
        answer = await self._ask("POST", "/api/payments", paid, allowed={201, 202, 400, 402, 404})
        if answer is not None and answer.status_code == 201:
            self._promises.paid[order["id"]] = answer.json()["id"]
        return answer

    async def _pay_well(self, order: Any) -> None:
        await self._pay(order, self._chance.choice(GOOD))

    async def _pay_by_form(self, order: Any) -> None:
        try:
            token = await self._bank.confirmation_token()
        except (httpx.TransportError, AssertionError):
            return  # Stripe is away: the form does not open
        await self._pay(order, token)

    async def _click_twice(self, order: Any) -> None:
        token = self._chance.choice(GOOD)
        await asyncio.gather(self._pay(order, token), self._pay(order, token))

    async def _decline_first(self, order: Any) -> None:
        await self._pay(order, self._chance.choice(DECLINED))
        await self._pay_well(order)

    async def _decline_always(self, order: Any) -> None:
        for _ in range(6):
            answer = await self._pay(order, DECLINED[0])
            if answer is None or answer.status_code != 402:
                return

    async def _ask_the_bank(self, order: Any) -> None:
        answer = await self._pay(order, CHALLENGED)
        if answer is None or answer.status_code != 202:
            return
        outcome = self._chance.choice(["success", "success", "failure", "walks away"])
        if outcome == "walks away":
            return
        try:
            await self._bank.authenticate(answer.json()["clientSecret"], outcome)
        except httpx.TransportError:
            return
        await self._ask("GET", f"/api/payments?orderId={order['id']}", allowed={200})

    async def _cancel(self, order: Any) -> None:
        answer = await self._ask("DELETE", f"/api/orders/{order['id']}", allowed={204, 400})
        if answer is not None and answer.status_code == 204:
            self._promises.cancelled.add(order["id"])

    async def _pay_and_cancel(self, order: Any) -> None:
        await asyncio.gather(self._pay_well(order), self._cancel(order))

    async def _pay_late(self, order: Any) -> None:
        left = datetime.fromisoformat(order["expiresAt"]) - utc_now()
        await asyncio.sleep(max(left.total_seconds() - self._chance.uniform(0.5, 3), 0))
        await self._pay_well(order)

    async def _forget(self, _: Any) -> None:
        await self._wait(0, 1)


ACTS: Final[dict[Callable[[User], Awaitable[None]], float]] = {
    User._sell: 20,
    User._edit: 8,
    User._look: 25,
    User._buy: 45,
    User._refresh: 3,
    User._sign_out_and_in: 2,
}
FATES: Final[dict[Callable[[User, Any], Awaitable[None]], float]] = {
    User._pay_well: 34,
    User._pay_by_form: 8,
    User._click_twice: 8,
    User._decline_first: 10,
    User._decline_always: 4,
    User._ask_the_bank: 8,
    User._cancel: 8,
    User._pay_and_cancel: 8,
    User._pay_late: 4,
    User._forget: 8,
}
"""What becomes of an order: how many of a hundred."""
