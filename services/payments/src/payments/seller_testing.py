"""Test support: sellers with accounts at the local Stripe server, and what they sell."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import stripe

from common.auth.tokens import User
from common.events import PayoutState
from common.testing.client import Client, make_user
from common.testing.polling import eventually
from common.values.clock import utc_now
from payments.domain.charge import Charge
from payments.testing import VISA, FakeOrders, StripeProbe, find_charge, pay

AVAILABLE_AT_ONCE: Final = "pm_card_bypassPending"
"""A card whose payments need no days until they can be paid out."""


def in_days(days: float) -> datetime:
    """Return a time that MongoDB stores exactly."""
    return utc_now().replace(microsecond=0) + timedelta(days=days)


class SellerProbe:
    """Reads and changes accounts and transfers at the local Stripe server."""

    def __init__(self, stripe_probe: StripeProbe) -> None:
        self._probe = stripe_probe

    async def set_transfers(self, payments: Client, seller: User, transfers: str) -> str:
        """Change the state of a seller's account at Stripe, and return its id."""
        account_id = await self.account_id(payments, seller)
        await self._probe.control("POST", f"accounts/{account_id}", {"transfers": transfers})
        return account_id

    async def account_id(self, payments: Client, seller: User) -> str:
        """Return the id of a seller's account."""
        stored = await payments.app.state.service.sellers.find(seller.id)
        assert stored is not None
        assert stored.stripe_account_id is not None
        return stored.stripe_account_id

    async def close_account(self, account_id: str) -> None:
        """Close an account, as an operator does in the Dashboard."""
        await self._probe.api_v2.core.accounts.close_async(account_id)

    async def transfers(self, order_id: str) -> list[stripe.Transfer]:
        """Return all transfers of an order."""
        params: Any = {"transfer_group": order_id, "limit": 100}
        return (await self._probe.api.transfers.list_async(params)).data

    async def dispute(self, charge: Charge, **fields: Any) -> str:
        """Dispute a payment, as the bank of its buyer does, and return the id of the dispute."""
        body = {"charge": charge.stripe_charge_id, **fields}
        return (await self._probe.control("POST", "disputes", body))["id"]

    async def decide(self, dispute_id: str, outcome: str) -> None:
        """Decide a dispute, as the bank does."""
        await self._probe.control("POST", f"disputes/{dispute_id}", {"outcome": outcome})

    async def forget_keys(self) -> None:
        """Forget all idempotency keys, as Stripe does after a day."""
        await self._probe.control("DELETE", "idempotency")

    async def pay_out(self, account_id: str, amount: int) -> None:
        """Pay an amount from the balance of an account to its bank."""
        await self._probe.api.payouts.create_async(
            {"amount": amount, "currency": "usd"}, {"stripe_account": account_id}
        )

    async def balance(self, account_id: str) -> int:
        """Return what an account has, in cents."""
        ledger = await self._probe.control("GET", "ledger")
        assert ledger["balanced"]
        return sum(ledger["accounts"].get(account_id, {}).get("usd", {}).values())


async def onboard(payments: Client, seller: User) -> httpx.Response:
    """Ask for the link to set up the account of a seller, who has just given the password."""
    payments.sign_in(replace(seller, authenticated_at=utc_now().timestamp()))
    return await payments.post("/api/payments/seller", json={})


async def make_seller(payments: Client, sellers: SellerProbe, transfers: str = "active") -> User:
    """Return a user with an account in this state, as far as Stripe knows."""
    seller = make_user()
    response = await onboard(payments, seller)
    assert response.is_success, response.text
    await sellers.set_transfers(payments, seller, transfers)
    return seller


async def sell(
    payments: Client,
    orders: FakeOrders,
    seller: User,
    *,
    days: float = -1,
    token: str = VISA,
    **fields: Any,
) -> str:
    """Sell a ticket whose payout is due in some days, and return the order's id."""
    buyer = make_user()
    order_id = await orders.place(buyer, seller_id=seller.id, release_at=in_days(days), **fields)
    payments.sign_in(buyer)
    response = await pay(payments, order_id, token)
    assert response.is_success, response.text
    return order_id


async def wait_for_payout(payments: Client, order_id: str, state: PayoutState) -> Charge:
    """Wait until the payout of an order has this state."""

    async def reached() -> Charge | None:
        charge = await find_charge(payments, order_id)
        found = charge is not None and charge.payout is not None and charge.payout.state is state
        return charge if found else None

    charge = await eventually(reached)
    assert charge is not None
    return charge
