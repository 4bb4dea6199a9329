"""Tests of payouts while the removal of their seller's second factor is announced."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from common.auth.tokens import User
from common.events import PayoutState, UserDeleted, UserUpdated
from common.testing.client import Client, errors, make_user
from common.testing.events import EventProbe
from common.values.clock import utc_now
from payments.seller_testing import SellerProbe, in_days, make_seller, sell, wait_for_payout
from payments.testing import FakeOrders, StripeProbe

SELLER = "/api/payments/seller"


@pytest.fixture
async def payments(serve_payments: Callable[..., Awaitable[Client]]) -> Client:
    return await serve_payments(payment_lease_seconds=1, payout_retry_seconds=1)


@pytest.fixture
def sellers(stripe_probe: StripeProbe) -> SellerProbe:
    return SellerProbe(stripe_probe)


async def announce(
    published: EventProbe, user: User, removal_at: datetime | None, version: int
) -> None:
    """Publish an account whose second factor is removed at a time, and wait until it is handled."""
    event = UserUpdated(
        id=user.id,
        version=version,
        created_at=utc_now(),
        verified=True,
        second_factor_removal_at=removal_at,
    )
    await published.publish(event, aggregate_id=user.id)
    await published.wait_until_handled("payments-auth")


async def test_payout_waits_while_a_removal_is_announced_and_continues_when_it_is_cancelled(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)
    await announce(published, seller, in_days(3), 1)

    order_id = await sell(payments, orders, seller)

    charge = await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    assert charge.payout is not None
    assert charge.payout.reason == "second_factor_removal"
    assert await sellers.transfers(order_id) == []
    await announce(published, seller, None, 2)
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    assert len(await sellers.transfers(order_id)) == 1


async def test_payout_is_made_once_the_second_factor_is_removed(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)
    await announce(published, seller, in_days(3), 1)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.FROZEN)

    accounts: Any = payments.app.state.service.running.database["accounts"]
    await accounts.update_one({}, {"$set": {"second_factor_removal_at": in_days(-1)}})

    await wait_for_payout(payments, order_id, PayoutState.SENT)


async def test_late_and_repeated_announcement_does_not_undo_its_cancellation(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)
    await announce(published, seller, None, 2)
    await announce(published, seller, in_days(3), 1)
    await announce(published, seller, in_days(3), 1)

    order_id = await sell(payments, orders, seller)

    await wait_for_payout(payments, order_id, PayoutState.SENT)


async def test_repeated_cancellation_does_not_undo_a_later_announcement(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)
    await announce(published, seller, in_days(3), 3)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.FROZEN)

    await announce(published, seller, None, 2)
    await payments.app.state.service.sync.sync_with_stripe(
        await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    )

    await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    assert await sellers.transfers(order_id) == []


async def test_account_for_payouts_cannot_be_opened_while_a_removal_is_announced(
    payments: Client, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)
    until = in_days(3)
    await announce(published, seller, until, 1)
    payments.sign_in(replace(seller, authenticated_at=utc_now().timestamp()))

    shown = (await payments.get(SELLER)).json()
    answers = [
        await payments.post(f"{SELLER}/dashboard"),
        await payments.post(SELLER, json={}),
    ]

    assert datetime.fromisoformat(shown["protectedUntil"]) == until
    assert [answer.status_code for answer in answers] == [400, 400]
    assert {errors(answer)[0]["message"] for answer in answers} == {
        "Your payouts wait, because your second step is being removed"
    }
    await announce(published, seller, None, 2)
    assert (await payments.post(f"{SELLER}/dashboard")).status_code == 200


async def test_copy_of_an_account_is_erased_with_it(
    payments: Client, published: EventProbe
) -> None:
    accounts: Any = payments.app.state.service.running.database["accounts"]
    user = make_user()
    await announce(published, user, None, 1)
    stored = [sorted(doc) async for doc in accounts.find({})]

    event = UserDeleted(id=user.id, version=2, deleted_at=utc_now())
    await published.publish(event, aggregate_id=user.id)
    await published.wait_until_handled("payments-auth")

    assert stored == [["_id", "second_factor_removal_at", "version"]]
    assert await accounts.count_documents({}) == 0
