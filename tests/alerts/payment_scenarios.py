"""The scenarios of the alerts about payments, payouts and the balance at Stripe."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from alerts.scenario import AlertScenario, paused, repeat
from bson import ObjectId
from pydantic import SecretStr
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from common.values.clock import utc_now
from payments.reconciliation import reconcile
from payments.store.ledger import LAST, RECONCILIATIONS, Ledger
from payments.stripe.gateway import Gateway
from payments.testing import STRIPE_KEY
from ticketing_local.api_user import ApiUser

AVAILABLE_AT_ONCE: Final = "pm_card_bypassPending"
DISPUTED: Final = "pm_card_createDispute"
EXPENSIVE: Final = 5_000
"""A price in dollars that is more than what the platform has earned."""


@asynccontextmanager
async def payments_database(
    scenario: AlertScenario,
) -> AsyncGenerator[AsyncDatabase[dict[str, Any]]]:
    """Connect to the database of payments."""
    async with AsyncMongoClient[dict[str, Any]](scenario.system.mongo, tz_aware=True) as client:
        yield client["payments"]


async def run_reconciliation(scenario: AlertScenario) -> None:
    """Compare payments with Stripe, as the daily job does."""
    async with (
        payments_database(scenario) as database,
        Gateway(
            SecretStr(STRIPE_KEY),
            api_base=scenario.system.stripe,
            webhook_secret=None,
            timeout_seconds=8,
        ) as gateway,
    ):
        await reconcile(Ledger(database), gateway.balance, utc_now, recheck_seconds=0)


async def new_seller(scenario: AlertScenario) -> ApiUser:
    """Sign up a seller, who can be paid."""
    seller = await ApiUser.sign_up(scenario.system.address, "seller")
    await seller.request_ok("POST", "/api/payments/seller", {})
    async with payments_database(scenario) as database:
        stored = await database["sellers"].find_one({"_id": ObjectId(seller.id)})
    assert stored is not None
    account = f"accounts/{stored['stripe_account_id']}"
    await scenario.stripe.control("POST", account, {"transfers": "active"})
    return seller


@asynccontextmanager
async def refund_failed(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Lose Stripe's response after the charge, cancel the order, reject the refund."""
    error = {"type": "invalid_request_error", "code": "charge_disputed", "message": "Disputed."}
    stripe = scenario.stripe
    await stripe.inject_fault("POST /v1/payment_intents/*/confirm", "drop_after", times=3)
    await stripe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=None)
    order = await scenario.buyer.order(await scenario.seller.sell())
    await scenario.buyer.pay(order, expect=503)
    await scenario.buyer.request_ok("DELETE", f"/api/orders/{order['id']}", expect=204)
    async with paused(scenario, "payments"):
        await stripe.clear_faults()
        await stripe.inject_fault("POST /v1/refunds", "status", status=400, error=error)
    yield


@asynccontextmanager
async def stripe_unavailable(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Drop every call to Stripe while users pay."""

    async def pay() -> None:
        buyer, order = await scenario.order_as_new_buyer()
        async with buyer:
            await buyer.pay(order)

    await scenario.stripe.inject_fault("POST /v1/payment_intents*", "drop_before", times=None)
    async with repeat(pay, concurrency=4):
        yield
    await scenario.stripe.clear_faults()


@asynccontextmanager
async def payments_refused(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Reject the key of payments at Stripe (401) while a buyer pays."""
    error = {"type": "invalid_request_error", "message": "Invalid API Key provided."}
    create = "POST /v1/payment_intents"
    await scenario.stripe.inject_fault(create, "status", status=401, times=None, error=error)
    order = await scenario.buyer.order(await scenario.seller.sell())
    await scenario.buyer.pay(order, expect=503)
    yield
    await scenario.stripe.clear_faults()


@asynccontextmanager
async def transfers_failing(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Refuse the transfer of a payout that is due, as without enough balance."""
    error = {
        "type": "invalid_request_error",
        "code": "balance_insufficient",
        "message": "Insufficient funds.",
    }
    stripe = scenario.stripe
    await stripe.inject_fault("POST /v1/transfers", "status", status=400, times=None, error=error)
    async with await new_seller(scenario) as seller:
        order = await scenario.buyer.order(await seller.sell())
        await scenario.buyer.pay(order)
    due = {"$set": {"release_at": utc_now(), "look_at": utc_now()}}
    async with payments_database(scenario) as database:
        await database["charges"].update_one({"order_id": ObjectId(order["id"])}, due)
    yield
    await stripe.clear_faults()


@asynccontextmanager
async def balance_short(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Pay what is held for a seller out to the platform's own bank, and reconcile."""
    ticket = await scenario.seller.sell(price=EXPENSIVE)
    await scenario.buyer.pay(await scenario.buyer.order(ticket), AVAILABLE_AT_ONCE)
    balance = await scenario.stripe.api.balance.retrieve_async()
    (available,) = [each.amount for each in balance.available if each.currency == "usd"]
    payout = await scenario.stripe.api.payouts.create_async(
        {"amount": available, "currency": "usd"}
    )
    await run_reconciliation(scenario)
    yield
    await scenario.stripe.api.payouts.cancel_async(payout.id)
    await run_reconciliation(scenario)


@asynccontextmanager
async def evidence_refused(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Dispute a payment while Stripe refuses what is sent about disputes."""
    error = {"type": "invalid_request_error", "message": "Invalid evidence."}
    stripe = scenario.stripe
    await stripe.inject_fault("POST /v1/disputes/*", "status", status=400, times=None, error=error)
    await scenario.buyer.pay(await scenario.buyer.order(await scenario.seller.sell()), DISPUTED)
    yield
    await stripe.clear_faults()


@asynccontextmanager
async def sellers_owing(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Record that a payout could not be called back from a seller, and reconcile."""
    async with await new_seller(scenario) as seller:
        person = {"_id": ObjectId(seller.id)}
    async with payments_database(scenario) as database:
        await database["sellers"].update_one(person, {"$set": {"debts": {"payout:1": 500}}})
        await run_reconciliation(scenario)
        yield
        await database["sellers"].update_one(person, {"$set": {"debts": {}}})
    await run_reconciliation(scenario)


@asynccontextmanager
async def payments_differ(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Charge a card at Stripe for no order, and reconcile."""
    intent = await scenario.stripe.api.payment_intents.create_async(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )
    await run_reconciliation(scenario)
    yield
    await scenario.stripe.api.refunds.create_async({"payment_intent": intent.id})
    await run_reconciliation(scenario)


@asynccontextmanager
async def reconciliation_late(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Hold the lease of the daily reconciliation, the last one of which was two days ago."""
    last, lease = {"_id": LAST}, {"_id": "reconciliation"}
    held = {"owner": "nobody", "until": utc_now() + timedelta(hours=1)}
    async with payments_database(scenario) as database:
        await database["leases"].update_one(lease, {"$set": held}, upsert=True)
        results = database[RECONCILIATIONS]
        await results.update_one(last, {"$set": {"at": utc_now() - timedelta(days=2)}})
        yield
        await results.update_one(last, {"$set": {"at": utc_now()}})
        await database["leases"].delete_one(lease)
