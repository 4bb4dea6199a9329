"""What is logged can be followed from service to service, and holds nothing it should not."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.testing.plugin import JWT_KEY, eventually
from support.api_user import PASSWORD, Person
from support.system import System
from ticketing_local.stack.ports import SERVICES

WRONG = "a wrong password nobody has"
PROGRAMS = (*SERVICES, "worker")


def lines(folder: Path, program: str) -> list[dict[str, Any]]:
    """Read what a program has logged; every line is JSON, but arq's two before it asks us."""
    log = next(folder.rglob(f"{program}.log")).read_text().splitlines()
    return [json.loads(line) for line in (log[2:] if program == "worker" else log)]


@pytest.fixture
async def people(system: System) -> list[Person]:
    """A seller and a buyer, who do all that could put something into a log."""
    seller = await Person.signed_up(system.address, "seller")
    buyer = await Person.signed_up(system.address, "buyer")
    for password in (WRONG, PASSWORD):
        await buyer.send("POST", "/api/users/signin", {"email": buyer.email, "password": password})
    await buyer.send("POST", "/api/users/signup", {"email": buyer.email, "password": PASSWORD})
    await buyer.send("POST", "/api/users/signup", {"email": "not one", "password": [PASSWORD]})
    await buyer.send("POST", "/api/users/refresh", {})
    order = await buyer.order(await seller.sell())
    await buyer.pay(order, "tok_chargeDeclined", expect=402)
    await buyer.send("POST", "/api/payments", {"orderId": order["id"], "token": "tok_secret_thing"})
    await buyer.pay(order)
    await buyer.sees(f"/api/orders/{order['id']}", status="complete")
    return [seller, buyer]


async def test_no_secret_and_nothing_personal_is_logged(
    system: System, folder: Path, people: list[Person]
) -> None:
    secrets = {PASSWORD, WRONG, JWT_KEY, system.stripe_key, "tok_", "client_secret", "whsec_"}
    for person in people:
        secrets |= {person.email, *person.http.cookies.values()}
        await person.leave()
    for program in PROGRAMS:
        logged = "\n".join(json.dumps(line) for line in lines(folder, program))
        assert logged, program
        found = {secret for secret in secrets if secret in logged}
        assert not found, program


async def test_every_line_says_whose_it_is_and_when(system: System, folder: Path) -> None:
    assert system
    for program in PROGRAMS:
        service = "expiration" if program == "worker" else program
        for line in lines(folder, program):
            assert {"event", "level", "logger", "timestamp"} <= set(line), line
            assert line["service"] == service


async def test_a_request_is_found_by_its_id_in_the_answer_and_in_the_log(
    system: System, folder: Path
) -> None:
    buyer = await Person.signed_up(system.address, "buyer")
    refused = await buyer.send(
        "POST", "/api/orders", {"ticketId": "none"}, headers={"X-Request-Id": "night-shift.7"}
    )
    assert refused.headers["x-request-id"] == "night-shift.7"

    async def logged() -> dict[str, Any] | None:
        of_it = [x for x in lines(folder, "orders") if x.get("request_id") == "night-shift.7"]
        return of_it[0] if of_it else None

    line = await eventually(logged)
    assert line is not None
    expected = {"event": "refused", "method": "POST", "route": "/api/orders", "status": 400}
    assert line.items() >= {**expected, "user": buyer.id, "service": "orders"}.items()
    assert len(line["trace_id"]) == 32
    await buyer.leave()


@pytest.mark.parametrize("sent", ["x" * 65, "a b", "{}", ""])
async def test_an_id_that_is_long_or_odd_is_replaced(system: System, sent: str) -> None:
    buyer = Person.known(system.address)
    answer = await buyer.send("GET", "/api/orders", headers={"X-Request-Id": sent})
    assert answer.headers["x-request-id"] != sent
    assert len(answer.headers["x-request-id"]) == 16
    await buyer.leave()
