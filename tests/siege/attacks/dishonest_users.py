"""Users who hold what they do not buy, test cards, or change a price under a buyer."""

import json
import random
from collections import Counter
from typing import Any, Final

from siege.attack import Attack, Siege
from siege.attacker import AttackClient, Attacker, AttackReport, Facts
from siege.journal import DURING

ORDERS: Final = "/api/orders"
MAX_UNPAID_ORDERS: Final = 4
MAX_ORDERS_PER_TICKET: Final = 2
"""The first order, and the one free repeat."""
MIN_SHARE_OF_ORDERS: Final = 0.8
MAX_DECLINES: Final = 10
CONCURRENT_CARDS: Final = 4
DECLINED_CARDS: Final = (
    "tok_chargeDeclined",
    "tok_chargeDeclinedStolenCard",
    "tok_chargeDeclinedLostCard",
    "tok_chargeDeclinedFraudulent",
    "tok_chargeDeclinedInsufficientFunds",
    "tok_chargeDeclinedVelocityLimitExceeded",
)
SECRET_CODES: Final = frozenset({"stolen_card", "lost_card", "fraudulent", "pickup_card"})
LOW_PRICE: Final = 5
HIGH_PRICE: Final = 9_999


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


async def deny_inventory(attacker: Attacker) -> None:
    """Order every ticket with one account, cancel, and order again at once."""
    tickets: list[str] = list(attacker.facts["tickets"])
    clients = [attacker.client(number, attacker.facts["cookie"]) for number in range(12)]
    held: set[str] = set()
    orders_by_ticket = Counter[str]()
    observed = attacker.report.observed
    observed["most_held"] = 0

    async def order(number: int) -> None:
        if random.random() < 0.1:
            listed = await clients[number].request("GET", "/api/tickets?limit=100")
            if listed.status == 200:
                tickets[:] = list({*tickets, *(ticket["id"] for ticket in listed.json())})
        ticket = random.choice(tickets)
        response = await clients[number].request("POST", ORDERS, _json({"ticketId": ticket}))
        if response.status == 201:
            held.add(response.json()["id"])
            orders_by_ticket[ticket] += 1
            observed["most_held"] = max(observed["most_held"], len(held))
        if held and random.random() < 0.2:
            cancelled = held.pop()
            await clients[number].request("DELETE", f"{ORDERS}/{cancelled}")

    await attacker.repeat(len(clients), order)
    for client in clients:
        client.close()
    observed["orders"] = orders_by_ticket.total()
    observed["most_orders_of_a_ticket"] = max(orders_by_ticket.values(), default=0)


async def _prepare_inventory(siege: Siege) -> Facts:
    (user,), (cookie,) = siege.session_cookies(1)
    return {"tickets": await siege.listed_tickets(60), "user": user, "cookie": cookie}


async def _check_inventory(siege: Siege, facts: Facts, report: AttackReport) -> list[str]:
    problems: list[str] = []
    unpaid = {
        "user_id": facts["user"],
        "status": {"$in": ["created", "awaiting:payment"]},
    }
    stored = await siege.mongo["orders"]["orders"].count_documents(unpaid)
    held = max(stored, report.observed["most_held"])
    if held > MAX_UNPAID_ORDERS:
        problems.append(f"one account held {held} unpaid orders")
    if (repeated := report.observed["most_orders_of_a_ticket"]) > MAX_ORDERS_PER_TICKET:
        problems.append(f"one account ordered the same ticket {repeated} times")
    orders = siege.journal.phases[DURING].statuses["order"]
    if orders[201] < MIN_SHARE_OF_ORDERS * orders.total():
        problems.append(f"friendly users got {orders[201]} of {orders.total()} tickets")
    return problems


