"""Tests of what orders says of the seller, at the sale, later, and of sales of earlier versions."""

from datetime import datetime
from typing import Any

from common.events import (
    OrderCompleted,
    OrderStatus,
    OrderUpdated,
    PaymentCreated,
    PaymentRefunded,
    PaymentUpdated,
    PayoutState,
)
from common.persistence.mongo import collection_of, object_id
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.ids import new_id
from payments.domain.charge import Charge, charge_id_of
from payments.seller_testing import in_days
from payments.store.charges import ChargeDocument
from payments.store.order_replicas import OrderReplica
from payments.testing import PRICE, FakeOrders, StripeProbe, find_charge, pay, wait_for_status

NEW_IN_ORDERS = ("seller_id", "release_at", "outcome", "title", "created_at")
NEW_FIELDS = ("seller_id", "release_at", "fee", "net", "stripe_charge_id", "payout", "dispute")


async def buy(payments: Client, orders: FakeOrders, **seller: Any) -> str:
    """Pay for an order, and return its id."""
    buyer = make_user()
    payments.sign_in(buyer)
    order_id = await orders.place(buyer, **seller)
    assert (await pay(payments, order_id)).status_code == 201
    return order_id


async def wait_for_release_at(payments: Client, order_id: str, release_at: datetime) -> Charge:
    async def moved() -> Charge | None:
        charge = await find_charge(payments, order_id)
        return charge if charge is not None and charge.release_at == release_at else None

    charge = await eventually(moved)
    assert charge is not None
    return charge


async def test_paid_order_holds_the_money_of_its_seller(
    payments: Client, orders: FakeOrders, published: EventProbe, stripe_probe: StripeProbe
) -> None:
    seller_id, release_at = new_id(), in_days(3)

    order_id = await buy(payments, orders, seller_id=seller_id, release_at=release_at)

    created = await published.next(PaymentCreated)
    assert (created.seller_id, created.net) == (seller_id, PRICE)
    assert created.payout is not None
    assert created.payout.state is PayoutState.HELD
    charge = await wait_for_status(payments, order_id, "succeeded")
    assert charge.reconcile_at == release_at
    intent = await stripe_probe.intent(order_id)
    assert charge.stripe_charge_id == intent.latest_charge


async def test_order_without_a_seller_is_paid_as_before(
    payments: Client, orders: FakeOrders, published: EventProbe
) -> None:
    order_id = await buy(payments, orders)

    created = (await published.next(PaymentCreated)).model_dump()
    assert not {"sellerId", "net", "payout", "dispute"} & set(created)
    assert (await wait_for_status(payments, order_id, "succeeded")).reconcile_at is None


async def test_receipt_by_the_buyer_moves_the_date(payments: Client, orders: FakeOrders) -> None:
    order_id = await buy(payments, orders, seller_id=new_id(), release_at=in_days(90))
    earlier = in_days(14)

    await orders.publish(
        order_id, OrderUpdated, version=3, status=OrderStatus.COMPLETE, release_at=earlier
    )

    charge = await wait_for_release_at(payments, order_id, earlier)
    assert charge.reconcile_at == earlier


async def test_order_of_a_cancelled_show_is_refunded_and_its_payout_void(
    payments: Client, orders: FakeOrders, published: EventProbe, stripe_probe: StripeProbe
) -> None:
    order_id = await buy(payments, orders, seller_id=new_id(), release_at=in_days(3))

    for _ in range(2):
        await orders.return_order(order_id)

    charge = await wait_for_status(payments, order_id, "refunded")
    assert charge.payout is not None
    assert charge.payout.state is PayoutState.VOID
    assert len(await stripe_probe.refunds(order_id)) == 1
    assert (await published.next(PaymentRefunded)).reason == "order returned"


async def test_republishing_gives_payments_of_earlier_versions_their_payout(
    payments: Client, orders: FakeOrders, published: EventProbe
) -> None:
    seller_id, release_at = new_id(), in_days(3)
    order_id = await buy(payments, orders, seller_id=seller_id, release_at=release_at)
    await orders.publish(order_id, OrderCompleted, version=1, status=OrderStatus.COMPLETE)
    absent = {"$unset": dict.fromkeys(NEW_FIELDS, "")}
    charge_id = object_id(charge_id_of(order_id))
    await collection_of(ChargeDocument).update_one({"_id": charge_id}, absent)
    absent = {"$unset": dict.fromkeys(NEW_IN_ORDERS, "")}
    await collection_of(OrderReplica).update_one({"_id": object_id(order_id)}, absent)

    await orders.publish(order_id, OrderCompleted, version=1, status=OrderStatus.COMPLETE)
    states = [event async for event in payments.app.state.service.snapshot_events()]

    republished = PaymentCreated.model_validate_json(states[-1].data)
    assert (republished.seller_id, republished.net) == (seller_id, PRICE)

    async def is_published() -> bool:
        versions = [event.version for event in await published.all(PaymentUpdated)]
        return republished.version in versions

    await eventually(is_published)
    charge = await wait_for_release_at(payments, order_id, release_at)
    assert charge.reconcile_at == release_at
