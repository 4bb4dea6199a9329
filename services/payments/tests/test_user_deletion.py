"""Tests of deleted accounts and of exports."""

from typing import Any

from common.auth.tokens import User
from common.events import UserDeleted
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.testing import FakeOrders, pay


async def test_keys_and_counters_of_a_deleted_user_are_erased_and_charges_stay(
    payments: Client, orders: FakeOrders, published: EventProbe
) -> None:
    database: Any = payments.app.state.service.running.database
    user = payments.sign_in()
    order_id = await orders.place(user)
    body = {"token": "tok_chargeDeclined", "orderId": order_id}
    await payments.post("/api/payments", json=body, headers={"Idempotency-Key": new_id()})
    counted = {"slots": {"$regex": f"^account:{user.id}#"}}
    before = await database["counted_attempts"].count_documents(counted)

    event = UserDeleted(id=user.id, version=0, deleted_at=utc_now())
    await published.publish(event, aggregate_id=user.id)
    await published.wait_until_handled("payments-auth")

    assert before == 1
    assert await database["counted_attempts"].count_documents(counted) == 0
    assert await database["idempotency"].count_documents({}) == 0
    assert await database["charges"].count_documents({"user_id": user.id}) == 1


async def test_export_has_own_payments_only(payments: Client, orders: FakeOrders) -> None:
    user: User = make_user(authenticated_at=utc_now().timestamp())
    await pay(payments, await orders.place(payments.sign_in()))
    payments.sign_in(user)
    order_id = await orders.place(user, price=50)
    await pay(payments, order_id)

    exported = (await payments.get("/api/payments/export")).json()["payments"]

    assert [one["orderId"] for one in exported] == [order_id]
    assert exported[0]["card"]["last4"] == "4242"
