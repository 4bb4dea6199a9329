"""Concurrent requests of which exactly one may succeed."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from common.testing.client import errors
from common.testing.polling import eventually
from payments.testing import StripeProbe
from support.api_user import MakeSignedInUser, at_replica
from support.system import System
from ticketing_local.api_user import ApiUser

BUYERS = 200
PAYMENTS = 20
WITHDRAWALS = 20
REFUSALS = {
    "sold": "Ticket is already reserved",
    "available": "Ticket was withdrawn by its seller",
}
"""Why orders refuses a withdrawn ticket, by what became of the order that stood."""


async def test_one_of_200_concurrent_buyers_gets_the_ticket(
    seller: ApiUser, make_signed_in_user: MakeSignedInUser
) -> None:
    ticket = await seller.sell()
    buyers = [make_signed_in_user() for _ in range(BUYERS)]
    order = {"ticketId": ticket["id"]}

    async def place_order(buyer: ApiUser) -> ApiUser | None:
        response = await buyer.request("POST", "/api/orders", order)
        if response.status_code == 201:
            return buyer
        assert response.status_code == 400, response.text
        assert errors(response) == [{"message": "Ticket is already reserved"}]
        return None

    await seller.request_ok("POST", "/api/orders", order, expect=400)  # orders has the ticket
    winners = [buyer for buyer in await asyncio.gather(*map(place_order, buyers)) if buyer]
    assert len(winners) == 1
    (placed,) = await winners[0].request_ok("GET", "/api/orders")
    assert placed["ticket"]["id"] == ticket["id"]


async def test_20_concurrent_payments_charge_once(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    order = await buyer.order(await seller.sell())
    await buyer.wait_for(f"/api/orders/{order['id']}", status="created")
    pay = {"token": "tok_visa", "orderId": order["id"]}
    await seller.request_ok("POST", "/api/payments", pay, expect=401)  # payments has the order
    await buyer.request_ok("GET", f"/api/payments?orderId={order['id']}", expect=404)
    responses = await asyncio.gather(
        *(buyer.request("POST", "/api/payments", pay) for _ in range(PAYMENTS))
    )
    assert Counter(response.status_code for response in responses) == {201: PAYMENTS}
    assert len({answer.json()["id"] for answer in responses}) == 1
    assert len(await stripe.intents(order["id"])) == 1
    assert await stripe.times_charged(order["id"]) == 1


async def test_concurrent_payments_with_different_cards_charge_once(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    order = await buyer.order(await seller.sell())
    await buyer.pay(order, "tok_chargeDeclined", expect=402)  # so payments has the order
    cards = ["tok_visa", "tok_mastercard", "tok_amex", "tok_chargeDeclined"] * 3

    async def pay_with(card: str) -> int:
        response = await buyer.request(
            "POST", "/api/payments", {"token": card, "orderId": order["id"]}
        )
        return response.status_code

    statuses = await asyncio.gather(*map(pay_with, cards))
    assert set(statuses) <= {201, 402}, statuses
    assert 201 in statuses
    assert await stripe.times_charged(order["id"]) == 1


async def test_concurrent_orders_of_one_buyer_reserve_at_most_four_tickets(
    system: System, seller: ApiUser, buyer: ApiUser
) -> None:
    tickets = [await seller.sell() for _ in range(12)]
    orders = [{"ticketId": ticket["id"], "price": ticket["price"]} for ticket in tickets]
    for order in orders:  # rejects the seller as soon as it has a copy of the ticket
        await seller.request_ok("POST", "/api/orders", order, expect=400)

    responses = await asyncio.gather(
        *(buyer.request("POST", "/api/orders", order) for order in orders)
    )

    statuses = Counter(response.status_code for response in responses)
    assert statuses == {201: 4, 429: 8}, statuses
    refused = next(response for response in responses if response.status_code == 429)
    assert errors(refused) == [{"message": "You have too many unpaid orders"}]
    expiration_seconds = int(system.environ["ORDER_EXPIRATION_SECONDS"])
    assert 1 <= int(refused.headers["retry-after"]) <= expiration_seconds


async def test_concurrent_pay_and_cancel_refunds_a_cancelled_order(
    seller: ApiUser, buyer: ApiUser, stripe: StripeProbe
) -> None:
    orders = [await buyer.order(await seller.sell()) for _ in range(4)]

    async def pay_and_cancel(order: dict[str, str]) -> None:
        pay = {"token": "tok_visa", "orderId": order["id"]}
        paid, cancelled = await asyncio.gather(
            buyer.request("POST", "/api/payments", pay),
            buyer.request("DELETE", f"/api/orders/{order['id']}"),
        )
        assert paid.status_code in {201, 400, 404}, paid.text
        assert cancelled.status_code in {204, 400}, cancelled.text

    await asyncio.gather(*map(pay_and_cancel, orders))
    for order in orders:
        order_body = await buyer.request_ok("GET", f"/api/orders/{order['id']}")
        if order_body["status"] == "created":
            order_body = await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
        if order_body["status"] == "complete":
            assert await stripe.times_charged(order["id"]) == 1
            assert not await stripe.refunds(order["id"])
        elif await stripe.times_charged(order["id"]):
            refunded_payment = await buyer.wait_for(
                f"/api/payments?orderId={order['id']}", status="refunded"
            )
            assert [refund.id for refund in await stripe.refunds(order["id"])] == [
                refunded_payment["stripeRefundId"]
            ]


async def _withdraw(seller: ApiUser, ticket: Any) -> int:
    response = await seller.request("DELETE", f"/api/tickets/{ticket['id']}")
    return response.status_code


@pytest.mark.parametrize("outcome", REFUSALS)
async def test_order_that_does_not_know_of_the_withdrawal_stands(
    system: System, seller: ApiUser, buyer: ApiUser, outcome: str
) -> None:
    """NATS is stopped between the withdrawal and the order, so that orders cannot know of it."""
    refusal = [{"message": REFUSALS[outcome]}]
    ticket = await seller.sell()
    order = {"ticketId": ticket["id"]}
    await seller.request_ok("POST", "/api/orders", order, expect=400)  # orders has the ticket
    path = f"/api/tickets/{ticket['id']}"
    nats = system.processes["nats"]

    nats.pause()
    try:
        async with at_replica(system.replica_address("tickets"), seller) as direct:
            assert await _withdraw(direct, ticket) == 204
        async with at_replica(system.replica_address("orders"), buyer) as direct:
            placed = await direct.order(ticket)
    finally:
        nats.resume()

    reserved = await seller.wait_for(path, status="reserved", orderId=placed["id"])
    assert reserved["withdrawing"] is True
    assert await _withdraw(seller, ticket) == 202
    if outcome == "sold":
        await buyer.pay(placed)
    else:
        await buyer.request_ok("DELETE", f"/api/orders/{placed['id']}", expect=204)
    ended = await seller.wait_for(path, status=outcome, version=reserved["version"] + 1)
    assert ended.get("withdrawn", False) is (outcome == "available")

    async def orders_knows_of_the_end() -> bool:
        """Ask at another price, which orders refuses anyway, so that no order is placed."""
        response = await buyer.request("POST", "/api/orders", {**order, "price": 1})
        assert response.status_code in {400, 409}, response.text
        return errors(response) == refusal

    await eventually(orders_knows_of_the_end)
    refused = await buyer.request("POST", "/api/orders", order)
    assert (refused.status_code, errors(refused)) == (400, refusal)


async def test_concurrent_withdrawals_and_orders_leave_one_outcome_each(
    seller: ApiUser, make_signed_in_user: MakeSignedInUser
) -> None:
    tickets = [await seller.sell() for _ in range(WITHDRAWALS)]
    for ticket in tickets:  # orders has the ticket when it rejects its seller
        await seller.request_ok("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=400)

    async def withdraw_and_order(ticket: Any) -> None:
        buyer = make_signed_in_user()
        withdrawal, order = await asyncio.gather(
            _withdraw(seller, ticket),
            buyer.request("POST", "/api/orders", {"ticketId": ticket["id"]}),
        )
        assert withdrawal in {202, 204}
        assert order.status_code in {201, 400}, order.text
        path = f"/api/tickets/{ticket['id']}"
        if order.status_code == 201:
            await seller.wait_for(path, status="reserved", withdrawing=True)
            path_of_order = f"/api/orders/{order.json()['id']}"
            await buyer.request_ok("DELETE", path_of_order, expect=204)
        await seller.wait_for(path, status="available", withdrawn=True)

    await asyncio.gather(*map(withdraw_and_order, tickets))


async def test_concurrent_sign_ups_create_one_account(
    make_signed_in_user: MakeSignedInUser,
) -> None:
    user = make_signed_in_user()
    credentials = {"email": user.email, "password": "long enough"}
    responses = await asyncio.gather(
        *(user.request("POST", "/api/users/signup", credentials) for _ in range(8))
    )
    assert Counter(response.status_code for response in responses) == {201: 1, 400: 7}
