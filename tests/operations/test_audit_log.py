"""The audit log of orders and charges: one entry per version, with its actor and cause."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient

from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser

Mongo = AsyncMongoClient[dict[str, Any]]


@pytest.fixture
async def mongo(system: System) -> AsyncGenerator[Mongo]:
    async with AsyncMongoClient[dict[str, Any]](system.mongo) as client:
        yield client


async def read_audit_log(mongo: Mongo, collection: str, **query: ObjectId) -> list[dict[str, Any]]:
    """Return the audit log of a document, which must have one entry per version."""
    database = "orders" if collection == "orders" else "payments"
    doc = await mongo[database][collection].find_one(query)
    assert doc is not None
    assert [entry["version"] for entry in doc["history"]] == list(range(doc["version"] + 1))
    return doc["history"]


async def test_purchase_is_audited_with_actor_and_cause(system: System, mongo: Mongo) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = await ApiUser.sign_up(system.address, "buyer")
    order = await buyer.order(await seller.sell())
    await buyer.pay(order, "tok_chargeDeclined", expect=402)
    paid = await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")

    order_log = await read_audit_log(mongo, "orders", _id=ObjectId(order["id"]))
    assert [entry["changed"].get("status") for entry in order_log] == [
        "created",
        "awaiting:payment",
        "complete",
    ]
    assert order_log[0]["by"] == f"user {buyer.id}"
    assert order_log[1]["by"].startswith(f"event payment.failed:{paid['id']}:")
    assert order_log[2]["by"].startswith(f"event payment.created:{paid['id']}:")
    charge_log = await read_audit_log(mongo, "charges", order_id=ObjectId(order["id"]))
    assert {entry["by"] for entry in charge_log} == {f"user {buyer.id}"}
    assert all(entry["request_id"] for entry in order_log + charge_log)
    assert all("tok_" not in str(entry) for entry in charge_log)
    await seller.close()
    await buyer.close()


async def test_audit_log_distinguishes_buyer_and_expiration(system: System, mongo: Mongo) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = signed_in_user(system.address)
    cancelled = await buyer.order(await seller.sell())
    expired = await buyer.order(await seller.sell())
    await buyer.request_ok("DELETE", f"/api/orders/{cancelled['id']}", expect=204)
    await buyer.wait_for(f"/api/orders/{expired['id']}", status="cancelled")

    by_buyer = await read_audit_log(mongo, "orders", _id=ObjectId(cancelled["id"]))
    assert (by_buyer[-1]["by"], by_buyer[-1]["changed"]["reason"]) == (f"user {buyer.id}", "buyer")
    by_expiration = await read_audit_log(mongo, "orders", _id=ObjectId(expired["id"]))
    assert by_expiration[-1]["by"].startswith(f"event expiration.completed:{expired['id']}:")
    await seller.close()
    await buyer.close()


async def test_operator_command_prints_the_audit_log(system: System) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = signed_in_user(system.address)
    order = await buyer.order(await seller.sell())
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")

    async def run_admin_command(service: str, aggregate_id: str) -> tuple[int | None, str]:
        env = system.processes[service].program.environment
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "common.operations.cli", service, "audit", aggregate_id),
            env={"PATH": os.environ["PATH"], **env, "LOG_LEVEL": "ERROR"},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    status, output = await run_admin_command("orders", order["id"])
    assert (status, output.count(f"user {buyer.id}")) == (0, 1)
    assert "event payment.created:" in output
    status, output = await run_admin_command("payments", order["id"])
    assert status == 0
    assert '"status": "succeeded"' in output
    status, output = await run_admin_command("orders", "0" * 24)
    assert (status, output) == (1, "No audit log for this id\n")
    await seller.close()
    await buyer.close()
