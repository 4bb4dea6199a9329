"""Logs: correlation across services, and no secrets or personal data."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.testing.client import JWT_KEY
from common.testing.polling import eventually
from mail_local.testing import MailControl
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import PASSWORD, ApiUser
from ticketing_local.stack.ports import SERVICES

WRONG_PASSWORD = "a wrong password of a user"
PROGRAMS = (*SERVICES, "worker", "mailer")


def log_lines(folder: Path, program: str) -> list[dict[str, Any]]:
    """Return a program's log lines, without one that is being written."""
    log = next(folder.rglob(f"{program}.log")).read_text()
    return [json.loads(line) for line in log.rpartition("\n")[0].splitlines()]


@pytest.fixture
async def users(system: System) -> list[ApiUser]:
    """Return a seller and a buyer whose actions could log sensitive data."""
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = await ApiUser.sign_up(system.address, "buyer")
    for password in (WRONG_PASSWORD, PASSWORD):
        await buyer.request(
            "POST", "/api/users/signin", {"email": buyer.email, "password": password}
        )
    await buyer.request("POST", "/api/users/signup", {"email": buyer.email, "password": PASSWORD})
    await buyer.request("POST", "/api/users/signup", {"email": "not one", "password": [PASSWORD]})
    await buyer.request("POST", "/api/users/refresh", {})
    order = await buyer.order(await seller.sell())
    await buyer.pay(order, "tok_chargeDeclined", expect=402)
    await buyer.request(
        "POST", "/api/payments", {"orderId": order["id"], "token": "tok_secret_thing"}
    )
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    await buyer.request_ok("POST", "/api/users/forgot", {"email": buyer.email}, expect=202)
    mail = MailControl(f"http://127.0.0.1:{system.port['mail']}")

    async def has_letters() -> bool:
        return {"Choose a new password", f"Your ticket: {order['ticket']['title']}"} <= {
            letter["subject"] for letter in mail.letters(buyer.email)
        }

    await eventually(has_letters)
    return [seller, buyer]


async def test_logs_contain_no_secrets_or_personal_data(
    system: System, folder: Path, users: list[ApiUser]
) -> None:
    secrets = {
        PASSWORD,
        WRONG_PASSWORD,
        JWT_KEY,
        system.stripe_key,
        "tok_",
        "client_secret",
        "whsec_",
    }
    mail = MailControl(f"http://127.0.0.1:{system.port['mail']}")
    for user in users:
        secrets |= {user.email, *user.http.cookies.values()}
        links = [link for letter in mail.letters(user.email) for link in letter["links"]]
        secrets |= {link.partition("token=")[2] for link in links if "token=" in link}
        await user.close()
    for program in PROGRAMS:
        logged = "\n".join(json.dumps(line) for line in log_lines(folder, program))
        assert logged, program
        found = {secret for secret in secrets if secret in logged}
        assert not found, program


async def test_every_log_line_has_service_and_timestamp(system: System, folder: Path) -> None:
    assert system
    for program in PROGRAMS:
        service = {"worker": "expiration", "mailer": "auth"}.get(program, program)
        for line in log_lines(folder, program):
            assert {"event", "level", "logger", "timestamp"} <= set(line), line
            assert line["service"] == service


async def test_request_id_links_response_and_log(system: System, folder: Path) -> None:
    buyer = await ApiUser.sign_up(system.address, "buyer")
    response = await buyer.request(
        "POST", "/api/orders", {"ticketId": "none"}, headers={"X-Request-Id": "night-shift.7"}
    )
    assert response.headers["x-request-id"] == "night-shift.7"

    async def find_line() -> dict[str, Any] | None:
        matching = [
            x for x in log_lines(folder, "orders") if x.get("request_id") == "night-shift.7"
        ]
        return matching[0] if matching else None

    line = await eventually(find_line)
    assert line is not None
    expected = {
        "event": "request rejected",
        "method": "POST",
        "route": "/api/orders",
        "status": 400,
    }
    assert line.items() >= {**expected, "user": buyer.id, "service": "orders"}.items()
    assert len(line["trace_id"]) == 32
    await buyer.close()


@pytest.mark.parametrize("sent", ["x" * 65, "a b", "{}", ""])
async def test_invalid_request_id_is_replaced(system: System, sent: str) -> None:
    buyer = signed_in_user(system.address)
    response = await buyer.request("GET", "/api/orders", headers={"X-Request-Id": sent})
    assert response.headers["x-request-id"] != sent
    assert len(response.headers["x-request-id"]) == 16
    await buyer.close()
