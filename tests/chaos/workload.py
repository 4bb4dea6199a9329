"""A simulated user: a seeded random mix of actions, with retries."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import httpx
import jwt

from chaos.client_log import ClientLog
from chaos.deletions import leave
from chaos.fair_use import ORDER_LIMIT
from chaos.originals import OriginalsTraffic
from chaos.rate_limiter import RateLimiter
from chaos.seller_traffic import SellerTraffic
from common.values.clock import utc_now
from orders.domain.order import SHOW_CANCELLED
from payments.testing import StripeProbe
from ticketing_local.api_user import CERTIFICATES, PASSWORD

MAX_ATTEMPTS: Final = 14
TRANSIENT_STATUSES: Final = frozenset({408, 409, 429, 502, 503, 504})
"""Among them 408: a paused process did not read the request in time."""
MARKET_SIZE: Final = 40
"""The number of newest tickets that users buy from: few enough to cause contention."""
DECLINED_CARDS: Final = (
    "tok_chargeDeclined",
    "tok_chargeDeclinedInsufficientFunds",
    "tok_chargeDeclinedStolenCard",
)
APPROVED_CARDS: Final = ("tok_visa", "tok_mastercard", "pm_card_visa", "tok_pendingRefund")
AVAILABLE_CARDS: Final = ("tok_bypassPending", "pm_card_bypassPending")
"""Their money can be paid out at once, so that it may be gone when it is recalled."""
DISPUTED_CARDS: Final = (
    "tok_createDispute",
    "pm_card_createDisputeProductNotReceived",
    "pm_card_createDisputeInquiry",
    "pm_card_createMultipleDisputes",
)
DISPUTED_SHARE: Final = 0.06
CHALLENGED_CARD: Final = "pm_card_threeDSecure2Required"


class SimulatedUser:
    """A user who lists, edits, withdraws, orders, pays, cancels and abandons orders."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        rng: random.Random,
        rate_limiter: RateLimiter,
        client_log: ClientLog,
        market: list[Any],
        shows: list[Any],
        stripe: StripeProbe,
        has_disputes: bool,
    ) -> None:
        self.name = name
        self.stopped = False
        self._email = f"{name}@example.com"
        self._rng = rng
        self._rate_limiter = rate_limiter
        self._client_log = client_log
        self._market = market
        self._shows = shows
        self._stripe = stripe
        self._disputed_share = DISPUTED_SHARE if has_disputes else 0
        self._originals = OriginalsTraffic(self._email, self._request, self._wait, rng, client_log)
        self._own_tickets: list[Any] = []
        self._request_count = 0
        self._http = httpx.AsyncClient(
            base_url=address, timeout=20, trust_env=False, verify=CERTIFICATES
        )
        self._seller = SellerTraffic(self._request, self._http, rng, client_log)

    async def run(self) -> None:
        """Perform random actions until stopped."""
        try:
            await self._sign_up()
            await self._seller.set_up()
            while not self.stopped:
                actions, weights = zip(*ACTION_WEIGHTS.items(), strict=True)
                (action,) = self._rng.choices(actions, weights)
                await action(self)
        finally:
            await self._http.aclose()

    async def _request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        allowed: set[int],
        content: tuple[str, bytes] | None = None,
        idempotent: bool = True,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> httpx.Response | None:
        """Send a request until it is answered. Log a response that is not allowed."""
        self._request_count += 1
        headers = {"Idempotency-Key": f"{self.name}-{self._request_count}"} if idempotent else {}
        media_type, file = content or (None, None)
        if media_type:
            headers["Content-Type"] = media_type
        for attempt in range(max_attempts):
            await self._rate_limiter.acquire()
            try:
                response = await self._http.request(
                    method, path, json=body, content=file, headers=headers
                )
            except httpx.TransportError:
                self._client_log.status_counts["none"] += 1
                await self._wait(0.2, 1)
                continue
            status = response.status_code
            self._client_log.status_counts[str(status)] += 1
            if status in allowed:
                return response
            if status == 401 and path not in {"/api/users/signin", "/api/users/refresh"}:
                await self._sign_in()
                continue
            if status not in TRANSIENT_STATUSES:
                message = f"{method} {path} attempt {attempt + 1}: {status} {response.text[:200]}"
                self._client_log.forbidden_responses.append(message)
                return None
            await self._wait(0.2, 1.5)
            if self.stopped and attempt > 2:
                return None
        return None

    async def _wait(self, minimum: float, maximum: float) -> None:
        await asyncio.sleep(self._rng.uniform(minimum, maximum))

    async def _sign_up(self) -> None:
        body = {"email": self._email, "password": PASSWORD}
        response = None
        while response is None:
            response = await self._request("POST", "/api/users/signup", body, allowed={201, 400})
        if response.status_code == 400:  # an earlier attempt succeeded, but its response was lost
            response = await self._sign_in()
        if response is not None:
            self._client_log.accounts[self._email] = response.json()["id"]

    async def _sign_in(self) -> httpx.Response | None:
        credentials = {"email": self._email, "password": PASSWORD}
        return await self._request("POST", "/api/users/signin", credentials, allowed={200})

    async def _sign_out_and_in(self) -> None:
        token = self._http.cookies.get("session", "")
        if await self._request("POST", "/api/users/signout", {}, allowed={200}) and token:
            claims = jwt.decode(token, options={"verify_signature": False})
            self._client_log.ended_sessions[claims["sid"]] = token
        await self._sign_in()

    async def _end_all_sessions(self) -> None:
        token = self._http.cookies.get("session", "")
        if await self._request("DELETE", "/api/users/sessions", allowed={204}) and token:
            claims = jwt.decode(token, options={"verify_signature": False})
            self._client_log.ended_sessions[claims["sid"]] = token
        await self._sign_in()

    async def _leave(self) -> None:
        """Delete an account that was created for that."""
        email = f"{self.name}-{self._request_count}-leaver@example.com"
        self._request_count += 1
        await self._rate_limiter.acquire()
        address = str(self._http.base_url)
        await leave(email, address, self._rng, self._market, self._client_log)

    async def _refresh(self) -> None:
        response = await self._request("POST", "/api/users/refresh", {}, allowed={200, 401})
        if response is not None and response.status_code == 401:
            await self._sign_in()

    async def _sell(self) -> None:
        title = f"{self.name} {self._request_count}"
        price = self._rng.randrange(50, 20_000) / 100
        body: dict[str, Any] = {"title": title, "price": price}
        if self._rng.random() < 0.5:
            seat = {"row": str(self._request_count)}
            body |= {"showId": self._rng.choice(self._shows)["id"], "seat": seat, "faceValue": 20}
        # 400: the show has started or is cancelled
        allowed = {201, 400} if "showId" in body else {201}
        response = await self._request("POST", "/api/tickets", body, allowed=allowed)
        if response is not None and response.status_code == 201:
            ticket = response.json()
            self._remember_listing(ticket, title, price)
            await self._originals.upload(ticket)

    async def _sell_again(self) -> None:
        title = f"{self.name} {self._request_count}"
        price = self._rng.randrange(50, 20_000) / 100
        ticket = await self._originals.list_again(title, price)
        if ticket is not None:
            self._remember_listing(ticket, title, price)

    def _remember_listing(self, ticket: Any, title: str, price: float) -> None:
        self._client_log.tickets[ticket["id"]] = title
        self._client_log.offered_prices[ticket["id"]] = price
        self._own_tickets.append(ticket)
        self._market.append(ticket)

    async def _read_later(self) -> None:
        await self._originals.read_later()

    async def _accept_refund(self) -> None:
        await self._originals.accept_refund()

    async def _visit_earnings(self) -> None:
        await self._seller.visit()

    async def _snoop(self) -> None:
        if self._market:
            await self._originals.snoop(self._rng.choice(self._market)["id"])

    async def _edit(self) -> None:
        if not self._own_tickets:
            return
        ticket = self._rng.choice(self._own_tickets)
        body = {"title": ticket["title"], "price": self._rng.randrange(50, 20_000) / 100}
        path = f"/api/tickets/{ticket['id']}"
        # A retry may get 400 although an earlier attempt was applied.
        self._client_log.offered_prices[ticket["id"]] = None
        response = await self._request("PUT", path, body, allowed={200, 400})
        if response is not None and response.status_code == 200:
            self._client_log.edits.append((ticket["id"], response.json()["version"]))
            self._client_log.offered_prices[ticket["id"]] = ticket["price"] = body["price"]

    async def _withdraw(self) -> None:
        """Withdraw one of the newest own tickets, which may be reserved or sold."""
        if not self._own_tickets:
            return
        ticket_id = self._rng.choice(self._own_tickets[-3:])["id"]
        response = await self._request(
            "DELETE", f"/api/tickets/{ticket_id}", allowed={202, 204, 400}
        )
        if response is not None and response.status_code != 400:
            self._client_log.withdrawn.add(ticket_id)

    async def _browse(self) -> None:
        path = self._rng.choice(["/api/tickets", "/api/orders", "/api/tickets/mine"])
        await self._request("GET", path, allowed={200})

    async def _buy(self) -> None:
        if not self._market:
            return
        market = self._market[-MARKET_SIZE:]
        with_original = [one for one in market if one["id"] in self._client_log.uploaded]
        prefers_originals = self._rng.random() < 0.85
        candidates = with_original if prefers_originals and with_original else market
        order = await self._order(self._rng.choice(candidates))
        if order is None:
            return
        outcomes, weights = zip(*OUTCOME_WEIGHTS.items(), strict=True)
        (outcome,) = self._rng.choices(outcomes, weights)
        await outcome(self, order)

    async def _order(self, ticket: Any) -> Any:
        """Order a ticket, in half of the cases at the price that this user knows."""
        body: dict[str, Any] = {"ticketId": ticket["id"]}
        if self._rng.random() < 0.5:
            body["price"] = ticket["price"]
        response = await self._request(
            "POST",
            "/api/orders",
            body,
            allowed={201, 400, 404, 409, 429},
            idempotent=self._rng.random() < 0.7,
        )
        if response is None or response.status_code != 201:
            return None
        order = response.json()
        self._client_log.orders[order["id"]] = order["userId"]
        if order["ticket"]["price"] != body.get("price", order["ticket"]["price"]):
            self._client_log.forbidden_responses.append(f"ordered {body}, got {order['ticket']}")
        return order

    async def _hoard(self) -> None:
        """Order many tickets at once, and cancel half of those that were reserved."""
        market = self._market[-MARKET_SIZE:]
        tickets = self._rng.sample(market, min(2 * ORDER_LIMIT, len(market)))
        orders = [order for order in await asyncio.gather(*map(self._order, tickets)) if order]
        now = utc_now()
        unpaid = [o for o in orders if datetime.fromisoformat(o["expiresAt"]) > now]
        if len(unpaid) > ORDER_LIMIT and (kept := await self._count_kept(unpaid)) > ORDER_LIMIT:
            message = f"{self.name} had {kept} unpaid orders at a time"
            self._client_log.forbidden_responses.append(message)
        for order in orders[::2]:
            await self._cancel(order)

    async def _count_kept(self, orders: list[Any]) -> int:
        """Count the orders without those that ended with their show, which let others begin."""
        kept = 0
        for order in orders:
            response = await self._request("GET", f"/api/orders/{order['id']}", allowed={200})
            kept += response is not None and response.json().get("detail") != SHOW_CANCELLED
        return kept

    async def _order_repeatedly(self) -> None:
        """Order a ticket and cancel, again and again."""
        if not self._market:
            return
        ticket = self._rng.choice(self._market[-MARKET_SIZE:])
        for _ in range(4):
            order = await self._order(ticket)
            if order is None:
                return
            await self._cancel(order)

    async def _pay(self, order: Any, token: str) -> httpx.Response | None:
        """Pay with the given card, and retry with it while the outcome is unknown."""
        payment = {"token": token, "orderId": order["id"]}
        response = await self._request(
            "POST", "/api/payments", payment, allowed={201, 202, 400, 402, 404}
        )
        if response is not None and response.status_code == 201:
            self._client_log.paid[order["id"]] = response.json()["id"]
            await self._originals.receive(order)
        return response

    async def _pay_approved(self, order: Any) -> None:
        await self._pay(order, self._pick_card())

    def _pick_card(self) -> str:
        if self._rng.random() < self._disputed_share:
            return self._rng.choice(DISPUTED_CARDS)
        return self._rng.choice((*APPROVED_CARDS, *AVAILABLE_CARDS))

    async def _pay_by_form(self, order: Any) -> None:
        try:
            token = await self._stripe.confirmation_token()
        except (httpx.TransportError, AssertionError):
            return  # Stripe is unavailable, so the form does not open
        await self._pay(order, token)

    async def _pay_twice(self, order: Any) -> None:
        token = self._pick_card()
        await asyncio.gather(self._pay(order, token), self._pay(order, token))

    async def _decline_first(self, order: Any) -> None:
        await self._pay(order, self._rng.choice(DECLINED_CARDS))
        await self._pay_approved(order)

    async def _decline_always(self, order: Any) -> None:
        for _ in range(6):
            response = await self._pay(order, DECLINED_CARDS[0])
            if response is None or response.status_code != 402:
                return

    async def _pay_challenged(self, order: Any) -> None:
        response = await self._pay(order, CHALLENGED_CARD)
        if response is None or response.status_code != 202:
            return
        outcome = self._rng.choice(["success", "success", "failure", "abandon"])
        if outcome == "abandon":
            return
        try:
            await self._stripe.authenticate(response.json()["clientSecret"], outcome)
        except httpx.TransportError:
            return
        await self._request("GET", f"/api/payments?orderId={order['id']}", allowed={200})

    async def _cancel(self, order: Any) -> None:
        response = await self._request("DELETE", f"/api/orders/{order['id']}", allowed={204, 400})
        if response is not None and response.status_code == 204:
            self._client_log.cancelled.add(order["id"])

    async def _pay_and_cancel(self, order: Any) -> None:
        await asyncio.gather(self._pay_approved(order), self._cancel(order))

    async def _pay_late(self, order: Any) -> None:
        time_left = datetime.fromisoformat(order["expiresAt"]) - utc_now()
        await asyncio.sleep(max(time_left.total_seconds() - self._rng.uniform(0.5, 3), 0))
        await self._pay_approved(order)

    async def _abandon(self, _: Any) -> None:
        await self._wait(0, 1)


