"""What becomes of a ticket, its order and its money, all services together."""

from datetime import datetime
from typing import Any

from common.testing.plugin import errors, eventually
from common.values.clock import utc_now
from payments.testing import Bank
from support.api_user import Person


async def test_a_purchase_sells_the_ticket_and_takes_the_money_once(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    ticket = await seller.sell(price=19.99)
    order = await buyer.order(ticket)
    assert order["status"] == "created"
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="reserved", orderId=order["id"])
    payment = await buyer.pay(order)
    assert (payment["status"], payment["amount"]) == ("succeeded", 19.99)
    await buyer.sees(f"/api/orders/{order['id']}", status="complete")
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="sold", orderId=order["id"])
    (intent,) = await bank.intents(order["id"])
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1999, "usd")
    refused = await buyer.send("DELETE", f"/api/orders/{order['id']}")
    assert (refused.status_code, errors(refused)[0]["message"]) == (
        400,
        "Order is already complete",
    )


async def test_what_is_reserved_or_sold_is_neither_listed_nor_edited(
    seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell("A title nobody else has chosen")
    path = f"/api/tickets/{ticket['id']}"

    async def listed() -> bool:
        found = await buyer.ask("GET", "/api/tickets?q=title+nobody+else+chosen")
        return ticket["id"] in [one["id"] for one in found]

    async def gone() -> bool:
        return not await listed()

    await eventually(listed)
    order = await buyer.order(ticket)
    await seller.sees(path, status="reserved")
    await eventually(gone)
    edited = await seller.send("PUT", path, {"title": "Another", "price": 5})
    assert (edited.status_code, errors(edited)[0]["message"]) == (
        400,
        "Cannot edit a reserved ticket",
    )
    await buyer.pay(order)
    await seller.sees(path, status="sold")
    await eventually(gone)
    (mine,) = await seller.ask("GET", "/api/tickets/mine")
    assert (mine["id"], mine["status"]) == (ticket["id"], "sold")


async def test_a_cancelled_order_frees_its_ticket_for_the_next(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    ticket = await seller.sell()
    first = await buyer.order(ticket)
    await buyer.ask("DELETE", f"/api/orders/{first['id']}", expect=204)
    await buyer.sees(f"/api/orders/{first['id']}", status="cancelled", reason="buyer")
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="available", orderId=None)
    second = await buyer.order(ticket)
    assert second["id"] != first["id"]
    refused = await buyer.send(
        "POST", "/api/payments", {"token": "tok_visa", "orderId": first["id"]}
    )
    assert refused.status_code == 400
    await buyer.pay(second)
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="sold", orderId=second["id"])
    assert await bank.taken(first["id"]) == 0


async def test_an_order_nobody_pays_expires_and_the_ticket_can_be_ordered_again(
    seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    cancelled = await buyer.sees(f"/api/orders/{order['id']}", status="cancelled")
    late = utc_now() - datetime.fromisoformat(order["expiresAt"])
    assert cancelled["reason"] == "expired"
    assert 0 <= late.total_seconds() < 4
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="available")
    await buyer.order(ticket)


async def test_a_paid_order_does_not_expire(seller: Person, buyer: Person) -> None:
    ticket = await seller.sell()
    paid = await buyer.order(ticket)
    await buyer.pay(paid)
    later = await buyer.order(await seller.sell())
    await buyer.sees(f"/api/orders/{later['id']}", status="cancelled", reason="expired")
    assert (await buyer.ask("GET", f"/api/orders/{paid['id']}"))["status"] == "complete"


async def test_after_a_decline_another_card_may_pay(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    declined = await buyer.pay(order, "tok_chargeDeclinedInsufficientFunds", expect=402)
    assert declined["errors"][0]["message"] == "Your card has insufficient funds."
    await buyer.sees(f"/api/orders/{order['id']}", status="awaiting:payment")
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="reserved")
    await buyer.pay(order)
    await buyer.sees(f"/api/orders/{order['id']}", status="complete")
    assert (await bank.declines(order["id"]), await bank.taken(order["id"])) == (1, 1)


async def test_attempts_that_are_used_up_give_the_order_up(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    for _ in range(5):
        await buyer.pay(order, "tok_chargeDeclined", expect=402)
    await buyer.sees(f"/api/orders/{order['id']}", status="cancelled", reason="payment failed")
    await buyer.sees(f"/api/tickets/{ticket['id']}", status="available")
    await buyer.pay(order, expect=400)
    assert await bank.taken(order["id"]) == 0


async def test_money_that_comes_after_the_cancellation_goes_back(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    """Stripe takes the money, its answers are lost, and the buyer cancels meanwhile."""
    order = await buyer.order(await seller.sell())
    await bank.fault("POST /v1/payment_intents/*/confirm", "drop_after", times=3)
    await bank.fault("GET /v1/payment_intents/*", "status", status=500, times=None)
    await buyer.pay(order, expect=503)
    assert await bank.taken(order["id"]) == 1
    await buyer.ask("DELETE", f"/api/orders/{order['id']}", expect=204)
    await bank.mend()
    await buyer.sees(f"/api/orders/{order['id']}", status="cancelled", reason="buyer")
    receipt = await buyer.sees(f"/api/payments?orderId={order['id']}", status="refunded")
    (refund,) = await bank.refunds(order["id"])
    assert (receipt["stripeRefundId"], refund.status) == (refund.id, "succeeded")


async def test_the_price_of_an_order_is_that_of_its_moment(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    ticket = await seller.sell(price=30)
    path = f"/api/tickets/{ticket['id']}"
    first = await buyer.order(ticket)
    await buyer.ask("DELETE", f"/api/orders/{first['id']}", expect=204)
    await seller.sees(path, status="available")
    await seller.ask("PUT", path, {"title": ticket["title"], "price": "45.50"})
    assert first["ticket"]["price"] == 30
    assert (await buyer.ask("GET", f"/api/orders/{first['id']}"))["ticket"]["price"] == 30

    async def at_the_new_price() -> object:
        order = await buyer.order(ticket)
        if order["ticket"]["price"] == 45.5:
            return order
        await buyer.ask("DELETE", f"/api/orders/{order['id']}", expect=204)
        return None

    second: Any = await eventually(at_the_new_price)
    await buyer.pay(second)
    assert (await bank.intent(second["id"])).amount_received == 4550


async def test_a_seller_cannot_buy_from_themselves(seller: Person) -> None:
    ticket = await seller.sell()
    answer = await seller.ask("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=400)
    assert answer["errors"][0]["message"] == "You cannot order your own ticket"
