"""What simulated users do to be paid: set up an account at Stripe, and look at the earnings."""

import random
import re
from typing import Final

import httpx

from chaos.client_log import AccountChange, ClientLog
from chaos.originals import Send
from common.values.clock import utc_now

OUTCOMES: Final[dict[str | None, float]] = {
    "complete": 74,
    "pending": 8,
    "leave": 4,
    "reject": 4,
    None: 10,  # no account at all
}
"""What users do on Stripe's page, and their shares in percent."""
STATES: Final = {"complete": "active", "pending": "pending", "reject": "rejected"}
"""The state of an account after each of them; who leaves changes nothing."""
OFFERED_SHARE: Final = 0.5
"""Of the visits of the earnings: the seller offers the money of a sale back."""
ACCOUNT: Final = re.compile(r"acct_\w+")
FORM_FIELD: Final = re.compile(r'name="form" value="(\w+)"')


class SellerTraffic:
    """The part of a simulated user that deals with an account at Stripe."""

    def __init__(
        self, send: Send, http: httpx.AsyncClient, rng: random.Random, client_log: ClientLog
    ) -> None:
        self._send = send
        self._http = http
        self._rng = rng
        self._client_log = client_log
        outcomes, weights = zip(*OUTCOMES.items(), strict=True)
        (self._outcome,) = rng.choices(outcomes, weights)
        self._is_set_up = False

    async def set_up(self) -> None:
        """Create the account, and complete Stripe's form or do something else there."""
        if self._outcome is None:
            return
        # 400: Stripe has rejected the user; 403: the password was given ten minutes ago
        response = await self._send("POST", "/api/payments/seller", {}, allowed={200, 400, 403})
        if response is None or response.status_code != 200:
            return
        try:
            page = await self._http.get(response.json()["url"])
            form, account = FORM_FIELD.search(page.text), ACCOUNT.search(page.text)
            if form is None or account is None:  # the link has expired
                return
            change = AccountChange(STATES.get(self._outcome, ""), began_at=utc_now())
            if change.state:
                self._client_log.account_changes[account[0]].append(change)
            fields = {"form": form[1], "outcome": self._outcome}
            submitted = await self._http.post(str(page.url), data=fields)
        except httpx.TransportError:
            return
        if submitted.status_code == 303:
            self._is_set_up = True
            change.ended_at = utc_now()
            self._client_log.onboarded[self._outcome] += 1

    async def visit(self) -> None:
        """Look at the earnings, and set the account up again if it was not or was closed."""
        earnings = await self._send("GET", "/api/payments/earnings", allowed={200})
        if earnings is not None and self._rng.random() < OFFERED_SHARE:
            await self._offer_refund([sale["orderId"] for sale in earnings.json()["sales"]])
        shown = await self._send("GET", "/api/payments/seller", allowed={200})
        transfers = shown.json()["transfers"] if shown is not None else None
        if not self._is_set_up or transfers == "closed":
            await self.set_up()

    async def _offer_refund(self, order_ids: list[str]) -> None:
        if not order_ids:
            return
        order_id = self._rng.choice(order_ids)
        path = f"/api/orders/{order_id}/refund-offer"
        # 400: the show is cancelled, or the bank has decided
        response = await self._send("POST", path, {}, allowed={200, 400})
        if response is not None and response.status_code == 200:
            self._client_log.offered_refunds.add(order_id)
