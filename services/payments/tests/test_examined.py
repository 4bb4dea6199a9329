"""What MongoDB examines does not grow with what a user has sold and bought."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from common.app import Service
from common.lifecycle import RunningService
from common.persistence.audit_log import find_audit_log
from common.persistence.mongo import Doc
from common.testing.query_profile import QueryProfile
from common.values.ids import new_id
from payments.app import DOCUMENTS
from payments.domain.payout import HoldReason
from payments.domain.seller import new_seller
from payments.settings import Settings
from payments.store.charges import ChargeStore
from payments.store.ledger import Ledger
from payments.store.sales import Sales
from payments.store.sellers import SellerStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
MANY = 500
FEW_KEYS = 6


@pytest.fixture
async def running(
    payments_environment: dict[str, Any], published: object
) -> AsyncGenerator[RunningService]:
    """Open the collections with their indexes."""
    assert published
    service = Service.from_settings("payments", Settings(**payments_environment))
    async with service.open(DOCUMENTS) as opened:
        yield opened


@pytest.fixture
def charges(running: RunningService) -> ChargeStore:
    """Return the store of the charges."""
    return ChargeStore(running.relay, running.clock)


def paid(user_id: str, seller_id: str, *, state: str = "sent", card: str = "") -> Doc:
    """Return the parts of a stored payment that queries select by."""
    return {
        "_id": ObjectId(),
        "version": 3,
        "order_id": ObjectId(),
        "stripe_id": new_id(),
        "user_id": user_id,
        "seller_id": seller_id,
        "card_fingerprint": card or new_id(),
        "status": "succeeded",
        "paid_at": NOW,
        "payout": {"state": state, "reason": HoldReason.PAUSED if state == "frozen" else None},
        "look_at": None,
    }


async def test_waking_frozen_payouts_examines_no_other_sale(charges: ChargeStore) -> None:
    seller_id = new_id()
    sales = [paid(new_id(), seller_id) for _ in range(MANY)]
    frozen = paid(new_id(), seller_id, state="frozen")
    await charges.collection.insert_many([*sales, frozen])

    async with QueryProfile(charges.collection.database, "charges") as profile:
        await Sales(charges.collection).wake_frozen(seller_id, NOW)

    assert profile.examined <= FEW_KEYS
    woken = await charges.collection.find({"look_at": NOW}).to_list()
    assert [doc["_id"] for doc in woken] == [frozen["_id"]]


async def test_comparing_cards_examines_no_other_payment(charges: ChargeStore) -> None:
    user_id, card = new_id(), new_id()
    others = [paid(user_id, new_id()) for _ in range(MANY)]
    await charges.collection.insert_many([*others, paid(user_id, new_id(), card=card)])

    async with QueryProfile(charges.collection.database, "charges") as profile:
        has_paid = await charges.has_paid_with_card(user_id, card)
        has_not = await charges.has_paid_with_card(user_id, new_id())

    assert (has_paid, has_not) == (True, False)
    assert profile.examined <= FEW_KEYS


async def test_sum_of_debts_examines_debtors_only(charges: ChargeStore) -> None:
    database = charges.collection.database
    nothing: dict[str, int] = {}
    debts = [*([nothing] * MANY), {"a": 300, "b": 50}]
    await database["sellers"].insert_many(
        {
            "_id": ObjectId(),
            "created_at": NOW,
            "debts": each,
            "withheld": {"a": 100} if each else {},
        }
        for each in debts
    )

    async with QueryProfile(database, "sellers") as profile:
        owed = await Ledger(database).owed()

    assert owed == 250
    assert profile.examined <= FEW_KEYS


async def test_audit_log_is_found_by_an_index(
    running: RunningService, charges: ChargeStore
) -> None:
    database = running.database
    payment: Doc = paid(new_id(), new_id()) | {"history": [{"version": 0}]}
    await charges.collection.insert_many([paid(new_id(), new_id()) for _ in range(MANY)])
    await charges.collection.insert_one(payment)
    seller = await SellerStore(running.relay, running.clock).add(new_seller(new_id(), NOW))
    collections = [database["sellers"], database["charges"]]

    async with QueryProfile(database, "charges", "sellers") as profile:
        by_order = await find_audit_log(collections, payment["order_id"])
        of_seller = await find_audit_log(reversed(collections), ObjectId(seller.id))
        unknown = await find_audit_log(collections, ObjectId())

    assert by_order == [{"version": 0}]
    assert of_seller is not None
    assert unknown is None
    assert "COLLSCAN" not in profile.plans
