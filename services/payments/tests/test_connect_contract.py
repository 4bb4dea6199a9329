"""What payments relies on of Stripe Connect, at the local Stripe server and at Stripe itself.

    STRIPE_TEST_KEY=sk_test_... make test ARGS=services/payments/tests/test_connect_contract.py

The key belongs to an account with Connect whose currency is that of the marketplace. Without the
variable the tests of Stripe itself are skipped.
"""

import os
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from pydantic import SecretStr

from common.events import OrderStatus, PayoutState, TransfersStatus
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.domain.charge import CURRENCY, Charge, new_charge
from payments.domain.ledger import Line
from payments.domain.order import Order, PaymentPolicy
from payments.domain.payout import Payout
from payments.domain.stripe_objects import IntentStatus, RefundStatus
from payments.stripe.connect import TransferRefused
from payments.stripe.gateway import Gateway, PaymentMethod
from payments.testing import PRICE, STRIPE_KEY

VARIABLE: Final = "STRIPE_TEST_KEY"
AVAILABLE_AT_ONCE: Final = "pm_card_bypassPending"
DISPUTED: Final = "pm_card_createDispute"
MAX_READ: Final = 200
"""How many of the newest balance transactions are read."""


@pytest.fixture(params=["local Stripe server", "Stripe"])
async def gateway(request: pytest.FixtureRequest, stripe_url: str) -> AsyncGenerator[Gateway]:
    key, api_base = STRIPE_KEY, stripe_url
    if request.param == "Stripe":
        key, api_base = os.environ.get(VARIABLE, ""), None
        if not key:
            pytest.skip(
                f"not run at Stripe itself: {VARIABLE} is not set to a key of its test mode"
            )
        assert re.match(r"[sr]k_test_", key), f"{VARIABLE} must be a key of Stripe's test mode"
    async with Gateway(
        SecretStr(key), api_base=api_base, webhook_secret=None, timeout_seconds=20
    ) as opened:
        yield opened


async def pay(gateway: Gateway, token: str) -> Charge:
    """Return a paid charge, as the service stores it."""
    now = utc_now()
    order = Order(new_id(), new_id(), PRICE, OrderStatus.CREATED, now + timedelta(minutes=15))
    intent = await gateway.create_intent(order, CURRENCY)
    charge = new_charge(order, intent_id=intent.id, now=now)
    policy = PaymentPolicy()
    charge = charge.claim(order, digest="d", owner="me", now=now, policy=policy).after
    method = await gateway.find_payment_method(charge, token)
    assert isinstance(method, PaymentMethod)
    intent = await gateway.confirm(charge, method)
    assert intent.status is IntentStatus.SUCCEEDED
    assert intent.charge_id is not None
    return replace(charge, stripe_charge_id=intent.charge_id)


async def movements(gateway: Gateway, charge: Charge) -> dict[Line, tuple[int, int]]:
    """Return the amount and the fee of each of the newest transactions of a charge."""
    found: dict[Line, tuple[int, int]] = {}
    count = 0
    async for transaction in gateway.balance.iter_transactions(CURRENCY):
        assert transaction.net == transaction.amount - transaction.fee
        if transaction.owner == charge.stripe_id:
            found[transaction.line] = (transaction.amount, transaction.fee)
        count += 1
        if count == MAX_READ:
            break
    return found


async def test_account_is_created_once_and_cannot_be_paid_before_its_onboarding(
    gateway: Gateway,
) -> None:
    user_id = new_id()
    email = f"seller-{user_id}@example.com"

    first, second = [
        await gateway.connect.create_account(user_id, email=email, country="US", key=user_id)
        for _ in range(2)
    ]
    link = await gateway.connect.create_onboarding_link(
        first.id, return_url="https://example.com/a", refresh_url="https://example.com/b"
    )

    assert first.id == second.id
    stored = await gateway.connect.retrieve_account(first.id)
    assert stored.id == first.id
    assert stored.transfers is not TransfersStatus.ACTIVE
    assert stored.requirements
    assert link.url.startswith("http")
    assert link.expires_at is not None
    assert utc_now() < link.expires_at < utc_now() + timedelta(hours=1)


async def test_transfer_to_an_account_before_its_onboarding_is_refused_for_good(
    gateway: Gateway,
) -> None:
    user_id = new_id()
    account = await gateway.connect.create_account(
        user_id, email=f"seller-{user_id}@example.com", country="US", key=user_id
    )
    charge = await pay(gateway, AVAILABLE_AT_ONCE)
    payout = Payout(PayoutState.SENDING, amount=PRICE, account_id=account.id)
    charge = replace(charge, payout=payout)

    assert await gateway.connect.find_transfer(charge) is None
    with pytest.raises(TransferRefused) as refusal:
        await gateway.connect.create_transfer(charge)

    assert not refusal.value.is_temporary
    assert await gateway.connect.find_transfer(charge) is None


async def test_payment_and_its_refund_are_transactions_of_the_balance(gateway: Gateway) -> None:
    charge = await pay(gateway, AVAILABLE_AT_ONCE)
    paid = await movements(gateway, charge)

    refund = await gateway.refund(charge)

    assert refund.status is not RefundStatus.FAILED
    amount, fee = paid.pop(Line.PAID)
    assert (amount, paid) == (PRICE, {})
    assert 0 < fee < PRICE
    refunded = await movements(gateway, charge)
    assert refunded == {Line.PAID: (PRICE, fee), Line.REFUNDED: (-PRICE, 0)}


async def test_dispute_is_found_and_takes_the_money_from_the_balance(gateway: Gateway) -> None:
    charge = await pay(gateway, DISPUTED)

    async def is_taken() -> bool:
        found = await movements(gateway, charge)
        return found.get(Line.DISPUTED, (0, 0))[0] == -PRICE

    assert await eventually(is_taken, TIMEOUT_SECONDS)
    (dispute,) = await gateway.disputes.find(charge)
    assert dispute.is_open
    assert dispute.amount == PRICE
    assert dispute.evidence_due is not None
    assert dispute.evidence_due > utc_now()
