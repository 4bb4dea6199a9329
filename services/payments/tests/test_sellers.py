"""Tests of the routes of sellers: their accounts, and what they earn."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from common.events import (
    OrderStatus,
    OrderUpdated,
    PayoutState,
    SellerCreated,
    SellerUpdated,
    TransfersStatus,
)
from common.testing.client import Client, errors, make_user
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.seller_testing import SellerProbe, make_seller, onboard, sell, wait_for_payout
from payments.settings import Settings
from payments.testing import PRICE, FakeOrders, StripeProbe

SELLER = "/api/payments/seller"
EARNINGS = "/api/payments/earnings"
NOBODY: dict[str, Any] = {"transfers": None, "requirements": [], "owed": 0, "paused": False}


@pytest.fixture
def sellers(stripe_probe: StripeProbe) -> SellerProbe:
    return SellerProbe(stripe_probe)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", SELLER), ("GET", SELLER), ("POST", f"{SELLER}/dashboard"), ("GET", EARNINGS)],
)
async def test_routes_of_sellers_need_a_session(payments: Client, method: str, path: str) -> None:
    body: dict[str, str] | None = {} if method == "POST" else None
    assert (await payments.request(method, path, json=body)).status_code == 401


async def test_user_who_never_sold_has_no_account_and_no_earnings(payments: Client) -> None:
    payments.sign_in(make_user(authenticated_at=utc_now().timestamp()))

    assert (await payments.get(SELLER)).json() == NOBODY
    assert (await payments.get(EARNINGS)).json() == {
        "sales": [],
        "totals": {"held": 0, "sent": 0, "owed": 0},
    }
    assert (await payments.post(f"{SELLER}/dashboard")).status_code == 404


async def test_onboarding_creates_one_account_and_a_link_that_nothing_keeps(
    payments: Client, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = make_user()

    answers = await asyncio.gather(*(onboard(payments, seller) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["url"] for answer in answers}) == 5
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    account_id = await sellers.account_id(payments, seller)
    assert (await published.next(SellerCreated)).id == seller.id
    assert (await onboard(payments, seller)).status_code == 200
    assert await sellers.account_id(payments, seller) == account_id


async def test_account_is_shown_as_stripe_knows_it(
    payments: Client, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = make_user()
    await onboard(payments, seller)
    before = (await payments.get(SELLER)).json()
    await sellers.set_transfers(payments, seller, "active")

    after = (await payments.get(SELLER)).json()

    assert before["transfers"] != TransfersStatus.ACTIVE
    assert before["requirements"]
    assert after["transfers"] == TransfersStatus.ACTIVE

    async def is_published() -> bool:
        events = await published.all(SellerUpdated)
        return bool(events) and events[-1].transfers is TransfersStatus.ACTIVE

    await eventually(is_published)
    assert (await payments.post(f"{SELLER}/dashboard")).json()["url"].startswith("http")


async def test_dashboard_of_account_without_onboarding_is_refused(payments: Client) -> None:
    await onboard(payments, make_user())

    answer = await payments.post(f"{SELLER}/dashboard")

    assert answer.status_code == 400
    assert errors(answer) == [{"message": "Complete your account at the payment processor first"}]


async def test_rejected_user_gets_no_further_link(payments: Client, sellers: SellerProbe) -> None:
    seller = await make_seller(payments, sellers, "rejected")
    await payments.get(SELLER)

    answer = await onboard(payments, seller)

    assert answer.status_code == 400
    assert errors(answer) == [{"message": "The payment processor does not accept this account"}]


async def test_account_that_was_replaced_meanwhile_is_not_restored(
    payments: Client, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)
    await sellers.close_account(await sellers.account_id(payments, seller))
    assert (await payments.get(SELLER)).json()["transfers"] == TransfersStatus.CLOSED
    service = payments.app.state.service.sellers
    closed = await service.find(seller.id)
    assert (await onboard(payments, seller)).status_code == 200

    await service.refresh(closed)  # it was read before

    stored = await service.find(seller.id)
    assert stored.stripe_account_id != closed.stripe_account_id
    assert stored.transfers is not TransfersStatus.CLOSED


async def test_links_to_an_account_need_a_recent_password_but_the_first_one_does_not(
    payments: Client,
) -> None:
    seller = payments.sign_in()

    first = await payments.post(SELLER, json={})
    again = await payments.post(SELLER, json={})
    dashboard = await payments.post(f"{SELLER}/dashboard")
    confirmed = await onboard(payments, seller)

    assert (first.status_code, confirmed.status_code) == (200, 200)
    for answer in (again, dashboard):
        assert answer.status_code == 403
        assert errors(answer)[0]["field"] == "reauthentication"


async def test_country_is_checked(payments: Client) -> None:
    payments.sign_in()

    answer = await payments.post(SELLER, json={"country": "Germany"})

    assert answer.status_code == 400


async def test_suspended_user_cannot_set_up_an_account(payments: Client) -> None:
    payments.sign_in(make_user(is_suspended=True))

    assert (await payments.post(SELLER, json={})).status_code == 403


async def test_earnings_list_the_sales_of_the_seller_alone_newest_first(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)
    sold = [
        await sell(payments, orders, seller, days=3),
        await sell(payments, orders, seller),
        await sell(payments, orders, seller, days=3),
    ]
    charge = await wait_for_payout(payments, sold[1], PayoutState.SENT)
    await sell(payments, orders, make_user(), days=3)
    payments.sign_in(seller)

    first = await payments.get(EARNINGS, params={"limit": 2})
    second = await payments.get(first.links["next"]["url"])

    sales = [*first.json()["sales"], *second.json()["sales"]]
    assert [sale["orderId"] for sale in sales] == sold[::-1]
    assert "next" not in second.links
    assert first.json()["totals"] == {"held": 2 * PRICE / 100, "sent": PRICE / 100, "owed": 0}
    assert sales[0]["payout"] == {"state": "held"}
    assert charge.payout is not None
    assert charge.paid_at is not None
    assert (
        sales[1].items()
        >= {
            "title": "Front row",
            "price": PRICE / 100,
            "fee": 0,
            "net": PRICE / 100,
            "payout": {"state": "sent"},
            "transferId": charge.payout.transfer_id,
        }.items()
    )
    bad = await payments.get(EARNINGS, params={"cursor": "x"})
    assert bad.status_code == 400


async def test_earnings_say_when_a_refund_was_offered(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order = await sell(payments, orders, seller, days=3)
    offered_at = datetime(2027, 6, 14, 12, tzinfo=UTC)

    await orders.publish(
        order,
        OrderUpdated,
        version=3,
        status=OrderStatus.COMPLETE,
        refund_offered_at=offered_at,
    )

    payments.sign_in(seller)
    (sale,) = (await payments.get(EARNINGS)).json()["sales"]
    assert sale["refundOfferedAt"] == "2027-06-14T12:00:00Z"


async def test_republishing_includes_sellers(payments: Client, sellers: SellerProbe) -> None:
    seller = await make_seller(payments, sellers)

    states = [event async for event in payments.app.state.service.snapshot_events()]

    assert [state.aggregate_id for state in states if state.subject.startswith("seller.")] == [
        seller.id
    ]


def test_live_key_needs_an_explicit_fee(payments_environment: dict[str, Any]) -> None:
    live: dict[str, Any] = {**payments_environment, "stripe_key": "sk_live_123456"}
    live["stripe_api_base"] = None

    with pytest.raises(ValidationError, match="PLATFORM_FEE_BASIS_POINTS"):
        Settings(**live)
    assert Settings(**live, platform_fee_basis_points=0).platform_fee_basis_points == 0


async def test_pause_of_a_user_without_an_account_says_that_nothing_was_changed(
    payments_environment: dict[str, Any], published: object
) -> None:
    assert published  # a service waits for its streams
    command = ("-m", "common.operations.cli", "payments", "seller-pause", new_id())

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, "--actor", "ann", "--reason", "many claims"),
        env={name.upper(): str(value) for name, value in payments_environment.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output = (await process.communicate())[0].decode()

    assert (process.returncode, output.splitlines()[-1]) == (
        1,
        "Nothing was changed: this user has no account for payouts",
    )
