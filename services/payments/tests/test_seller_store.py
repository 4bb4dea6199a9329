"""Tests of sellers in MongoDB."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from common.app import Service
from common.persistence.mongo import object_id
from common.values.ids import new_id
from payments.app import DOCUMENTS
from payments.domain.seller import new_seller
from payments.settings import Settings
from payments.store.sellers import SellerStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def sellers(
    payments_environment: dict[str, Any], published: object
) -> AsyncGenerator[SellerStore]:
    assert published
    service = Service.from_settings("payments", Settings(**payments_environment))
    async with service.open(DOCUMENTS) as running:
        yield SellerStore(running.relay, running.clock)


async def test_audit_log_of_a_seller_has_the_sum_of_its_debts(sellers: SellerStore) -> None:
    seller = (await sellers.add(new_seller(new_id(), NOW))).id
    for n, amount in enumerate((500, 300)):
        await sellers.update(seller, lambda s, n=n, a=amount: s.record_debt(f"{n}:0", a, NOW))
    await sellers.update(seller, lambda s: s.withhold("2:0", 600, NOW))

    doc = await sellers.collection.find_one({"_id": object_id(seller)})

    assert doc is not None
    assert [entry["version"] for entry in doc["history"]] == [0, 1, 2, 3]
    assert [entry["changed"].get("owed") for entry in doc["history"][1:]] == [500, 800, 200]
    assert all({"debts", "withheld"}.isdisjoint(entry["changed"]) for entry in doc["history"])
    assert (await sellers.get(seller)).debts == {"0:0": 500, "1:0": 300}
