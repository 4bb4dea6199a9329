"""Purchases across all services: the ticket, its order and its payment."""

from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import AsyncMongoClient

from common.testing.client import errors
from common.testing.polling import eventually
from common.values.clock import utc_now
from payments.testing import StripeProbe
from support.system import System
from ticketing_local.api_user import ApiUser


async def test_purchase_sells_the_ticket_and_charges_once(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    ticket = await seller.sell(price=19.99)
    order = await buyer.order(ticket)
    assert order["status"] == "created"
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="reserved", orderId=order["id"])
    payment = await buyer.pay(order)
    assert (payment["status"], payment["amount"]) == ("succeeded", 19.99)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="sold", orderId=order["id"])
    (intent,) = await stripe.intents(order["id"])
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1999, "usd")
    refused = await buyer.request("DELETE", f"/api/orders/{order['id']}")
    assert (refused.status_code, errors(refused)[0]["message"]) == (
        400,
        "Order is already complete",
    )


async def test_reserved_or_sold_ticket_is_not_listed_or_editable(
    seller: ApiUser, buyer: ApiUser
) -> None:
    ticket = await seller.sell("A unique title of one listing")
    path = f"/api/tickets/{ticket['id']}"

    async def is_listed() -> bool:
        found = await buyer.request_ok("GET", "/api/tickets?q=unique+title+one+listing")
        return ticket["id"] in [one["id"] for one in found]

    async def is_not_listed() -> bool:
        return not await is_listed()

    await eventually(is_listed)
    order = await buyer.order(ticket)
    await seller.wait_for(path, status="reserved")
    await eventually(is_not_listed)
    edited = await seller.request("PUT", path, {"title": "Another", "price": 5})
    assert (edited.status_code, errors(edited)[0]["message"]) == (
        400,
        "Cannot edit a reserved ticket",
    )
    await buyer.pay(order)
    await seller.wait_for(path, status="sold")
    await eventually(is_not_listed)
    (mine,) = await seller.request_ok("GET", "/api/tickets/mine")
    assert (mine["id"], mine["status"]) == (ticket["id"], "sold")


async def wait_until_payments_knows_of_the_cancellation(system: System, order: Any) -> None:
    """Wait until the copy of an order in payments is cancelled, which no route shows."""
    async with AsyncMongoClient[dict[str, Any]](system.mongo) as mongo:
        cancelled = {"_id": ObjectId(order["id"]), "status": "cancelled"}
        await eventually(lambda: mongo["payments"]["orders"].find_one(cancelled))


async def test_cancelled_order_releases_its_ticket(
    system: System, seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    ticket = await seller.sell()
    first = await buyer.order(ticket)
    await buyer.request_ok("DELETE", f"/api/orders/{first['id']}", expect=204)
    await buyer.wait_for(f"/api/orders/{first['id']}", status="cancelled", reason="buyer")
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="available", orderId=None)
    second = await buyer.order(ticket)
    assert second["id"] != first["id"]
    await wait_until_payments_knows_of_the_cancellation(system, first)
    refused = await buyer.request(
        "POST", "/api/payments", {"token": "tok_visa", "orderId": first["id"]}
    )
    assert refused.status_code == 400
    await buyer.pay(second)
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="sold", orderId=second["id"])
    assert await stripe.times_charged(first["id"]) == 0


async def test_unpaid_order_expires_and_releases_its_ticket(
    seller: ApiUser, buyer: ApiUser
) -> None:
    paid = await buyer.order(await seller.sell())
    await buyer.pay(paid)
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    cancelled = await buyer.wait_for(f"/api/orders/{order['id']}", status="cancelled")
    assert utc_now() >= datetime.fromisoformat(order["expiresAt"])
    assert cancelled["reason"] == "expired"
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="available")
    await buyer.order(ticket)
    assert (await buyer.request_ok("GET", f"/api/orders/{paid['id']}"))["status"] == "complete"


async def test_another_card_pays_after_a_decline(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    declined = await buyer.pay(order, "tok_chargeDeclinedInsufficientFunds", expect=402)
    assert declined["errors"][0]["message"] == "Your card has insufficient funds."
    await buyer.wait_for(f"/api/orders/{order['id']}", status="awaiting:payment")
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="reserved")
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    assert (await stripe.declines(order["id"]), await stripe.times_charged(order["id"])) == (1, 1)


async def test_exhausted_payment_attempts_cancel_the_order(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    for _ in range(5):
        await buyer.pay(order, "tok_chargeDeclined", expect=402)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="cancelled", reason="payment failed")
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="available")
    await buyer.pay(order, expect=400)
    assert await stripe.times_charged(order["id"]) == 0


async def test_payment_after_cancellation_is_refunded(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    order = await buyer.order(await seller.sell())
    await stripe.inject_fault("POST /v1/payment_intents/*/confirm", "drop_after", times=3)
    await stripe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=None)
    await buyer.pay(order, expect=503)
    assert await stripe.times_charged(order["id"]) == 1
    await buyer.request_ok("DELETE", f"/api/orders/{order['id']}", expect=204)
    await stripe.clear_faults()
    await buyer.wait_for(f"/api/orders/{order['id']}", status="cancelled", reason="buyer")
    refunded_payment = await buyer.wait_for(
        f"/api/payments?orderId={order['id']}", status="refunded"
    )
    (refund,) = await stripe.refunds(order["id"])
    assert (refunded_payment["stripeRefundId"], refund.status) == (refund.id, "succeeded")


async def test_order_keeps_the_price_at_placement(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    ticket = await seller.sell(price=30)
    path = f"/api/tickets/{ticket['id']}"
    first = await buyer.order(ticket)
    await buyer.request_ok("DELETE", f"/api/orders/{first['id']}", expect=204)
    # The cancellation may overtake the order, so it is the first change or the second one.
    await seller.poll(path, lambda body: body["status"] == "available" and body["version"] >= 1)
    await seller.request_ok("PUT", path, {"title": ticket["title"], "price": "45.50"})
    assert first["ticket"]["price"] == 30
    assert (await buyer.request_ok("GET", f"/api/orders/{first['id']}"))["ticket"]["price"] == 30

    async def order_at_new_price() -> Any:
        order = {"ticketId": ticket["id"], "price": 45.5}
        response = await buyer.request("POST", "/api/orders", order)
        return response.json() if response.status_code == 201 else None

    second = await eventually(order_at_new_price)
    await buyer.pay(second)
    assert (await stripe.intent(second["id"])).amount_received == 4550


async def test_seller_cannot_order_own_ticket(seller: ApiUser) -> None:
    ticket = await seller.sell()
    body = await seller.request_ok("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=400)
    assert body["errors"][0]["message"] == "You cannot order your own ticket"
