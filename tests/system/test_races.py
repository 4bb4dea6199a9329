"""Many at once: exactly one may win."""

import asyncio
from collections import Counter

from common.testing.plugin import errors
from payments.testing import Bank
from support.api_user import Known, Person

BUYERS = 200
CLICKS = 20


async def test_of_two_hundred_buyers_at_once_exactly_one_gets_the_ticket(
    seller: Person, known: Known
) -> None:
    ticket = await seller.sell()
    crowd = [known() for _ in range(BUYERS)]
    order = {"ticketId": ticket["id"]}

    async def rush(buyer: Person) -> Person | None:
        answer = await buyer.send("POST", "/api/orders", order)
        if answer.status_code == 201:
            return buyer
        assert answer.status_code == 400, answer.text
        assert errors(answer) == [{"message": "Ticket is already reserved"}]
        return None

    await crowd[0].sees(f"/api/tickets/{ticket['id']}", status="available")
    winners = [buyer for buyer in await asyncio.gather(*map(rush, crowd)) if buyer]
    assert len(winners) == 1
    (placed,) = await winners[0].ask("GET", "/api/orders")
    assert placed["ticket"]["id"] == ticket["id"]


async def test_twenty_clicks_on_pay_take_the_money_once(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    order = await buyer.order(await seller.sell())
    await buyer.sees(f"/api/orders/{order['id']}", status="created")
    pay = {"token": "tok_visa", "orderId": order["id"]}
    await buyer.ask("GET", f"/api/payments?orderId={order['id']}", expect=404)
    answers = await asyncio.gather(
        *(buyer.send("POST", "/api/payments", pay) for _ in range(CLICKS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: CLICKS}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await bank.intents(order["id"])) == 1
    assert await bank.taken(order["id"]) == 1


async def test_different_cards_at_once_take_the_money_once(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    order = await buyer.order(await seller.sell())
    await buyer.pay(order, "tok_chargeDeclined", expect=402)  # so payments has heard of the order
    cards = ["tok_visa", "tok_mastercard", "tok_amex", "tok_chargeDeclined"] * 3

    async def click(card: str) -> int:
        answer = await buyer.send("POST", "/api/payments", {"token": card, "orderId": order["id"]})
        return answer.status_code

    statuses = await asyncio.gather(*map(click, cards))
    assert set(statuses) <= {201, 402}, statuses
    assert 201 in statuses
    assert await bank.taken(order["id"]) == 1


async def test_paying_and_cancelling_at_once_never_keeps_the_money_of_a_cancelled_order(
    seller: Person, buyer: Person, bank: Bank
) -> None:
    orders = [await buyer.order(await seller.sell()) for _ in range(6)]

    async def both(order: dict[str, str]) -> None:
        pay = {"token": "tok_visa", "orderId": order["id"]}
        paid, cancelled = await asyncio.gather(
            buyer.send("POST", "/api/payments", pay),
            buyer.send("DELETE", f"/api/orders/{order['id']}"),
        )
        assert paid.status_code in {201, 400, 404}, paid.text
        assert cancelled.status_code in {204, 400}, cancelled.text

    await asyncio.gather(*map(both, orders))
    for order in orders:
        shown = await buyer.ask("GET", f"/api/orders/{order['id']}")
        if shown["status"] == "created":
            shown = await buyer.sees(f"/api/orders/{order['id']}", status="complete")
        if shown["status"] == "complete":
            assert await bank.taken(order["id"]) == 1
            assert not await bank.refunds(order["id"])
        elif await bank.taken(order["id"]):
            receipt = await buyer.sees(f"/api/payments?orderId={order['id']}", status="refunded")
            assert [refund.id for refund in await bank.refunds(order["id"])] == [
                receipt["stripeRefundId"]
            ]


async def test_an_account_is_opened_once_however_often_it_is_asked_for(known: Known) -> None:
    person = known()
    wanted = {"email": person.email, "password": "long enough"}
    answers = await asyncio.gather(
        *(person.send("POST", "/api/users/signup", wanted) for _ in range(8))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 7}