ACTION_WEIGHTS: Final[dict[Callable[[SimulatedUser], Awaitable[None]], float]] = {
    SimulatedUser._sell: 20,
    SimulatedUser._edit: 8,
    SimulatedUser._withdraw: 4,
    SimulatedUser._sell_again: 4,
    SimulatedUser._read_later: 6,
    SimulatedUser._snoop: 2,
    SimulatedUser._visit_earnings: 4,
    SimulatedUser._accept_refund: 6,
    SimulatedUser._browse: 25,
    SimulatedUser._buy: 45,
    SimulatedUser._hoard: 1,
    SimulatedUser._order_repeatedly: 2,
    SimulatedUser._refresh: 3,
    SimulatedUser._sign_out_and_in: 2,
    SimulatedUser._end_all_sessions: 1,
    SimulatedUser._leave: 1,
}
OUTCOME_WEIGHTS: Final[dict[Callable[[SimulatedUser, Any], Awaitable[None]], float]] = {
    SimulatedUser._pay_approved: 34,
    SimulatedUser._pay_by_form: 8,
    SimulatedUser._pay_twice: 8,
    SimulatedUser._decline_first: 10,
    SimulatedUser._decline_always: 4,
    SimulatedUser._pay_challenged: 8,
    SimulatedUser._cancel: 8,
    SimulatedUser._pay_and_cancel: 8,
    SimulatedUser._pay_late: 4,
    SimulatedUser._abandon: 8,
}
"""The outcomes of an order and their weights in percent."""
