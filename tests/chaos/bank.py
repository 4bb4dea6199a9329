"""What Stripe and the banks decide during a run, in a seeded order.

Buyers dispute payments, some of them at the moment when their sellers are paid. Banks decide.
Accounts are verified, restricted, rejected, paid out and closed. Idempotency keys are forgotten.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import httpx
import stripe
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from chaos.client_log import AccountChange, ClientLog
from chaos.snapshot import Doc, list_objects
from common.values.clock import utc_now
from payments.testing import STRIPE_KEY, StripeProbe
from stripe_local.http.control_api import CONTROL_HEADERS
from support.system import System

INTERVAL_SECONDS: Final = (0.5, 2.0)
RACE_WINDOW: Final = timedelta(seconds=1.5)
UNDECIDED_SHARE: Final = 0.3
"""Of the disputes that are open when the users have stopped."""
OPEN: Final = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
FORGOTTEN_AFTER_SECONDS: Final = 7
"""Keys of this age are forgotten, as Stripe does after a day.

Less than the lease of a payout, so that the process that continues finds no key. More than the
process that had the lease can be behind, which on a real day would be more than 23 hours."""
STATES: Final = {"active": 60, "restricted": 25, "pending": 10, "rejected": 5}
"""What Stripe decides about an account, and the shares in percent."""

Action = Callable[[], Awaitable[None]]


class Bank:
    """Makes the decisions, until it is closed."""

    def __init__(
        self,
        system: System,
        probe: StripeProbe,
        rng: random.Random,
        client_log: ClientLog,
        *,
        has_disputes: bool,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._mongo = AsyncMongoClient[Doc](system.mongo, tz_aware=True)
        self._payments = self._mongo["payments"]
        self._http = httpx.AsyncClient(
            base_url=system.stripe, auth=(STRIPE_KEY, ""), timeout=20, headers=CONTROL_HEADERS
        )
        self._probe = probe
        self._rng = rng
        self._client_log = client_log
        self._has_disputes = has_disputes

    async def run(self) -> None:
        """Make decisions until cancelled."""
        actions: dict[Action, float] = {
            self._change_account: 25,
            self._pay_out: 30,
            self._close_account: 5,
            self._forget_keys: 20,
            **({self._dispute: 25, self._decide: 30} if self._has_disputes else {}),
        }
        while True:
            await asyncio.sleep(self._rng.uniform(*INTERVAL_SECONDS))
            (action,) = self._rng.choices([*actions], [*actions.values()])
            await self._attempt(action)

    async def decide_most(self) -> None:
        """Decide most of the open disputes, now that the users have stopped."""
        for dispute in await self._open_disputes():
            if self._rng.random() >= UNDECIDED_SHARE:
                await self._attempt(lambda each=dispute: self._decide_on(each))

    async def decide_refunds(self) -> None:
        """Decide the disputes for which a refund waits, because Stripe makes none before."""
        await self._attempt(self._decide_refunds)

    async def close(self) -> None:
        """Close the connections."""
        await self._mongo.close()
        await self._http.aclose()

    async def _decide_refunds(self) -> None:
        pending = {
            doc["stripe_charge_id"]
            async for doc in self._payments["charges"].find({"status": {"$ne": "succeeded"}})
        }
        for dispute in await self._open_disputes():
            if dispute["charge"] in pending:
                await self._decide_on(dispute)

    async def _attempt(self, action: Action) -> None:
        """Act, unless a store or Stripe is down, or Stripe refuses."""
        with suppress(httpx.TransportError, AssertionError, PyMongoError, stripe.StripeError):
            await action()

    async def _dispute(self) -> None:
        """Dispute a payment or a part of it: often just when, or after, its seller is paid."""
        now = utc_now()
        stage: Doc = self._rng.choice(
            [
                {"payout.state": "held", "release_at": {"$gt": now, "$lt": now + RACE_WINDOW}},
                {"payout.state": "sent"},
                {},
            ]
        )
        query = {"status": "succeeded", "dispute": None, "stripe_charge_id": {"$ne": None}, **stage}
        charge = await self._sample("charges", query)
        if charge is None:
            return
        is_whole = self._rng.random() < 0.7
        amount = charge["amount"] if is_whole else self._rng.randint(1, charge["amount"])
        body = {
            "charge": charge["stripe_charge_id"],
            "amount": amount,
            "inquiry": self._rng.random() < 0.1,
        }
        await self._probe.control("POST", "disputes", body)
        self.counts["disputes"] += 1

    async def _decide(self) -> None:
        disputes = await self._open_disputes()
        if disputes:
            await self._decide_on(self._rng.choice(disputes))

    async def _decide_on(self, dispute: Doc) -> None:
        """Decide a dispute: for the platform if the buyer has the money back already."""
        charge = await self._probe.control("GET", f"objects/{dispute['charge']}")
        outcome = "won" if charge["amount_refunded"] else self._rng.choice(["won", "lost"])
        await self._probe.control("POST", f"disputes/{dispute['id']}", {"outcome": outcome})
        self.counts[f"{outcome} disputes"] += 1

    async def _open_disputes(self) -> list[Doc]:
        disputes = await list_objects(self._http, "objects?type=dispute")
        return [dispute for dispute in disputes if dispute["status"] in OPEN]

    async def _change_account(self) -> None:
        account_id = await self._pick_account()
        states, weights = zip(*STATES.items(), strict=True)
        (state,) = self._rng.choices(states, weights)
        if account_id is None or self._client_log.is_rejected(account_id):
            return
        change = AccountChange(state, began_at=utc_now())
        self._client_log.account_changes[account_id].append(change)
        await self._probe.control("POST", f"accounts/{account_id}", {"transfers": state})
        change.ended_at = utc_now()
        self.counts[f"accounts {state}"] += 1

    async def _pay_out(self) -> None:
        """Pay what an account has to its bank, so that a recall finds less than it needs."""
        account_id = await self._pick_account()
        if account_id is None:
            return
        options: Any = {"stripe_account": account_id}
        balance = await self._probe.api.balance.retrieve_async({}, options)
        amount = sum(money.amount for money in balance.available)
        if amount > 0:
            await self._probe.api.payouts.create_async(
                {"amount": amount, "currency": "usd"}, options
            )
            self.counts["withdrawals"] += 1

    async def _close_account(self) -> None:
        """Close an account, which Stripe refuses if it has money."""
        account_id = await self._pick_account()
        if account_id is None:
            return
        change = AccountChange("closed", began_at=utc_now())
        response = await self._http.post(f"/v2/core/accounts/{account_id}/close", json={})
        if response.is_success:
            self._client_log.account_changes[account_id].append(change)
            change.ended_at = utc_now()
            self.counts["accounts closed"] += 1

    async def _forget_keys(self) -> None:
        for kind in ("transfer", "reversal", "refund", "account"):
            query = f"idempotency?older={FORGOTTEN_AFTER_SECONDS}&match=*:{kind}*"
            forgotten = await self._probe.control("DELETE", query)
            self.counts["forgotten keys"] += forgotten["forgotten"]

    async def _pick_account(self) -> str | None:
        seller = await self._sample("sellers", {"stripe_account_id": {"$ne": None}})
        return None if seller is None else seller["stripe_account_id"]

    async def _sample(self, collection: str, query: Doc) -> Doc | None:
        pipeline: list[Doc] = [{"$match": query}, {"$sample": {"size": 1}}]
        found = await (await self._payments[collection].aggregate(pipeline)).to_list()
        return found[0] if found else None
