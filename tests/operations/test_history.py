"""Who did what to an order and its money: every version has its entry, and names who it was."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient

from support.api_user import ApiUser
from support.system import System

Mongo = AsyncMongoClient[dict[str, Any]]


@pytest.fixture
async def mongo(system: System) -> AsyncGenerator[Mongo]:
    async with AsyncMongoClient[dict[str, Any]](system.mongo) as client:
        yield client


async def history(mongo: Mongo, collection: str, **query: ObjectId) -> list[dict[str, Any]]:
    """Read a trail, which has exactly one entry for each version."""
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

    of_order = await history(mongo, "orders", _id=ObjectId(order["id"]))
    assert [entry["changed"].get("status") for entry in of_order] == [
        "created",
        "awaiting:payment",
        "complete",
    ]
    assert of_order[0]["by"] == f"user {buyer.id}"
    assert of_order[1]["by"].startswith(f"event payment.failed:{paid['id']}:")
    assert of_order[2]["by"].startswith(f"event payment.created:{paid['id']}:")
    of_charge = await history(mongo, "charges", order_id=ObjectId(order["id"]))
    assert {entry["by"] for entry in of_charge} == {f"user {buyer.id}"}
    assert all(entry["request_id"] for entry in of_order + of_charge)
    assert all("tok_" not in str(entry) for entry in of_charge)
    await seller.close()
    await buyer.close()


async def test_audit_log_distinguishes_buyer_and_expiration(system: System, mongo: Mongo) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = ApiUser.with_signed_session(system.address)
    cancelled = await buyer.order(await seller.sell())
    expired = await buyer.order(await seller.sell())
    await buyer.request_ok("DELETE", f"/api/orders/{cancelled['id']}", expect=204)
    await buyer.wait_for(f"/api/orders/{expired['id']}", status="cancelled")

    by_buyer = await history(mongo, "orders", _id=ObjectId(cancelled["id"]))
    assert (by_buyer[-1]["by"], by_buyer[-1]["changed"]["reason"]) == (f"user {buyer.id}", "buyer")
    by_time = await history(mongo, "orders", _id=ObjectId(expired["id"]))
    assert by_time[-1]["by"].startswith(f"event expiration.completed:{expired['id']}:")
    await seller.close()
    await buyer.close()


async def test_operator_command_prints_the_audit_log(system: System) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    buyer = ApiUser.with_signed_session(system.address)
    order = await buyer.order(await seller.sell())
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")

    async def run_admin_command(service: str, aggregate_id: str) -> tuple[int | None, str]:
        env = system.processes[service].program.environment
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "common.operations.cli", service, "history", aggregate_id),
            env={"PATH": os.environ["PATH"], **env, "LOG_LEVEL": "ERROR"},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    status, said = await run_admin_command("orders", order["id"])
    assert (status, said.count(f"user {buyer.id}")) == (0, 1)
    assert "event payment.created:" in said
    status, said = await run_admin_command("payments", order["id"])
    assert status == 0
    assert '"status": "succeeded"' in said
    status, said = await run_admin_command("orders", "0" * 24)
    assert (status, said) == (1, "Nothing with that id has a history here\n")
    await seller.close()
    await buyer.close()