async def try_cards(attacker: Attacker) -> None:
    """Try cards until one works; cancel and order again when an order allows no more attempts."""
    tickets: list[str] = list(attacker.facts["tickets"])
    cards = list(DECLINED_CARDS)
    codes = set[str]()
    declines = 0

    async def try_on_one_order(number: int) -> None:
        nonlocal declines
        if not tickets:
            return await attacker.pace(1)
        client = clients[number]
        placed = await client.request("POST", ORDERS, _json({"ticketId": tickets.pop()}))
        if placed.status != 201:
            return await attacker.pace(0.2)
        order_id = placed.json()["id"]
        for _ in range(5):
            cards.append(card := cards.pop(0))
            payment = _json({"token": card, "orderId": order_id})
            response = await client.request("POST", "/api/payments", payment)
            declines += response.status == 402
            codes.update(_codes(response.json()))
        await client.request("DELETE", f"{ORDERS}/{order_id}")
        return None

    clients = [
        attacker.client(number, attacker.facts["cookie"]) for number in range(CONCURRENT_CARDS)
    ]
    await attacker.repeat(len(clients), try_on_one_order)
    for client in clients:
        client.close()
    attacker.report.observed["declines"] = declines
    attacker.report.observed["codes"] = sorted(codes)


def _codes(body: Any) -> set[str]:
    """Return every text in the errors of a payment."""
    return {str(value) for error in body.get("errors", ()) for value in error.values()}


async def _prepare_cards(siege: Siege) -> Facts:
    _, (cookie,) = siege.session_cookies(1)
    return {"tickets": await siege.listed_tickets(60), "cookie": cookie}


async def _check_cards(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    problems: list[str] = []
    declines, codes = report.observed["declines"], set(report.observed["codes"])
    if declines > MAX_DECLINES + CONCURRENT_CARDS:
        problems.append(f"one account tried {declines} cards")
    problems += [f"the answer reveals {code}" for code in sorted(codes & SECRET_CODES)]
    return problems


async def change_price(attacker: Attacker) -> None:
    """Raise the price of one's own ticket between a buyer's page and the order."""
    observed = attacker.report.observed
    observed.update(overcharged=0, refused=0, orders=0)
    pairs = [
        (attacker.client(number, seller), attacker.client(number, buyer))
        for number, (seller, buyer) in enumerate(attacker.facts["pairs"])
    ]

    async def trick(number: int) -> None:
        seller, buyer = pairs[number]
        await _trick_one_buyer(attacker, seller, buyer)

    await attacker.repeat(len(pairs), trick)
    for pair in pairs:
        for client in pair:
            client.close()


async def _trick_one_buyer(attacker: Attacker, seller: AttackClient, buyer: AttackClient) -> None:
    listed = await seller.request("POST", "/api/tickets", _json({"title": "x", "price": LOW_PRICE}))
    if listed.status != 201:
        return await attacker.pace(1)
    ticket_id = listed.json()["id"]
    path = f"/api/tickets/{ticket_id}"
    page = (await buyer.request("GET", path)).json()
    await seller.request("PUT", path, _json({"title": "x", "price": HIGH_PRICE}))
    await attacker.pace(random.uniform(0, 0.3))
    order = _json({"ticketId": ticket_id, "price": page["price"]})
    response = await buyer.request("POST", ORDERS, order)
    observed = attacker.report.observed
    if response.status == 201:
        placed = response.json()
        observed["orders"] += 1
        observed["overcharged"] += placed["ticket"]["price"] != page["price"]
        await buyer.request("DELETE", f"{ORDERS}/{placed['id']}")
    observed["refused"] += response.status == 409
    return None


async def _prepare_prices(siege: Siege) -> Facts:
    _, cookies = siege.session_cookies(12)
    return {"pairs": list(zip(cookies[::2], cookies[1::2], strict=True))}


async def _check_prices(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    problems: list[str] = []
    observed = report.observed
    if observed["overcharged"]:
        problems.append(f"{observed['overcharged']} orders at a price that their buyer never saw")
    if not observed["refused"]:
        problems.append("no order at an outdated price was refused with 409")
    return problems


ATTACKS: Final = (
    Attack(
        "inventory",
        "one account orders every ticket, cancels and orders again",
        deny_inventory,
        prepare=_prepare_inventory,
        check=_check_inventory,
        competes_for_tickets=True,
    ),
    Attack(
        "card-testing",
        "one account tries cards on one order after another",
        try_cards,
        prepare=_prepare_cards,
        check=_check_cards,
    ),
    Attack(
        "price-change",
        "sellers raise the price between the page and the order",
        change_price,
        prepare=_prepare_prices,
        check=_check_prices,
    ),
)
